"""Where a model was wrong on its test: confusion, surest mistakes, labels that are likely wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.scores.outcomes import Outcomes

Rows = NDArray[np.int64]
"""Places in the outcomes."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model answered to each test example, [n]: numbers of classes, shares, example numbers.

    truth_share: how likely it held the right class; share: how likely it held its own answer.
    """

    truth: NDArray[np.int64]
    answer: NDArray[np.int64]
    truth_share: NDArray[np.float32]
    share: NDArray[np.float32]
    examples: NDArray[np.int64]
    classes: list[str]

    @classmethod
    def of(cls, outcomes: Outcomes | None, classes: list[str]) -> "Answers | None":
        """None where the task does not sort into classes."""
        if outcomes is None or not classes or not len(outcomes.examples):
            return None
        columns = (outcomes.truth, outcomes.answer, outcomes.truth_share, outcomes.answer_share)
        if any(column is None for column in columns):
            return None
        return cls(*columns, outcomes.examples, classes)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def wrong(self) -> Rows:
        return np.flatnonzero(self.truth != self.answer)


def confusion(answers: Answers) -> NDArray[np.int64]:
    """How often each class (row) got each answer (column), [classes, classes]."""
    count = len(answers.classes)
    flat = np.bincount(answers.truth * count + answers.answer, minlength=count * count)
    return flat.reshape(count, count)


def of_pair(answers: Answers, truth: int, answer: int) -> Rows:
    """The examples of a class that got an answer, the surest first."""
    found = np.flatnonzero((answers.truth == truth) & (answers.answer == answer))
    return found[np.argsort(-answers.share[found], kind="stable")]


def surest_mistakes(answers: Answers) -> Rows:
    """All mistakes, those of which the model was surest first."""
    found = answers.wrong
    return found[np.argsort(-answers.share[found], kind="stable")]


def likely_wrong_labels(answers: Answers) -> Rows:
    """Examples whose label is probably wrong, the clearest first.

    Confident learning (Northcutt, Jiang and Chuang, 2021): an example counts where the model is at
    least as sure of another class as it is on average for examples that carry that class's label.
    The shares must come from a model that has not learned from these examples. Of each example the
    likeliest class is looked at, which is what the test keeps.
    """
    count = len(answers.classes)
    sums = np.bincount(answers.truth, answers.truth_share, count)
    numbers = np.bincount(answers.truth, minlength=count)
    usual = np.where(numbers > 0, sums / np.maximum(numbers, 1), np.inf)
    found = np.flatnonzero(
        (answers.truth != answers.answer) & (answers.share >= usual[answers.answer])
    )
    margin = answers.share[found] - answers.truth_share[found]
    return found[np.argsort(-margin, kind="stable")]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the same test examples from one model to another, by the new labels.

    shared: how many examples both were asked. before, after: how many each got right. mended,
    broken: the numbers of the examples that only the new one, only the old one gets right.
    """

    shared: int
    before: int
    after: int
    mended: NDArray[np.int64]
    broken: NDArray[np.int64]


def compare(old: Answers, new: Answers) -> Change:
    """Two models on the examples that both were tested on; both are held to the new labels."""
    examples, left, right = np.intersect1d(
        old.examples, new.examples, assume_unique=True, return_indices=True
    )
    names = np.array(new.classes, object)
    truth = names[new.truth[right]]
    was = np.array(old.classes, object)[old.answer[left]] == truth
    now = names[new.answer[right]] == truth
    return Change(
        len(examples), int(was.sum()), int(now.sum()), examples[now & ~was], examples[was & ~now]
    )
