"""Metric learning: vectors that lie close where pictures show the same; losses and scores.

Used by the task file; free of any data set.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes

TEMPERATURE = 0.1
# Pairs are counted among this many pictures of a split, half a million times four.
MOST = 2000
BEYOND = 3.0
"""Farther than any distance is: that of a pair that must not be chosen."""


class Embedder(nn.Module):
    """A network for pictures whose last layer gives a vector of length one.

    threshold: up to this distance two pictures count as the same. steepness: how quickly doubt
    falls beside it. Both are measured on the validation part and saved with the weights.
    """

    threshold: Tensor
    steepness: Tensor

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("threshold", torch.tensor(0.5))
        self.register_buffer("steepness", torch.tensor(10.0))

    def forward(self, images: Tensor) -> Tensor:
        """Vectors [b, width] of images [b, channels, height, width]."""
        return F.normalize(self.backbone(images).float(), dim=1)

    def sameness(self, distances: Tensor) -> Tensor:
        """How likely pairs at these distances show the same, 0 to 1; a half at the threshold."""
        return torch.sigmoid(self.steepness * (self.threshold - distances))


def distances_between(first: Tensor, other: Tensor) -> Tensor:
    """One minus the cosine, 0 to 2, between vectors [n, width] and [m, width]: [n, m]."""
    return 1 - first @ other.T


def contrastive_loss(vectors: Tensor, labels: Tensor) -> Tensor:
    """Pulls pictures of a class together and away from all others (Khosla et al., 2020)."""
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    closeness = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, float("-inf"))
    shares = closeness.log_softmax(dim=1).masked_fill(itself, 0.0)
    partners = same & ~itself
    count = partners.sum(dim=1)
    losses = -(shares * partners).sum(dim=1) / count.clamp(min=1)
    # Zero, and no gradient, where a batch has nothing to compare.
    return losses.sum() / (count > 0).sum().clamp(min=1)


class SimilarityMeter:
    """Retrieval and verification over a split (backend.tasks.base.Meter)."""

    def __init__(self) -> None:
        self.vectors: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.threshold = 0.5

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.vectors.append(result["output"].float().cpu())
        self.labels.append(batch["labels"].cpu())
        self.threshold = float(result["threshold"])

    def compute(self) -> dict[str, float]:
        vectors, labels = torch.cat(self.vectors), torch.cat(self.labels)
        same, other = pair_distances(vectors, labels)
        judged = (same <= self.threshold).double().mean() + (other > self.threshold).double().mean()
        return {
            "verification": float(judged) / 2,
            "roc_auc": roc_auc(same, other),
            **retrieval(vectors, labels),
        }

    def outcomes(self) -> Outcomes:
        vectors, labels = torch.cat(self.vectors), torch.cat(self.labels)
        hits = {f"recall_{count}": torch.full((len(labels),), torch.nan) for count in (1, 5)}
        for part, row in nearest_labels(vectors, labels):
            for count in (1, 5):
                hits[f"recall_{count}"][part] = row[:, :count].any(dim=1).float()
        judged = judged_rightly(vectors, labels, self.threshold)
        return Outcomes(
            values={name: row.numpy() for name, row in {"verification": judged, **hits}.items()}
        )


def retrieval(vectors: Tensor, labels: Tensor) -> dict[str, float]:
    """recall_1 and recall_5: how often one of the nearest others is of a picture's own class.

    Pictures that are alone in their class are not asked for.
    """
    rows = [same for _, same in nearest_labels(vectors, labels)]
    if not rows:
        return {"recall_1": 0.0, "recall_5": 0.0}
    same = torch.cat(rows)
    return {f"recall_{n}": float(same[:, :n].any(dim=1).double().mean()) for n in (1, 5)}


def nearest_labels(vectors: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Parts of the pictures that are asked for, [p], and which of the five nearest fit, [p, 5].

    The nearest first; fewer than five where there are fewer others.
    """
    asked = labels.bincount()[labels] > 1
    for part in torch.arange(len(labels))[asked].split(500):
        distances = distances_between(vectors[part], vectors)
        distances[torch.arange(len(part)), part] = BEYOND
        nearest = distances.topk(min(5, len(labels) - 1), largest=False).indices
        yield part, labels[nearest] == labels[part].unsqueeze(1)


def judged_rightly(vectors: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Of each picture's pairs with others the share that is judged rightly, [n].

    Pairs of the same and of another class count alike; NaN where a picture has only one kind.
    """
    rows = []
    for part in torch.arange(len(labels)).split(500):
        near = distances_between(vectors[part], vectors) <= threshold
        same = labels[part].unsqueeze(1) == labels.unsqueeze(0)
        own = torch.zeros_like(same)
        own[torch.arange(len(part)), part] = True
        alike, other = same & ~own, ~same
        found = (near & alike).sum(dim=1) / alike.sum(dim=1)
        kept_apart = (~near & other).sum(dim=1) / other.sum(dim=1)
        rows.append((found + kept_apart) / 2)
    return torch.cat(rows)


def guessing(labels: Tensor) -> Naive:
    """What drawing lots gets: of pairs, and of the nearest of all others; labels int64 [n]."""
    counts = labels.bincount()[labels].double()
    asked = counts > 1
    others = max(1, len(labels) - 1)
    metrics = {"verification": 0.5, "roc_auc": 0.5}
    for count in (1, 5):
        # None of so many that are drawn without putting back is of the same class.
        missed = torch.ones(len(labels), dtype=torch.float64)
        for drawn in range(min(count, others)):
            missed *= ((others - drawn - (counts - 1)) / (others - drawn)).clamp(min=0)
        metrics[f"recall_{count}"] = float((1 - missed)[asked].mean()) if asked.any() else 0.0
    return Naive("guessing", metrics)


def pair_distances(vectors: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The distances of all pairs of the same class, and of all others, among up to MOST."""
    step = math.ceil(len(labels) / MOST)
    vectors, labels = vectors[::step], labels[::step]
    first, other = torch.triu_indices(len(labels), len(labels), 1)
    distances = distances_between(vectors, vectors)[first, other]
    same = labels[first] == labels[other]
    return distances[same], distances[~same]


def roc_auc(same: Tensor, other: Tensor) -> float:
    """How often a pair of the same is nearer than another pair (Mann and Whitney, 1947)."""
    if not len(same) or not len(other):
        return 0.5
    both, places = torch.cat([same, other]).unique(return_inverse=True)
    counts = places.bincount(minlength=len(both)).double()
    # Equal distances share the mean of their ranks.
    ranks = counts.cumsum(0) - (counts - 1) / 2
    total = float(ranks[places[: len(same)]].sum())
    least = len(same) * (len(same) + 1) / 2
    return 1 - (total - least) / (len(same) * len(other))


def calibrate(model: Embedder, validation: Any, device: torch.device) -> None:
    """Set the threshold and the steepness of a model in evaluation mode from a split."""
    step = math.ceil(len(validation) / MOST)
    vectors, labels = [], []
    for indices in torch.arange(0, len(validation), step).split(64):
        batch = validation.batch(indices, device)
        vectors.append(model(batch["images"]).cpu())
        labels.append(batch["labels"].cpu())
    threshold, steepness = best_threshold(*pair_distances(torch.cat(vectors), torch.cat(labels)))
    model.threshold.fill_(threshold)
    model.steepness.fill_(steepness)


def best_threshold(same: Tensor, other: Tensor) -> tuple[float, float]:
    """The distance that parts the pairs best, and how steep doubt falls beside it.

    Both kinds of pairs count alike, however many there are. The steepness is that of the logistic
    curve through the threshold that explains the pairs best (Platt, 1999).
    """
    if not len(same) or not len(other):
        return 0.5, 10.0
    distances, order = torch.cat([same, other]).double().sort()
    gain = torch.cat([
        torch.full((len(same),), 1 / len(same)), torch.full((len(other),), -1 / len(other))
    ]).double()[order]  # fmt: skip
    best = int(gain.cumsum(0).argmax())
    after = distances[min(best + 1, len(distances) - 1)]
    threshold = float((distances[best] + after) / 2)
    candidates = torch.logspace(0, 2.5, 40)
    costs = [
        F.softplus(k * (same - threshold)).mean() + F.softplus(k * (threshold - other)).mean()
        for k in candidates.tolist()
    ]
    return threshold, float(candidates[int(torch.stack(costs).argmin())])
