"""Which examples form which batch: a pure function of seed and epoch, so a resume needs no state.

Texts are bucketed by length: sorted within windows of many batches, so that a batch holds texts
of about one length and little padding, while the order of batches stays random (the idea of
torchtext's BucketIterator and of length-grouped sampling in transformers' Trainer).
"""

import torch
from torch import Tensor

# Batches per window: larger means less padding and less randomness.
WINDOW = 50
# How many examples of one group come together, where examples are compared with each other.
TOGETHER = 4


def epoch_batches(
    count: int,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    lengths: Tensor | None = None,
    groups: Tensor | None = None,
    draw: Tensor | None = None,
) -> list[Tensor]:
    """Index tensors (int64) of one epoch's batches; every example appears exactly once.

    groups: where a batch has to hold several examples of a kind, the kind of each, int64 [count].
    draw: how often each example is to be drawn beside the others, [count]; then as many examples
    are drawn anew each time, and rare ones may come often.
    """
    generator = torch.Generator().manual_seed(seed + epoch)
    if draw is None:
        order = torch.randperm(count, generator=generator)
    else:
        order = torch.multinomial(draw, count, replacement=True, generator=generator)
    if groups is not None:
        order = _together(order, groups[order], generator)
    if lengths is None:
        return list(order.split(batch_size))
    batches: list[Tensor] = []
    for window in order.split(batch_size * WINDOW):
        by_length = window[torch.argsort(lengths[window], stable=True)]
        batches.extend(by_length.split(batch_size))
    shuffle = torch.randperm(len(batches), generator=generator)
    return [batches[index] for index in shuffle.tolist()]


def _together(order: Tensor, groups: Tensor, generator: torch.Generator) -> Tensor:
    """The same examples with TOGETHER of a group next to each other, handfuls in random order.

    A batch so holds a quarter as many groups as examples (P x K batches: Hermans, Beyer and
    Leibe, 2017).
    """
    by_group = torch.argsort(groups, stable=True)
    order, groups = order[by_group], groups[by_group]
    within = torch.arange(len(groups)) - torch.searchsorted(groups, groups)
    is_first = (within % TOGETHER == 0).long()
    handful = is_first.cumsum(0) - 1
    keys = torch.randperm(int(is_first.sum()), generator=generator)
    return order[torch.argsort(keys[handful], stable=True)]


def ordered_batches(count: int, batch_size: int, lengths: Tensor | None = None) -> list[Tensor]:
    """Index tensors for evaluation: in order, or from short to long where lengths are given."""
    order = torch.arange(count) if lengths is None else torch.argsort(lengths, stable=True)
    return list(order.split(batch_size))
