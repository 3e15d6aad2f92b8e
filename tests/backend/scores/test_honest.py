"""What a test score is worth: intervals checked by simulation, classes by hand, guesses beside."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from backend.cli import main as cli
from backend.runs import RunStatus, default_config, get_run
from backend.scores import honest
from backend.scores.confidence import f1_interval, mean_interval, per_class, wilson
from backend.scores.honest import count_looks, honest_scores
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes
from backend.scores.results import TestResults, save_results
from storage import database, runs


def test_wilson_is_that_of_the_textbook() -> None:
    # 81 of 263: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    found = wilson(81 / 263, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    everything = wilson(1.0, 10)
    assert everything.high == pytest.approx(1.0)
    assert 0.7 < everything.low < 0.75
    assert wilson(0.0, 0).high == 1.0


def test_intervals_hold_the_truth_about_95_times_of_100() -> None:
    random = np.random.default_rng(1)
    truth = 0.4 / 0.9
    inside = 0
    for _ in range(200):
        values = random.beta(2, 2.5, 120)
        found = mean_interval(values)
        assert found is not None
        inside += found.low <= truth <= found.high
    assert 180 <= inside <= 199


def test_right_and_wrong_take_wilson_and_nan_does_not_count() -> None:
    values = np.array([1.0, 0.0, 1.0, np.nan, 1.0])
    assert mean_interval(values) == wilson(0.75, 4)
    assert mean_interval(np.array([1.0])) is None
    assert mean_interval(np.array([0.5, 0.7]), np.zeros(2)) is None


def test_many_examples_are_not_drawn_one_by_one() -> None:
    values = np.random.default_rng(2).normal(0.5, 0.1, 30_000)
    quick, drawn = mean_interval(values), mean_interval(values[:19_000])
    assert quick is not None
    assert drawn is not None
    assert quick.high - quick.low == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(30_000), rel=0.05)
    assert drawn.high - drawn.low == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(19_000), rel=0.1)


def test_heavy_examples_move_a_weighted_mean_more() -> None:
    values, weights = np.array([0.2, 0.4] * 50), np.array([1.0, 9.0] * 50)
    found = mean_interval(values, weights)
    assert found is not None
    assert found.low < 0.38 < found.high
    assert mean_interval(values, weights) == found


def test_f1_lies_in_its_interval() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    answer = np.where(random.random(300) < 0.8, truth, random.integers(0, 3, 300))
    found = f1_interval(truth, answer, 3)
    assert 0.8 < found.low < 0.86 < found.high < 0.95


def some_outcomes() -> Outcomes:
    truth, answer = np.array([0, 0, 0, 1, 1, 2] * 10), np.array([0, 0, 1, 1, 1, 1] * 10)
    return Outcomes(
        values={"accuracy": (truth == answer).astype(np.float32)}, truth=truth, answer=answer
    )


def test_each_class_has_its_own_figures_the_weakest_first() -> None:
    found = {one.name: one for one in per_class(some_outcomes(), ["a", "b", "c", "never"])}
    assert list(found) == ["c", "b", "a"]
    assert (found["c"].recall, found["c"].precision, found["c"].examples) == (0.0, None, 10)
    assert (found["b"].recall, found["b"].precision) == (1.0, 0.5)
    assert found["a"].f1 == pytest.approx(0.8)
    assert per_class(Outcomes(values={}), ["a"]) == []


def run_with_test(accuracy: float = 4 / 6, *, naive: float = 0.5, results: bool = True) -> int:
    """A finished run whose test gave some_outcomes()."""
    config = dataclasses.asdict(default_config("image-classification", "mlp"))
    run = runs.create_run(
        name="a", task="image-classification", model="mlp", dataset_id="mnist",
        dataset_name="mnist", config=config,
    )  # fmt: skip
    _, token = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="") or (None, "")
    with database.write() as session:
        runs.record_progress(
            session, run.id, token, step=80, total_steps=80, epoch=2.0, best_step=80,
            metrics={"test/accuracy": accuracy, "test/f1": 0.48},
        )  # fmt: skip
    runs.move_run(run.id, RunStatus.FINISHED, when=list(RunStatus), message="Done.")
    if results:
        guess = Naive("always answering “a”, the most frequent class", {"accuracy": naive})
        save_results(run.id, TestResults(80, some_outcomes(), guess, ["a", "b", "c"]))
    return run.id


def test_a_tested_run_has_chance_guess_and_classes_beside_its_scores(home: Path) -> None:
    found = honest_scores(get_run(run_with_test()))
    assert found is not None
    accuracy, f1 = found.scores
    assert accuracy.interval == wilson(4 / 6, 60)
    assert f1.interval is not None
    assert (accuracy.naive, f1.naive, accuracy.beats_naive) == (0.5, None, True)
    assert (found.examples, found.looks, len(found.classes)) == (60, 1, 3)
    assert "always answering" in found.naive_words


def test_a_score_within_chance_of_the_guess_does_not_beat_it(home: Path) -> None:
    found = honest_scores(get_run(run_with_test(naive=0.6)))
    assert found is not None
    assert found.scores[0].beats_naive is False


def test_a_run_whose_results_were_not_kept_has_the_interval_of_its_share(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(honest, "_test_examples", lambda run: 500)
    found = honest_scores(get_run(run_with_test(0.9, results=False)))
    assert found is not None
    assert found.scores[0].interval == wilson(0.9, 500)
    assert (found.scores[0].beats_naive, found.classes) == (None, ())


def test_looks_at_the_test_are_counted_and_untested_runs_are_none(home: Path) -> None:
    for _ in range(3):
        run_with_test()
    untested = runs.create_run(
        name="b", task="t", model="m", dataset_id="mnist", dataset_name="mnist", config={}
    )
    assert count_looks("mnist") == 3
    assert count_looks("other") == 0
    assert honest_scores(untested) is None


def test_the_command_line_shows_them_too(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    number = str(run_with_test())
    assert cli.main(["show", number, "--json"]) == 0
    accuracy, f1 = json.loads(capfd.readouterr().out)["test"]
    assert (accuracy["name"], accuracy["naive"]) == ("test/accuracy", 0.5)
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert f1["naive"] is None
    assert cli.main(["show", number]) == 0
    assert f"{accuracy['low']:.4f} to {accuracy['high']:.4f} by chance" in capfd.readouterr().out
