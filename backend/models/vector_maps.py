"""A map of vectors in two dimensions that moves, instead of jumping, from one look to the next."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

DIGITS = 3
ROUNDS = 10
GROUPS, NAMED_BY = 8, 3
"""Into how many colours the points are sorted, and by how many of its texts one is called."""
MOST_SHOWN = 40
"""Others that are drawn beside what was asked for and found."""


def add_map(model: nn.Module, points: int, width: int) -> None:
    """Give a network of vectors the map of its last evaluation, saved with its weights."""
    model.register_buffer("layout", torch.zeros(points, 2))
    model.register_buffer("centroids", torch.zeros(GROUPS, width))


def moved_map(model: Any, vectors: Tensor, texts: Sequence[str]) -> dict[str, Any]:
    """{"points", "groups"} of vectors [n, width], lying as near to the last map as they can.

    groups: what the groups are called, each always at its place; points name theirs. The map is
    kept as the last one. model has what add_map() gave it; its map_method says how it is drawn.
    """
    layout = map_vectors(vectors, model.layout, method=getattr(model, "map_method", "pca"))
    groups, middles = group_vectors(vectors, model.centroids)
    names = group_names(texts, vectors, groups, middles)
    model.layout.copy_(layout)
    model.centroids.copy_(middles)
    called = [names[number] for number in groups.tolist()]
    return {"points": points(layout, texts, called), "groups": names}


def map_vectors(vectors: Tensor, before: Tensor, *, method: str = "pca") -> Tensor:
    """Places [n, 2] of vectors [n, width], turned to lie as `before` [n, 2] as far as they can.

    method: pca, or tsne (van der Maaten and Hinton, 2008), which starts from `before`. All zeros
    is no map yet. The map is centred and its points lie about one from its middle.
    """
    centred = (vectors - vectors.mean(0)).float().cpu()
    known = bool(before.any())
    if method == "tsne" and len(vectors) > 3:
        places = _tsne(centred, before.cpu() if known else principal_axes(centred))
    else:
        places = principal_axes(centred)
    places = _standard(places)
    return align(places, before.cpu()) if known else places


def principal_axes(centred: Tensor) -> Tensor:
    """The coordinates [n, 2] of centred vectors [n, width] along their two longest axes."""
    left, lengths, _ = torch.linalg.svd(centred, full_matrices=False)
    places = left[:, :2] * lengths[:2]
    # An axis may point either way: the one in which the farthest point is positive.
    farthest = places.gather(0, places.abs().argmax(0, keepdim=True))
    places = places * torch.where(farthest < 0, -1.0, 1.0)
    return F.pad(places, (0, 2 - places.shape[1]))


def align(places: Tensor, before: Tensor) -> Tensor:
    """Places [n, 2] turned and mirrored to lie nearest to `before`: orthogonal Procrustes.

    Method: Schönemann, 1966.
    """
    left, _, right = torch.linalg.svd(places.T @ before)
    return places @ (left @ right)


def _standard(places: Tensor) -> Tensor:
    """Centred, with a mean square distance of one from the middle."""
    places = places - places.mean(0)
    return places / places.square().sum(1).mean().sqrt().clamp(min=1e-9)


def _tsne(centred: Tensor, start: Tensor) -> Tensor:
    from sklearn.manifold import TSNE

    # As wide as scikit-learn's own start; the same seed gives the same map.
    first = start / start[:, 0].std().clamp(min=1e-9) * 1e-4
    perplexity = min(30.0, (len(centred) - 1) / 3)
    method = TSNE(init=first.numpy(), perplexity=perplexity, metric="cosine", random_state=0)
    return torch.from_numpy(method.fit_transform(centred.numpy())).float()


def group_vectors(vectors: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """The group of each of vectors [n, width], and the groups' middles, shaped as `before`.

    k-means on directions (Dhillon and Modha, 2001), going on from the middles of before, so that a
    group stays itself; all zeros begin with vectors that are far from each other.
    """
    units = F.normalize(vectors.float().cpu(), dim=1)
    middles = before.cpu().clone() if bool(before.any()) else _far_apart(units, len(before))
    for _ in range(ROUNDS):
        groups = (units @ middles.T).argmax(1)
        sums = torch.zeros_like(middles).index_add_(0, groups, units)
        # A group that has lost all its words stays where it was.
        middles = torch.where(sums.any(1, keepdim=True), F.normalize(sums, dim=1), middles)
    return (units @ middles.T).argmax(1), middles


def _far_apart(units: Tensor, count: int) -> Tensor:
    chosen = [0]
    nearest = units @ units[0]
    for _ in range(count - 1):
        chosen.append(int(nearest.argmin()))
        nearest = torch.maximum(nearest, units @ units[chosen[-1]])
    return units[chosen].clone()


def group_names(
    texts: Sequence[str], vectors: Tensor, groups: Tensor, middles: Tensor
) -> list[str]:
    """What to call each group: the texts nearest to its middle; "" for an empty one."""
    units = F.normalize(vectors.float().cpu(), dim=1)
    near = (units * middles[groups]).sum(1)
    names = []
    for number in range(len(middles)):
        members = torch.nonzero(groups == number).flatten()
        best = members[near[members].argsort(descending=True, stable=True)[:NAMED_BY]]
        names.append(", ".join(texts[place] for place in best.tolist()))
    return names


def points(places: Tensor, texts: Sequence[str], groups: Sequence[str]) -> list[dict[str, Any]]:
    """Points of a map as JSON: {"x", "y", "text", "group"}."""
    return [
        {"x": round(x, DIGITS), "y": round(y, DIGITS), "text": text, "group": group}
        for (x, y), text, group in zip(places.tolist(), texts, groups, strict=True)
    ]
