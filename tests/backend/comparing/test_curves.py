"""Curves over steps, epochs and time; smoothing and thinning keep what they should."""

from pathlib import Path

import numpy as np
import pytest

from backend.comparing.curves import along, lines, shaped, smooth
from backend.runs import Attempt, Series
from tests.backend.comparing.tested import seed_tested


def series(times: list[float]) -> Series:
    count = len(times)
    steps = np.arange(1, count + 1)
    return Series("loss", steps, np.ones(count), steps / 4.0, np.array(times))


def attempt(number: int, start: float, end: float | None) -> Attempt:
    return Attempt(1, number, "t", 1, 0.0, "h", "cpu", 0, start, end)


def test_time_leaves_out_the_pause_between_two_tries() -> None:
    tries = [attempt(1, 100.0, 130.0), attempt(2, 1000.0, None)]
    x = along(series([101.0, 129.0, 1001.0, 1010.0]), "time", tries)
    assert x.tolist() == [1.0, 29.0, 31.0, 40.0]


def test_steps_and_epochs_are_taken_as_they_are() -> None:
    assert along(series([1, 2, 3, 4]), "step").tolist() == [1, 2, 3, 4]
    assert along(series([1, 2, 3, 4]), "epoch").tolist() == [0.25, 0.5, 0.75, 1.0]


def test_smoothing_takes_noise_out_and_does_not_lag() -> None:
    x = np.linspace(0, 1000, 1500)
    clean = np.exp(-x / 300)
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, len(x))
    smoothed = smooth(x, noisy, 0.9)
    inner = slice(150, -150)
    assert np.abs(smoothed - clean)[inner].max() < 0.07
    assert np.abs((smoothed - clean)[inner].mean()) < 0.01
    assert smooth(x, clean * 0 + 3, 0.9) == pytest.approx(np.full(len(x), 3.0))


def test_long_curves_are_thinned_and_peaks_survive() -> None:
    y = np.zeros(100_000)
    y[54_321] = 7.0
    x, thinned = shaped(np.arange(100_000.0), y, 0.0, 500)
    assert len(x) <= 500
    assert thinned.max() == 7.0
    assert len(shaped(np.arange(100_000.0), y, 0.5, 500)[0]) == 500


def test_gaps_do_not_poison_a_smoothed_curve() -> None:
    _, y = shaped(np.arange(4.0), np.array([1.0, np.nan, 1.0, 1.0]), 0.6, 100)
    assert y == pytest.approx([1.0, 1.0, 1.0])


def test_stored_runs_give_one_line_each(home: Path) -> None:
    chosen = [seed_tested("one", [1.0]), seed_tested("other", [0.0])]
    found = lines(chosen, ["train/loss", "val/loss", "val/nothing"], "epoch")
    assert [(line.run, line.metric, len(line.x)) for line in found] == [
        (1, "train/loss", 20), (1, "val/loss", 2), (2, "train/loss", 20), (2, "val/loss", 2),
    ]  # fmt: skip
    assert found[0].x[-1] == 2.0
