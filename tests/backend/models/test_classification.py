"""The scores of tasks that sort into classes, against worked examples."""

import math

import pytest
import torch

from backend.models.balance import balance
from backend.models.classification import ClassificationMeter, cross_entropy, largest_class, scores
from backend.training.sampling import epoch_batches


def test_scores_of_known_outputs() -> None:
    outputs = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 3.0, 1.0], [1.0, 0.0, 0.5]])
    labels = torch.tensor([0, 1, 2, 0])
    meter = ClassificationMeter(3)
    for part in (slice(0, 3), slice(3, 4)):
        meter.add({"output": outputs[part]}, {"labels": labels[part]})
    found = meter.compute()
    assert found["accuracy"] == 0.75
    assert found["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_weights_make_classes_count_alike() -> None:
    labels = torch.tensor([0] * 8 + [1] * 2)
    found = balance(labels, "weights")
    assert found.draw is None
    assert found.weights is not None
    assert found.weights.tolist() == [0.625] * 8 + [2.5] * 2
    assert float(found.weights.mean()) == 1.0
    logits = torch.zeros(10, 2)
    logits[:, 0] = 3.0  # always says the large class
    plain = cross_entropy(logits, labels)["loss"]
    even = cross_entropy(logits, labels, found.weights)["loss"]
    wrong, right = cross_entropy(logits[8:], labels[8:]), cross_entropy(logits[:8], labels[:8])
    assert even == pytest.approx(float((wrong["loss"] + right["loss"]) / 2))
    assert even > plain


def test_sampling_draws_every_class_alike() -> None:
    labels = torch.tensor([0] * 900 + [1] * 90 + [3] * 10)
    found = balance(labels, "sampling")
    assert found.weights is None
    assert found.draw is not None
    batches = epoch_batches(1000, 64, seed=0, epoch=0, draw=found.draw)
    drawn = torch.bincount(labels[torch.cat(batches)])
    assert len(torch.cat(batches)) == 1000
    assert drawn[2] == 0
    assert all(250 < count < 420 for count in drawn[[0, 1, 3]].tolist())
    again = epoch_batches(1000, 64, seed=0, epoch=0, draw=found.draw)
    later = epoch_batches(1000, 64, seed=0, epoch=1, draw=found.draw)
    assert all(torch.equal(one, two) for one, two in zip(batches, again, strict=True))
    assert not torch.equal(batches[0], later[0])


def test_nothing_is_done_unless_asked() -> None:
    found = balance(torch.tensor([0, 0, 1]), "none")
    assert found.weights is None
    assert found.draw is None


def test_the_largest_class_is_what_nobody_has_to_learn_for() -> None:
    train, labels = torch.tensor([0, 1, 1, 1]), torch.tensor([1, 1, 0, 2])
    naive = largest_class(train, labels, ["a", "b", "c"])
    assert "“b”" in naive.words
    assert naive.metrics["accuracy"] == 0.5
    costs = [-math.log(share) for share in (0.75, 0.75, 0.25, 1e-6)]
    assert naive.metrics["loss"] == pytest.approx(sum(costs) / 4, rel=1e-4)


def test_a_collapsed_model_is_seen_by_its_answers() -> None:
    meter = ClassificationMeter(3)
    meter.add({"output": torch.tensor([[0.0, 0.0, 1.0]] * 8)}, {"labels": torch.arange(8) % 3})
    found = meter.compute()
    assert (found["top_class"], found["top_share"]) == (2.0, 1.0)
    rows = meter.outcomes()
    assert rows.answer is not None
    assert rows.answer.tolist() == [2] * 8
    assert rows.truth_share is not None
    assert rows.truth_share[2] == pytest.approx(math.e / (math.e + 2))


def test_top_five_is_scored_with_more_than_five_classes() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(50, 8), torch.randint(0, 8, (50,))
    ranks = logits.argsort(dim=1, descending=True)
    pairs = zip(ranks.tolist(), labels.tolist(), strict=True)
    expected = sum(label in rank[:5] for rank, label in pairs) / 50
    assert scores(logits, labels, 8)["top5"] == pytest.approx(expected)
    assert "top5" not in scores(logits[:, :5], labels.clamp(max=4), 5)


def test_a_naive_guess_names_the_five_most_frequent_classes() -> None:
    train = torch.tensor([0] * 9 + [1] * 8 + [2] * 7 + [3] * 6 + [4] * 5 + [5])
    naive = largest_class(train, torch.tensor([0, 4, 5, 5]), list("abcdef"))
    assert naive.metrics["accuracy"] == 0.25
    assert naive.metrics["top5"] == 0.5
