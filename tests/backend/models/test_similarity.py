"""Metric learning: losses that say what they should, scores against known libraries, thresholds."""

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from backend.models.similarity import (
    Embedder,
    SimilarityMeter,
    best_threshold,
    contrastive_loss,
    guessing,
    judged_rightly,
    pair_distances,
    retrieval,
    roc_auc,
)


def clouds(spread: float, classes: int = 4, each: int = 6) -> tuple[Tensor, Tensor]:
    """Vectors of length one around a direction per class."""
    torch.manual_seed(0)
    labels = torch.arange(classes).repeat_interleave(each)
    return F.normalize(torch.eye(8)[labels] + spread * torch.randn(len(labels), 8), dim=1), labels


def test_a_loss_is_small_where_classes_lie_apart() -> None:
    near, far = (contrastive_loss(*clouds(spread)) for spread in (0.01, 1.0))
    assert float(near) < float(far) / 2


def test_following_a_loss_parts_the_classes() -> None:
    vectors, labels = clouds(1.0)
    vectors.requires_grad_()
    optimizer = torch.optim.SGD([vectors], lr=0.3)
    before = retrieval(F.normalize(vectors.detach(), dim=1), labels)["recall_1"]
    for _ in range(100):
        loss = contrastive_loss(F.normalize(vectors, dim=1), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert before < 0.9
    assert retrieval(F.normalize(vectors.detach(), dim=1), labels)["recall_1"] == 1


def test_the_contrastive_loss_by_hand() -> None:
    """Two pairs at right angles: each has one partner and two others."""
    vectors = torch.tensor([[1.0, 0], [1.0, 0], [0, 1.0], [0, 1.0]])
    expected = -torch.tensor([10.0, 0, 0]).log_softmax(0)[0]
    assert float(contrastive_loss(vectors, torch.tensor([0, 0, 1, 1]))) == pytest.approx(
        float(expected)
    )


@pytest.mark.parametrize("labels", [[0], [0, 1, 2], [0, 0, 0]], ids=["one", "strangers", "alike"])
def test_a_batch_with_nothing_to_compare_does_no_harm(labels: list[int]) -> None:
    vectors = F.normalize(torch.randn(len(labels), 4), dim=1).requires_grad_()
    loss = contrastive_loss(vectors, torch.tensor(labels))
    loss.backward()
    assert torch.isfinite(loss)
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_order_of_pairs_agrees_with_scikit_learn() -> None:
    same, other = pair_distances(*clouds(0.6))
    truth = [1] * len(same) + [0] * len(other)
    assert roc_auc(same, other) == pytest.approx(
        roc_auc_score(truth, (-torch.cat([same, other])).tolist())
    )
    tied = torch.tensor([0.1, 0.2, 0.2]), torch.tensor([0.2, 0.3])
    assert roc_auc(*tied) == pytest.approx(
        roc_auc_score([1, 1, 1, 0, 0], [-0.1, -0.2, -0.2, -0.2, -0.3])
    )


def test_every_pair_is_counted_once() -> None:
    same, other = pair_distances(*clouds(0.1))
    assert len(same) == 4 * 15
    assert len(other) == 24 * 23 // 2 - 4 * 15


def test_the_nearest_other_counts_and_loners_are_not_asked() -> None:
    vectors = F.normalize(torch.tensor([[1, 0.0], [1, 0.1], [0.7, 0.7], [0, 1], [0.1, 1]]), dim=1)
    found = retrieval(vectors, torch.tensor([0, 0, 1, 2, 0]))
    assert found == {"recall_1": 2 / 3, "recall_5": 1.0}


def test_the_threshold_parts_the_pairs_best() -> None:
    same, other = torch.tensor([0.1, 0.2, 0.5]), torch.tensor([0.4, 0.8, 0.9, 1.0])
    threshold, steepness = best_threshold(same, other)
    assert threshold in (pytest.approx(0.3), pytest.approx(0.65))
    right = (same <= threshold).float().mean() + (other > threshold).float().mean()
    assert float(right) / 2 == pytest.approx((1 + 0.75) / 2, abs=0.05)
    assert steepness > 0


def test_doubt_is_a_half_at_the_threshold() -> None:
    model = Embedder(torch.nn.Identity())
    model.threshold.fill_(0.3)
    likely = model.sameness(torch.tensor([0.0, 0.3, 0.9]))
    assert likely.tolist() == sorted(likely.tolist(), reverse=True)
    assert float(likely[1]) == 0.5


def test_the_meter_judges_pairs_at_the_model_s_threshold() -> None:
    vectors, labels = clouds(0.05)
    scores = {}
    for threshold in (-1.0, 0.5, 3.0):
        meter = SimilarityMeter()
        for part in torch.arange(len(labels)).split(7):
            meter.add({"output": vectors[part], "threshold": torch.tensor(threshold)},
                      {"labels": labels[part]})  # fmt: skip
        scores[threshold] = meter.compute()["verification"]
    assert scores == {-1.0: 0.5, 0.5: 1.0, 3.0: 0.5}


def test_guessing_the_nearest_is_as_good_as_counting_says() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    naive = guessing(labels)
    # Of five others two, two, two, one and one fit; the loner is not asked for.
    assert naive.metrics["recall_1"] == pytest.approx((3 * 2 / 5 + 2 * 1 / 5) / 5)
    assert naive.metrics["recall_5"] == pytest.approx(1.0)
    assert naive.metrics["verification"] == 0.5


def test_each_picture_s_pairs_are_judged() -> None:
    vectors = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.05], [1.0, 0.1], [0.0, 1.0]]), dim=1)
    labels = torch.tensor([0, 0, 1, 1])
    found = judged_rightly(vectors, labels, 0.2)
    # The third lies with the wrong ones: its own partner is missed, both strangers are let in.
    assert found.tolist() == pytest.approx([0.75, 0.75, 0.0, 0.5])
