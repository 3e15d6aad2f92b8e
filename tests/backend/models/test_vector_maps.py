"""Maps: found again when turned, followed when they move, the same groups in the same places."""

import pytest
import torch

from backend.models.vector_maps import (
    GROUPS,
    add_map,
    align,
    group_vectors,
    map_vectors,
    moved_map,
    principal_axes,
)

NONE = torch.zeros(40, 2)


def clusters(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    middles = torch.randn(4, 12, generator=generator) * 3
    return torch.cat(
        [middle + torch.randn(10, 12, generator=generator) * 0.3 for middle in middles]
    )


def test_a_turned_and_mirrored_map_is_laid_back() -> None:
    places = torch.randn(20, 2, generator=torch.Generator().manual_seed(1))
    angle = torch.tensor(2.1)
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    mirror = torch.diag(torch.tensor([1.0, -1.0]))
    assert torch.allclose(align(places @ turn @ mirror, places), places, atol=1e-5)


def test_the_same_vectors_turned_give_the_same_map() -> None:
    vectors = clusters()
    first = map_vectors(vectors, NONE)
    assert first.square().sum(1).mean() == pytest.approx(1.0, abs=1e-4)
    turn = torch.linalg.qr(torch.randn(12, 12, generator=torch.Generator().manual_seed(2)))[0]
    assert torch.allclose(map_vectors(-vectors @ turn, first), first, atol=1e-3)


def test_a_map_moves_less_when_it_follows() -> None:
    before = map_vectors(clusters(), NONE)
    later = clusters() + 0.4 * torch.randn(40, 12, generator=torch.Generator().manual_seed(3))
    later = later @ torch.diag(torch.tensor([1.0, -1.0] * 6))
    followed = map_vectors(later, before)
    alone = map_vectors(later, NONE)
    assert (followed - before).norm() < 0.6 * before.norm()
    assert (followed - before).norm() <= (alone - before).norm() + 1e-6


def test_principal_axes_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    vectors = clusters() - clusters().mean(0)
    ours = principal_axes(vectors)
    theirs = torch.from_numpy(PCA(2).fit_transform(vectors.numpy()))
    for axis in (0, 1):
        same = torch.allclose(ours[:, axis], theirs[:, axis], atol=1e-3)
        assert same or torch.allclose(ours[:, axis], -theirs[:, axis], atol=1e-3)
    assert principal_axes(torch.randn(5, 1)).shape == (5, 2)


def test_tsne_keeps_clusters_apart_and_repeats() -> None:
    vectors = clusters()
    first = map_vectors(vectors, NONE, method="tsne")
    assert torch.equal(first, map_vectors(vectors, NONE, method="tsne"))
    groups = torch.arange(40) // 10
    middles = torch.stack([first[groups == number].mean(0) for number in range(4)])
    nearest = torch.cdist(first, middles).argmin(1)
    assert torch.equal(nearest, groups)


def test_groups_go_on_and_a_map_is_kept() -> None:
    vectors, later = clusters(), clusters() * 1.1
    groups, middles = group_vectors(vectors, torch.zeros(4, 12))
    assert len({tuple(groups[start : start + 10].tolist()) for start in range(0, 40, 10)}) == 4
    assert torch.equal(group_vectors(later, middles)[0], groups)
    model = torch.nn.Module()
    add_map(model, 40, 12)
    texts = [f"word{number}" for number in range(40)]
    content = moved_map(model, vectors, texts)
    assert [point["text"] for point in content["points"]] == texts
    assert len(content["groups"]) == GROUPS
    assert {point["group"] for point in content["points"]} <= set(content["groups"])
    assert bool(model.layout.any())
    assert set(model.state_dict()) == {"layout", "centroids"}
