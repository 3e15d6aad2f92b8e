"""Whether two runs differ by more than chance: values in, sentence out."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backend.scores.confidence import MACRO_F1, macro_f1
from backend.scores.outcomes import Outcomes
from backend.tasks.base import Metric

ROUNDS = 2_000
RAREST = 2 / (ROUNDS + 1)
"""The least that so many draws can tell."""
# Resampled differences held in memory at once.
CHUNK = 2_000_000
# So many kinds of examples are counted instead of drawn one by one.
FEW_KINDS = 8
# From one chance in twenty on a difference counts as more than chance.
LEVEL = 0.05
LEAST_SAID = 1e-4


@dataclass(frozen=True, slots=True)
class Difference:
    """How a metric of two runs differs on the same examples; first and second are run numbers.

    only_first, only_second: examples that one alone gets right, where there is right and wrong.
    chance: how likely a difference at least as large is between two equally good models; is_bound:
    it is even less likely, too rare to be seen in ROUNDS draws. low, high: where first - second
    lies for 95 of 100 other samples of as many examples.
    """

    first: int
    second: int
    metric: Metric
    first_score: float
    second_score: float
    examples: int
    method: Literal["mcnemar", "bootstrap"]
    only_first: int | None
    only_second: int | None
    chance: float
    low: float
    high: float
    is_bound: bool = False

    @property
    def is_same(self) -> bool:
        """Whether every example gave the same in both runs."""
        return self.low == self.high == 0 and not self.only_first and not self.only_second

    @property
    def is_meant(self) -> bool:
        """Whether it is more than chance does."""
        return self.chance < LEVEL


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided test (McNemar, 1947): how likely a split this uneven is by chance.

    The examples on which both agree say nothing; of the others each is a coin toss.
    """
    from scipy.special import bdtr

    tosses = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), tosses, 0.5)))


def paired_bootstrap(
    differences: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Chance, low and high of a weighted mean difference; both arrays have shape [n].

    Paired bootstrap (Efron and Tibshirani, 1993; Koehn, 2004): the examples are drawn again with
    replacement ROUNDS times, always with the same seed.
    """
    return _told_by(_redrawn_means(differences, weights))


def _told_by(drawn: NDArray[np.float64]) -> tuple[float, float, float]:
    """Chance, low and high of a difference from what ROUNDS new draws gave for it."""
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return min(1.0, 2 * (tail + 1) / (ROUNDS + 1)), float(low), float(high)


def _redrawn_means(
    differences: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weighted mean of each of ROUNDS new draws, shape [ROUNDS]."""
    generator, count = np.random.default_rng(0), len(differences)
    kinds, places = np.unique(np.stack([differences, weights]), axis=1, return_counts=True)
    if kinds.shape[1] <= FEW_KINDS:
        # Right, wrong, the same: how many of each are drawn is all that matters.
        drawn = generator.multinomial(count, places / count, size=ROUNDS)
        values, weighs = kinds
        return np.asarray((drawn @ (values * weighs)) / (drawn @ weighs))
    sums, means = differences * weights, []
    for start in range(0, ROUNDS, step := max(1, CHUNK // count)):
        drawn = generator.integers(count, size=(min(step, ROUNDS - start), count))
        means.append(sums[drawn].sum(axis=1) / weights[drawn].sum(axis=1))
    return np.concatenate(means)


def difference(
    metric: Metric, first: tuple[int, Outcomes], second: tuple[int, Outcomes]
) -> Difference | None:
    """Two runs' outcomes on the same examples by one metric; None where nothing can be told."""
    if metric.name == MACRO_F1:
        return _f1_difference(metric, first, second)
    one, other = first[1].values.get(metric.name), second[1].values.get(metric.name)
    if one is None or other is None or len(one) != len(other):
        return None
    counted = np.isfinite(one) & np.isfinite(other)
    if not counted.any():
        return None
    a, b = one[counted].astype(np.float64), other[counted].astype(np.float64)
    own = first[1].weights
    weights = np.ones(len(a)) if own is None else own[counted].astype(np.float64)
    chance, low, high = paired_bootstrap(a - b, weights)
    found = Difference(
        first[0], second[0], metric, float(np.average(a, weights=weights)),
        float(np.average(b, weights=weights)), len(a), "bootstrap", None, None, chance, low, high,
        is_bound=chance <= RAREST,
    )  # fmt: skip
    if own is not None or not np.isin(np.concatenate([a, b]), (0.0, 1.0)).all():
        return found
    wins, losses = int((a > b).sum()), int((a < b).sum())
    return replace(
        found, method="mcnemar", only_first=wins, only_second=losses, is_bound=False,
        chance=mcnemar(wins, losses),
    )  # fmt: skip


def _f1_difference(
    metric: Metric, first: tuple[int, Outcomes], second: tuple[int, Outcomes]
) -> Difference | None:
    """By macro F1, which no example has of its own: the bootstrap over how both answered each."""
    (one, a), (other, b) = first, second
    if a.truth is None or a.answer is None or b.answer is None or not len(a.truth):
        return None
    classes = int(max(a.truth.max(), a.answer.max(), b.answer.max())) + 1
    kinds, counts = np.unique(np.stack([a.truth, a.answer, b.answer]), axis=1, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(a.truth), counts / len(a.truth), ROUNDS)
    samples = np.concatenate([counts[None], drawn])  # the test itself first
    scores = [macro_f1(kinds[0], answers, samples, classes) for answers in kinds[1:]]
    chance, low, high = _told_by((scores[0] - scores[1])[1:])
    return Difference(
        one, other, metric, float(scores[0][0]), float(scores[1][0]), len(a.truth), "bootstrap",
        None, None, chance, low, high, is_bound=chance <= RAREST,
    )  # fmt: skip


def corrected(found: list[Difference]) -> list[Difference]:
    """The same with chances that allow for how many were looked at (Holm, 1979)."""
    order = sorted(range(len(found)), key=lambda place: found[place].chance)
    chances, most = [0.0] * len(found), 0.0
    for rank, place in enumerate(order):
        most = max(most, min(1.0, (len(found) - rank) * found[place].chance))
        chances[place] = most
    return [replace(one, chance=chance) for one, chance in zip(found, chances, strict=True)]


def sentence(found: Difference, first: str, second: str) -> str:
    """The difference in plain words; first and second are what to call the runs."""
    if found.is_same:
        same = "are right and wrong on" if found.method == "mcnemar" else "have the same values on"
        return f"{first} and {second} {same} the very same {_examples(found.examples)}."
    if found.only_first is not None and found.only_second is not None:
        seen = (
            f"{first} is right on {_examples(found.only_first)} that {second} gets wrong, {second} "
            f"on {found.only_second or 'none'} that {first} gets wrong"
        )
    else:
        seen = (
            f"{found.metric.title}: {first} has {_value(found.metric, found.first_score)}, "
            f"{second} {_value(found.metric, found.second_score)} on the same "
            f"{_examples(found.examples)}"
        )
    return f"{seen}: {often(found.chance, found.is_bound)}. {_verdict(found, first, second)}"


def often(chance: float, is_bound: bool = False) -> str:
    """A probability as people say it: chance alone would do this about once in 200 times.

    is_bound: it is less likely than that.
    """
    if chance >= 0.8:
        return "chance alone does this nearly every time"
    if chance >= 0.4:
        return "chance alone would do this about every other time"
    if chance < LEAST_SAID:
        return f"chance alone would do this less than once in {1 / LEAST_SAID:,.0f} times"
    times = 1 / chance
    digits = 1 - math.floor(math.log10(times)) if times >= 10 else 0
    about = "less than" if is_bound else "about"
    return f"chance alone would do this {about} once in {round(times, digits):,.0f} times"


def _verdict(found: Difference, first: str, second: str) -> str:
    if not found.is_meant:
        return "So this difference may well be chance."
    better = (found.first_score > found.second_score) == found.metric.higher_is_better
    name = first if better else second
    low, high = sorted((abs(found.low), abs(found.high)))
    if found.low * found.high <= 0:
        return f"So {name} is very likely the better one."
    far = f"{_amount(found.metric, low)} to {_amount(found.metric, high)}"
    return f"So {name} is very likely the better one: by {far} on other examples like these."


def _value(metric: Metric, value: float) -> str:
    return f"{100 * value:.1f} %" if metric.percent else f"{value:.4g}"


def _amount(metric: Metric, value: float) -> str:
    return f"{100 * value:.1f} points" if metric.percent else f"{value:.2g}"


def _examples(count: int) -> str:
    return f"{count:,} example{'' if count == 1 else 's'}"
