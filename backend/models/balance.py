"""What is done where some classes have far fewer examples; used by tasks that sort into classes."""

from dataclasses import dataclass

import torch
from torch import Tensor

NONE, WEIGHTS, SAMPLING = "none", "weights", "sampling"
"""What the setting class_balance can be."""


@dataclass(frozen=True, slots=True)
class Balance:
    """For each example of a split: how much its loss counts, or how often it is drawn, [n]."""

    weights: Tensor | None = None
    draw: Tensor | None = None


def balance(labels: Tensor, how: str) -> Balance:
    """What a training split needs so that its classes count alike; labels int64 [n].

    An example's weight is n / (classes * examples of its class), the "balanced" rule of
    scikit-learn after King and Zeng (2001); the mean over the split is 1, so the learning rate
    means what it meant.
    """
    if how == NONE:
        return Balance()
    counts = torch.bincount(labels)
    weights = len(labels) / (int((counts > 0).sum()) * counts[labels].double())
    return Balance(weights=weights.float()) if how == WEIGHTS else Balance(draw=weights)
