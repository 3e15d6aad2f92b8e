"""What every classification task computes: loss, scores, answers; used by the task files."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere


def cross_entropy(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Loss and output of a batch: logits [b, classes], labels int64 [b]."""
    return {"loss": F.cross_entropy(logits, labels), "output": logits}


def count_right(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """How many of the batch are right, still on the device."""
    return {"accuracy": (logits.argmax(dim=1) == labels).sum()}


def scores(logits: Tensor, labels: Tensor, classes: int) -> dict[str, float]:
    """Accuracy and macro F1 (the mean over the classes that occur) of a whole split.

    Five lines of our own: importing torchmetrics takes longer than a first run's training.
    """
    found = logits.argmax(dim=1)
    right = torch.bincount(labels[found == labels], minlength=classes).double()
    both = torch.bincount(found, minlength=classes) + torch.bincount(labels, minlength=classes)
    f1 = (2 * right / both.clamp(min=1))[both > 0].mean()
    return {"accuracy": float((found == labels).double().mean()), "f1": float(f1)}


def answers(logits: Tensor, classes: list[str]) -> list[dict[str, Any]]:
    """The label and each class's probability, likeliest first, for each row of logits."""
    rows = torch.softmax(logits.float(), dim=1).cpu()
    found: list[dict[str, Any]] = []
    for row, order in zip(
        rows.tolist(), rows.argsort(dim=1, descending=True, stable=True), strict=True
    ):
        shares = {classes[index]: row[index] for index in order.tolist()}
        found.append({"label": next(iter(shares)), "probabilities": shares})
    return found
