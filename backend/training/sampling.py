"""Which examples form which batch: a pure function of seed and epoch, so a resume needs no state.

Texts are bucketed by length: sorted within windows of many batches, so that a batch holds texts
of about one length and little padding, while the order of batches stays random (the idea of
torchtext's BucketIterator and of length-grouped sampling in transformers' Trainer).
"""

import torch
from torch import Tensor

# Batches per window: larger means less padding and less randomness.
WINDOW = 50


def epoch_batches(
    count: int, batch_size: int, *, seed: int, epoch: int, lengths: Tensor | None = None
) -> list[Tensor]:
    """Index tensors (int64) of one epoch's batches; every example appears exactly once."""
    generator = torch.Generator().manual_seed(seed + epoch)
    order = torch.randperm(count, generator=generator)
    if lengths is None:
        return list(order.split(batch_size))
    batches: list[Tensor] = []
    for window in order.split(batch_size * WINDOW):
        by_length = window[torch.argsort(lengths[window], stable=True)]
        batches.extend(by_length.split(batch_size))
    shuffle = torch.randperm(len(batches), generator=generator)
    return [batches[index] for index in shuffle.tolist()]


def ordered_batches(count: int, batch_size: int, lengths: Tensor | None = None) -> list[Tensor]:
    """Index tensors for evaluation: in order, or from short to long where lengths are given."""
    order = torch.arange(count) if lengths is None else torch.argsort(lengths, stable=True)
    return list(order.split(batch_size))
