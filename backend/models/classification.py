"""What every classification task computes: loss, scores, answers; used by the task files."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes

FIVE = 5
"""With more classes than these, whether the right one is among the likeliest five is scored."""
SMALLEST_SHARE = 1e-6
"""How likely a class is held to be that the training examples never show."""


def cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None
) -> dict[str, Tensor]:
    """Loss and output of a batch: logits [b, classes], labels int64 [b], weights float [b]."""
    if weights is None:
        return {"loss": F.cross_entropy(logits, labels), "output": logits.detach()}
    losses = F.cross_entropy(logits, labels, reduction="none")
    return {"loss": (losses * weights).mean(), "output": logits.detach()}


def count_right(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """How many of the batch are right, still on the device."""
    return {"accuracy": (logits.argmax(dim=1) == labels).sum()}


class ClassificationMeter:
    """Accuracy and macro F1 of a split (backend.tasks.base.Meter)."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.logits: list[Tensor] = []
        self.labels: list[Tensor] = []

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.logits.append(result["output"].float().cpu())
        self.labels.append(batch["labels"].cpu())

    def compute(self) -> dict[str, float]:
        logits, labels = torch.cat(self.logits), torch.cat(self.labels)
        return {**scores(logits, labels, self.classes), **most_answered(logits)}

    def outcomes(self) -> Outcomes:
        logits, labels = torch.cat(self.logits), torch.cat(self.labels)
        shares = logits.softmax(dim=1)
        answer_share, answer = shares.max(dim=1)
        return Outcomes(
            values={"accuracy": (answer == labels).float().numpy()},
            truth=labels.numpy(),
            answer=answer.numpy(),
            truth_share=shares.gather(1, labels.unsqueeze(1)).squeeze(1).numpy(),
            answer_share=answer_share.numpy(),
        )


def most_answered(logits: Tensor) -> dict[str, float]:
    """Which class is answered most often, by its number, and the share of all answers it has."""
    counts = torch.bincount(logits.argmax(dim=1))
    top = int(counts.argmax())
    return {"top_class": float(top), "top_share": float(counts[top]) / len(logits)}


def largest_class(train: Tensor, labels: Tensor, classes: list[str]) -> Naive:
    """What always answering the most frequent class gets; labels int64 [n] of both splits.

    Its loss is that of somebody who knows how frequent each class is in training.
    """
    counts = torch.bincount(train.cpu(), minlength=len(classes))
    labels, top = labels.cpu(), int(counts.argmax())
    logits = counts.double().expand(len(labels), -1)  # the frequent ones first
    shares = (counts.double() / counts.sum()).clamp(min=SMALLEST_SHARE)
    loss = float(-shares[labels].log().mean())
    found = scores(logits, labels, len(classes))
    words = f"always answering “{classes[top]}”, the most frequent class"
    return Naive(words, {**found, "loss": loss})


def scores(logits: Tensor, labels: Tensor, classes: int) -> dict[str, float]:
    """Accuracy, macro F1 (the mean over the classes that occur) and top-5 of a whole split.

    Five lines of our own: importing torchmetrics takes longer than a first run's training.
    """
    found = logits.argmax(dim=1)
    right = torch.bincount(labels[found == labels], minlength=classes).double()
    both = torch.bincount(found, minlength=classes) + torch.bincount(labels, minlength=classes)
    f1 = (2 * right / both.clamp(min=1))[both > 0].mean()
    values = {"accuracy": float((found == labels).double().mean()), "f1": float(f1)}
    if classes > FIVE:
        five = logits.topk(FIVE, dim=1).indices
        values["top5"] = float((five == labels[:, None]).any(dim=1).double().mean())
    return values


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
