"""Mistakes are found, labels that are wrong on purpose are named, two runs compared fairly."""

import numpy as np
import pytest

from backend.scores.mistakes import (
    Answers,
    compare,
    confusion,
    likely_wrong_labels,
    of_pair,
    surest_mistakes,
)
from backend.scores.outcomes import Outcomes


def answers(truth: list[int], shares: list[list[float]], first: int = 0) -> Answers:
    rows, labels = np.array(shares, np.float32), np.array(truth, np.int64)
    answer = rows.argmax(axis=1)
    places = np.arange(len(labels))
    return Answers(
        labels, answer, rows[places, labels], rows[places, answer], places + first, ["a", "b", "c"]
    )


def test_the_table_counts_each_example_once() -> None:
    found = answers([0, 0, 1, 2], [[0.9, 0.1, 0], [0.2, 0.8, 0], [0.3, 0.7, 0], [0.6, 0.1, 0.3]])
    assert confusion(found).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert surest_mistakes(found).tolist() == [1, 3]
    assert of_pair(found, 2, 0).tolist() == [3]


def test_labels_that_were_swapped_on_purpose_come_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    logits = 1.2 * rng.normal(size=(600, 3))
    logits[np.arange(600), truth] += 3.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    swapped = rng.choice(600, 30, replace=False)
    labels = truth.copy()
    labels[swapped] = (labels[swapped] + 1 + rng.integers(0, 2, 30)) % 3
    found = answers(labels.tolist(), shares.tolist())
    named = likely_wrong_labels(found)
    right = np.isin(named, swapped)
    assert right[:20].mean() >= 0.9
    assert right.sum() >= 18
    # Fewer are named than there are mistakes: an unsure answer accuses no label.
    assert len(named) < len(surest_mistakes(found))


def test_two_runs_are_held_to_the_new_labels_on_the_examples_they_share() -> None:
    old = answers([0, 1, 2], [[0.9, 0.1, 0], [0.9, 0.1, 0], [0.9, 0, 0.1]])
    new = answers([0, 2, 1], [[0.1, 0.9, 0], [0, 0.1, 0.9], [0, 0.9, 0.1]], first=1)
    change = compare(old, new)
    assert change.shared == 2
    assert change.before == 1  # by the new labels example 1 is a, as the old one said
    assert change.after == 1
    assert change.mended.tolist() == [2]
    assert change.broken.tolist() == [1]


def test_what_has_no_classes_has_no_mistakes_of_this_kind() -> None:
    values = {"bleu": np.ones(2, np.float32)}
    assert Answers.of(Outcomes(values, examples=np.arange(2)), ["a"]) is None
    assert Answers.of(None, ["a"]) is None


@pytest.mark.parametrize("count", [2, 12, 41])
def test_a_cell_of_the_table_can_be_clicked(count: int) -> None:
    from backend.confusion_chart import MOST_CONFUSED, confusion_figure

    table = np.arange(count * count).reshape(count, count)
    figure = confusion_figure([f"<b>{number}" for number in range(count)], table)
    if count > MOST_CONFUSED:
        assert figure is None
        return
    assert figure is not None
    cells = figure.data[1]
    place = int(table[1, 0])
    assert (cells.y[place], cells.x[place]) == (1, 0)
    assert "<b>" not in "".join(cells.hovertext)
