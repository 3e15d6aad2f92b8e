"""Curves of several runs over one axis, smoothed and thinned for the screen."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backend import runs
from backend.errors import TrainroomError
from backend.live import POINTS_PER_ANSWER, POINTS_PER_SERIES, thin
from backend.runs import Attempt, Run, Series
from backend.spreadsheets import as_csv
from backend.tasks import get_task

Axis = Literal["step", "epoch", "time"]
AXES: dict[Axis, str] = {"step": "Step", "epoch": "Epoch", "time": "Time of training"}
UNITS = (("hours", 3600.0, 2 * 3600.0), ("minutes", 60.0, 120.0), ("seconds", 1.0, 0.0))
# Smoothing is counted in thousandths of a curve's whole length.
HORIZON = 1000
MOST_SMOOTHING = 0.99


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one run: x and y have shape [n]; NaN in y is a gap. x of time is seconds."""

    run: int
    metric: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def lines(
    chosen: Sequence[Run], metrics: Sequence[str], axis: Axis = "step", smoothing: float = 0.0
) -> list[Line]:
    """The curves of some metrics of several runs; runs that have not logged one lack its line."""
    room = max(50, min(POINTS_PER_SERIES, POINTS_PER_ANSWER // max(1, len(chosen))))
    found = []
    for run in chosen:
        series = runs.read_metrics(run.id, metrics)
        tries = runs.list_attempts(run.id) if axis == "time" else []
        for name in metrics:
            if name in series and len(series[name].steps):
                one = series[name]
                x = along(one, axis, tries)
                found.append(Line(run.id, name, *shaped(x, one.values, smoothing, room)))
    return found


def x_title(axis: Axis, found: Sequence[Line]) -> tuple[str, float]:
    """What stands below the chart, and by how much to divide x: time in the unit that fits."""
    if axis != "time":
        return AXES[axis], 1.0
    longest = max((float(line.x[-1]) for line in found if len(line.x)), default=0.0)
    unit, size = next(pair for pair in UNITS if longest >= pair[2])[:2]
    return f"Time of training, in {unit}", size


def metric_names(chosen: Sequence[Run]) -> dict[str, str]:
    """The curves that at least one of the runs has, with titles, those to look at first first."""
    logged = {name for run in chosen for name in runs.list_metric_names(run.id)}
    titles = {"val/loss": "Validation loss", "train/loss": "Training loss"}
    for task in dict.fromkeys(run.task for run in chosen):
        try:
            scores = get_task(task).metrics
        except TrainroomError:  # of a task file that has gone since
            continue
        titles |= {f"val/{one.name}": one.title for one in scores if one.live}
    titles["lr"] = "Learning rate"
    return {name: title for name, title in titles.items() if name in logged}


def is_percent(metric: str, chosen: Sequence[Run]) -> bool:
    """Whether a curve is of a share, from 0 to 1."""
    for task in dict.fromkeys(run.task for run in chosen):
        try:
            scores = get_task(task).metrics
        except TrainroomError:
            continue
        for one in scores:
            if f"val/{one.name}" == metric:
                return one.percent
    return False


def as_table(found: Sequence[Line], names: Mapping[int, str], axis: Axis) -> str:
    """The curves as CSV, one row per point."""
    rows = [
        (names[line.run], line.metric, x, y)
        for line in found
        for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True)
    ]
    head = "seconds" if axis == "time" else axis
    return as_csv(("run", "metric", head, "value"), rows)


def along(series: Series, axis: Axis, tries: Sequence[Attempt] = ()) -> NDArray[np.float64]:
    """A curve's points on an axis; time is seconds of training, without the pauses between tries.

    tries: the run's attempts, first to last.
    """
    if axis == "step":
        return series.steps.astype(np.float64)
    if axis == "epoch":
        return series.epochs
    if not tries:
        return series.times - series.times[0]
    starts = np.array([one.started_at for one in tries])
    ends = [one.ended_at if one.ended_at is not None else one.started_at for one in tries]
    spans = np.maximum(0.0, np.array(ends) - starts)
    before = np.concatenate([[0.0], np.cumsum(spans)[:-1]])
    place = np.maximum(0, np.searchsorted(starts, series.times, "right") - 1)
    return np.maximum.accumulate(np.maximum(0.0, series.times - starts[place]) + before[place])


def shaped(
    x: NDArray[np.float64], y: NDArray[np.float64], smoothing: float, room: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `room` points of a curve: its look kept, or smoothed means of equal stretches."""
    if smoothing <= 0:
        if len(y) > room:
            kept = thin(np.arange(len(y)), y, room)
            x, y = x[kept], y[kept]
        return x, y
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(y) > room:
        parts = np.array_split(np.arange(len(y)), room)
        x = np.array([x[part].mean() for part in parts])
        y = np.array([y[part].mean() for part in parts])
    return x, smooth(x, y, smoothing)


def smooth(x: NDArray[np.float64], y: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """Mean over both sides with weights that fall exponentially along x; strength 0 to 1.

    As on a run's own page (pages/assets/curves.js): an average of the past alone would run behind
    a falling curve. All values are finite.
    """
    if len(y) < 2:
        return y
    keep = min(math.sqrt(strength), MOST_SMOOTHING)
    length = float(x[-1] - x[0]) or 1.0
    decay = keep ** (np.abs(np.diff(x)) / length * HORIZON)
    forward, weight = _pass(y, decay)
    backward, other = _pass(y[::-1], decay[::-1])
    # The point itself is in both passes.
    return (forward + backward[::-1] - y) / (weight + other[::-1] - 1)


def _pass(
    y: NDArray[np.float64], decay: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Falling sums of the values up to each point, and of their weights."""
    sums, weights = np.empty(len(y)), np.empty(len(y))
    total, weight = 0.0, 0.0
    for place, value in enumerate(y.tolist()):
        fade = float(decay[place - 1]) if place else 0.0
        total, weight = total * fade + value, weight * fade + 1.0
        sums[place], weights[place] = total, weight
    return sums, weights
