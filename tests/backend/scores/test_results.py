"""What a run's test gave: in the order of the data, kept whole, and nothing where it is damaged."""

from pathlib import Path

import numpy as np
import pytest

from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes
from backend.scores.results import TestResults, load_results, save_results
from storage import files


def some_outcomes() -> Outcomes:
    return Outcomes(
        values={"accuracy": np.array([1, 0, 1], np.float32)},
        truth=np.array([2, 0, 1]),
        answer=np.array([2, 1, 1]),
        truth_share=np.array([0.9, 0.2, 0.6], np.float32),
        answer_share=np.array([0.9, 0.7, 0.6], np.float32),
    )


def test_rows_are_put_in_the_order_of_the_split() -> None:
    found = some_outcomes().put_in_order(np.array([2, 0, 1]), np.array([10, 11, 17]))
    assert found.examples.tolist() == [10, 11, 17]
    assert found.truth is not None
    assert found.truth.tolist() == [0, 1, 2]
    assert found.values["accuracy"].tolist() == [0, 1, 1]
    plain = some_outcomes().put_in_order(np.array([2, 0, 1]), None)
    assert plain.examples.tolist() == [0, 1, 2]


def test_results_come_back_as_they_were(home: Path) -> None:
    outcomes = some_outcomes().put_in_order(np.arange(3), np.array([4, 5, 6]))
    naive = Naive("always answering “ä”", {"accuracy": 0.25})
    save_results(7, TestResults(12, outcomes, naive, ["a", "ä", "天"], {"torch": "2"}))
    found = load_results(7)
    assert found is not None
    assert (found.step, found.classes, found.versions) == (12, ["a", "ä", "天"], {"torch": "2"})
    assert found.naive == naive
    assert found.outcomes is not None
    for name in ("truth", "answer", "truth_share", "answer_share", "examples"):
        assert getattr(found.outcomes, name).tolist() == getattr(outcomes, name).tolist()
    assert found.outcomes.weights is None
    assert len(found.outcomes) == 3


def test_results_without_examples(home: Path) -> None:
    save_results(1, TestResults(3))
    found = load_results(1)
    assert found is not None
    assert found.outcomes is None
    assert found.naive is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file", None])
def test_damaged_results_are_none(home: Path, damage: bytes | None) -> None:
    assert load_results(1) is None
    save_results(1, TestResults(3, some_outcomes()))
    path = files.test_results(1)
    path.write_bytes(path.read_bytes()[:200] if damage is None else damage)
    assert load_results(1) is None
