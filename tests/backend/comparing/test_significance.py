"""Chance against skill: exact where right and wrong are counted, by resampling elsewhere."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from backend.comparing import significance
from backend.comparing.significance import (
    corrected,
    difference,
    mcnemar,
    often,
    paired_bootstrap,
    sentence,
)
from backend.scores.outcomes import Outcomes
from backend.tasks.base import Metric

ACCURACY = Metric("accuracy", "Right answers", "")
F1 = Metric("f1", "F1", "")
BITS = Metric("bits", "Bits", "", percent=False, higher_is_better=False)


def outcomes(values: list[float], name: str = "accuracy") -> Outcomes:
    return Outcomes({name: np.array(values, np.float32)}, examples=np.arange(len(values)))


@pytest.mark.parametrize(("wins", "losses"), [(31, 12), (0, 5), (7, 7), (200, 150), (1, 0)])
def test_mcnemar_is_the_exact_binomial_test(wins: int, losses: int) -> None:
    assert mcnemar(wins, losses) == pytest.approx(binomtest(wins, wins + losses).pvalue)


def test_without_a_disagreement_there_is_nothing_but_chance() -> None:
    assert mcnemar(0, 0) == 1.0


def test_right_and_wrong_are_counted_and_told_in_words() -> None:
    one = [1.0] * 31 + [0.0] * 12 + [1.0] * 50 + [0.0] * 7
    other = [0.0] * 31 + [1.0] * 12 + [1.0] * 50 + [0.0] * 7
    found = difference(ACCURACY, (1, outcomes(one)), (2, outcomes(other)))
    assert found is not None
    assert (found.method, found.only_first, found.only_second) == ("mcnemar", 31, 12)
    words = sentence(found, "A", "B")
    assert words.startswith(
        "A is right on 31 examples that B gets wrong, B on 12 that A gets wrong: chance alone "
        "would do this about once in 190 times. So A is very likely the better one: by "
    )
    assert 0 < found.low < 0.19 < found.high


def test_a_small_difference_is_called_chance() -> None:
    one, other = [1.0] * 6 + [0.0] * 94, [0.0] * 2 + [1.0] * 5 + [0.0] * 93
    found = difference(ACCURACY, (1, outcomes(one)), (2, outcomes(other)))
    assert found is not None
    assert sentence(found, "A", "B").endswith("So this difference may well be chance.")


def test_other_metrics_are_resampled_and_lower_may_be_better() -> None:
    noise = np.random.default_rng(3).normal(0, 0.2, 300)
    one, other = (2.0 + noise).tolist(), (2.1 + noise[::-1] * 0.5 + noise * 0.5).tolist()
    found = difference(BITS, (1, outcomes(one, "bits")), (2, outcomes(other, "bits")))
    assert found is not None
    assert found.method == "bootstrap"
    assert found.chance < 0.01
    assert found.low < found.first_score - found.second_score < found.high < 0
    assert found.is_bound
    assert "less than once in 1,000 times" in sentence(found, "A", "B")
    assert "So A is very likely the better one" in sentence(found, "A", "B")


def test_f1_is_resampled_by_how_both_answered_each_example() -> None:
    generator = np.random.default_rng(3)
    truth = generator.choice(3, 300, p=[0.7, 0.2, 0.1])
    answers = [np.where(generator.random(300) < right, truth, 0) for right in (0.9, 0.4)]
    sides = [Outcomes({}, truth=truth, answer=one, examples=np.arange(300)) for one in answers]
    found = difference(F1, (1, sides[0]), (2, sides[1]))
    assert found is not None
    scores = [f1_score(truth, one, average="macro") for one in answers]
    assert [found.first_score, found.second_score] == pytest.approx(scores)
    drawn = []
    for _ in range(400):
        rows = generator.integers(300, size=300)
        one, other = (f1_score(truth[rows], side[rows], average="macro") for side in answers)
        drawn.append(one - other)
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.03)
    assert found.is_meant
    assert sentence(found, "a", "b").startswith("F1: a has")
    same = difference(F1, (1, sides[0]), (2, sides[0]))
    assert same is not None
    assert same.is_same
    assert difference(F1, (1, outcomes([1.0])), (2, outcomes([0.0]))) is None


def test_the_same_outcomes_are_called_so() -> None:
    right = difference(ACCURACY, (1, outcomes([1.0, 0.0])), (2, outcomes([1.0, 0.0])))
    bits = difference(BITS, (1, outcomes([1.5, 0.5], "bits")), (2, outcomes([1.5, 0.5], "bits")))
    assert right is not None
    assert bits is not None
    assert sentence(right, "A", "B") == "A and B are right and wrong on the very same 2 examples."
    assert sentence(bits, "A", "B") == "A and B have the same values on the very same 2 examples."


def test_examples_that_do_not_count_are_left_out() -> None:
    nan = float("nan")
    found = difference(ACCURACY, (1, outcomes([1, 1, nan, 0])), (2, outcomes([1, nan, 0, 1])))
    assert found is not None
    assert (found.examples, found.only_first, found.only_second) == (2, 0, 1)
    assert difference(ACCURACY, (1, outcomes([nan])), (2, outcomes([1]))) is None


def test_counting_kinds_is_drawing_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    values, weights = np.array([1.0] * 60 + [0.0] * 300 + [-1.0] * 40), np.ones(400)
    counted = paired_bootstrap(values, weights)
    monkeypatch.setattr(significance, "FEW_KINDS", 0)
    assert counted == pytest.approx(paired_bootstrap(values, weights), abs=0.015)


def test_weights_count() -> None:
    low = paired_bootstrap(np.array([1.0, -1.0] * 50), np.array([3.0, 1.0] * 50))[1]
    assert low > 0.2


def test_the_bootstrap_cries_wolf_as_seldom_as_it_says() -> None:
    generator = np.random.default_rng(1)
    chances = [paired_bootstrap(generator.normal(0, 1, 150), np.ones(150))[0] for _ in range(120)]
    assert sum(chance < 0.05 for chance in chances) <= 15


def test_looking_at_many_makes_each_less_sure() -> None:
    one = difference(ACCURACY, (1, outcomes([1.0] * 8)), (2, outcomes([0.0] * 7 + [1.0])))
    assert one is not None
    both = corrected([one, one])
    assert [found.chance for found in both] == pytest.approx([2 * one.chance] * 2)


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (1.0, "nearly every time"),
        (0.5, "every other time"),
        (0.34, "about once in 3 times"),
        (0.00526, "about once in 190 times"),
        (1e-9, "less than once in 10,000"),
    ],
)
def test_chances_in_words(chance: float, words: str) -> None:
    assert words in often(chance)
