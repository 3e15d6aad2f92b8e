"""What alike examples say of each label: by hand, without a vote on oneself, and in pieces."""

import numpy as np
import pytest

from backend.scores import votes as module
from backend.scores.mistakes import Answers
from backend.scores.votes import judged, outvoted, votes


def test_an_example_has_no_vote_on_itself() -> None:
    vectors = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1]], np.float32)
    labels = np.array([0, 1, 1, 0])
    shares = votes(vectors, labels, 2, count=2)
    assert shares[0].tolist() == [0, 1]
    assert shares[1].tolist() == [0.5, 0.5]
    assert votes(vectors, labels, 2).sum(axis=1) == pytest.approx(1), "fewer than ten others"
    assert votes(vectors[:1], labels[:1], 2).tolist() == [[0, 0]]
    # Only the direction counts, and a vector without one breaks nothing.
    longer = vectors * np.array([[1], [7], [0.1], [3]], np.float32)
    assert np.array_equal(votes(longer, labels, 2, count=2), shares)
    assert np.isfinite(votes(vectors * 0, labels, 2)).all()


def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.random.default_rng(0)
    vectors = drawn.normal(size=(50, 4)).astype(np.float32)
    labels = drawn.integers(0, 3, 50)
    whole = votes(vectors, labels, 3)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    assert np.allclose(votes(vectors, labels, 3), whole)


def test_wrong_labels_among_clear_groups_are_found() -> None:
    drawn = np.random.default_rng(1)
    truth = np.repeat(np.arange(4), 50)
    vectors = (np.eye(4)[truth] * 4 + drawn.normal(size=(200, 4))).astype(np.float32)
    labels, wrong = truth.copy(), drawn.choice(200, 10, replace=False)
    labels[wrong] = (labels[wrong] + 1) % 4
    numbers = np.arange(200) + 1000
    answers = Answers.of(judged(vectors, labels, numbers, 4), list("abcd"))
    assert answers is not None
    found = answers.examples[outvoted(answers)] - 1000
    assert set(wrong) <= set(found)
    assert len(found) <= 15
    assert (answers.answer[wrong] == truth[wrong]).all()


def test_as_many_votes_as_another_class_leave_a_label_alone() -> None:
    vectors = np.array([[1, 0], [1, 0.1], [1, -0.1]], np.float32)
    outcomes = judged(vectors, np.array([1, 0, 1]), np.arange(3), 2)
    assert outcomes.answer is not None
    assert outcomes.answer[0] == 1
