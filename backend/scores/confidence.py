"""How far chance may move a score that was measured on so many test examples."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.scores.outcomes import Outcomes

Z = 1.959964
"""Standard deviations to each side that hold 95 % of a normal distribution."""
DRAWS = 1000
MOST_CELLS = 20_000_000
"""Numbers drawn at once by the bootstrap: 160 MB."""
MACRO_F1 = "f1"
"""A metric that no example has a share of its own in."""
LARGE = 20_000
"""From so many examples on the normal distribution serves as well as drawing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which two values a score would lie in 95 of 100 such tests."""

    low: float
    high: float


def wilson(share: float, examples: int) -> Interval:
    """The 95 % interval of a share of so many examples, each right or wrong (Wilson, 1927)."""
    if examples < 1:
        return Interval(0.0, 1.0)
    spread = Z**2 / examples
    middle = (share + spread / 2) / (1 + spread)
    reach = Z * math.sqrt(share * (1 - share) / examples + spread / (4 * examples)) / (1 + spread)
    return Interval(max(0.0, middle - reach), min(1.0, middle + reach))


def mean_interval(
    values: NDArray[np.floating], weights: NDArray[np.floating] | None = None
) -> Interval | None:
    """The 95 % interval of a (weighted) mean over examples, [n]; NaN does not count.

    Wilson's for values of 0 and 1 that weigh alike, else the percentile bootstrap (Efron, 1979),
    with the same random numbers each time. None for fewer than two examples.
    """
    known = np.isfinite(values)
    numbers = np.asarray(values, np.float64)[known]
    heavy = None if weights is None else np.asarray(weights, np.float64)[known]
    if len(numbers) < 2:
        return None
    if heavy is None and np.isin(numbers, (0.0, 1.0)).all():
        return wilson(float(numbers.mean()), len(numbers))
    heavy = np.ones(len(numbers)) if heavy is None else heavy
    if heavy.sum() <= 0:
        return None
    if len(numbers) >= LARGE:
        return _normal(numbers, heavy)
    random = np.random.default_rng(0)
    means: list[NDArray[np.float64]] = []
    rows = max(1, MOST_CELLS // len(numbers))
    for begin in range(0, DRAWS, rows):
        count = min(rows, DRAWS - begin)
        drawn = random.integers(0, len(numbers), (count, len(numbers)))
        mass = heavy[drawn]
        means.append((numbers[drawn] * mass).sum(axis=1) / mass.sum(axis=1).clip(min=1e-12))
    return _middle(np.concatenate(means))


def _normal(numbers: NDArray[np.float64], heavy: NDArray[np.float64]) -> Interval:
    mean = float((numbers * heavy).sum() / heavy.sum())
    error = math.sqrt(float((heavy**2 * (numbers - mean) ** 2).sum())) / float(heavy.sum())
    return Interval(mean - Z * error, mean + Z * error)


def f1_interval(truth: NDArray[np.int64], answer: NDArray[np.int64], classes: int) -> Interval:
    """The 95 % interval of macro F1 by the bootstrap over the cells of the confusion matrix."""
    cells, counts = np.unique(truth * classes + answer, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(truth), counts / len(truth), DRAWS)
    return _middle(macro_f1(*np.divmod(cells, classes), drawn, classes))


def macro_f1(
    truth: NDArray[np.int64], answer: NDArray[np.int64], counts: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Macro F1 of several samples, [s]: the mean over the classes that occur or were answered.

    truth, answer: the classes of each kind of example, [k]; counts: how many each sample has of
    these, [s, k].
    """
    true, found, both = (np.zeros((len(counts), classes)) for _ in range(3))
    for place, (row, column) in enumerate(zip(truth, answer, strict=True)):
        true[:, row] += counts[:, place]
        found[:, column] += counts[:, place]
        if row == column:
            both[:, row] += counts[:, place]
    occurs = (true + found) > 0
    f1 = 2 * both / np.maximum(true + found, 1)
    return np.asarray((f1 * occurs).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1))


def _middle(drawn: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(float(low), float(high))


@dataclass(frozen=True, slots=True)
class ClassResult:
    """How one class fared: examples of it, answers that named it, and how these agree.

    precision: None where it was never answered; recall: None where it never occurs.
    """

    name: str
    examples: int
    answered: int
    precision: float | None
    recall: float | None
    f1: float


def per_class(outcomes: Outcomes, classes: list[str]) -> list[ClassResult]:
    """Precision, recall and F1 of each class that occurs or was answered, the weakest first."""
    if outcomes.truth is None or outcomes.answer is None or not classes:
        return []
    size = len(classes)
    examples = np.bincount(outcomes.truth, minlength=size)
    answered = np.bincount(outcomes.answer, minlength=size)
    right = np.bincount(outcomes.truth[outcomes.truth == outcomes.answer], minlength=size)
    found = [
        ClassResult(
            name, int(examples[i]), int(answered[i]),
            float(right[i] / answered[i]) if answered[i] else None,
            float(right[i] / examples[i]) if examples[i] else None,
            float(2 * right[i] / max(1, examples[i] + answered[i])),
        )
        for i, name in enumerate(classes)
        if examples[i] or answered[i]
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.f1)
