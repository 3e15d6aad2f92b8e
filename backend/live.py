"""What an open run page asks for again and again: state and new points, as JSON-ready values."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend import runs
from backend.jobs.phase import read_phase
from backend.queue_order import waits_for
from backend.reading import findings_of
from backend.remedies import remedies
from backend.runs import Run, RunStatus, Series
from backend.wording import device_words
from storage import files, metrics

# Points sent per curve and in all: about 20 bytes each, so an answer stays below 300 kB.
POINTS_PER_SERIES = 2_000
POINTS_PER_ANSWER = 12_000
# A value is drawn on less than a thousand pixels.
SIGNIFICANT_DIGITS = 6
# Seconds without a heartbeat (there are two a second) after which a run counts as unresponsive.
SILENCE = 10.0
SHARED_SECONDS = 0.25
LOG_LINES, LOG_CHARACTERS = 200, 20_000

TITLES = {
    RunStatus.QUEUED: "Waiting",
    RunStatus.STARTING: "Starting",
    RunStatus.RUNNING: "Training",
    RunStatus.STOPPING: "Stopping",
    RunStatus.FINISHED: "Finished",
    RunStatus.FAILED: "Failed",
    RunStatus.STOPPED: "Stopped",
    RunStatus.LOST: "Lost",
}


def shared(read: Callable[..., dict[str, Any]], *arguments: int | None) -> dict[str, Any]:
    """An answer of this module; those who ask the same within a moment get the very same one.

    Fifty open pages ask a hundred times a second, and most of them for the same.
    """
    moment = int(time.monotonic() / SHARED_SECONDS)
    return _answer(read, arguments, files.home(), moment)


@lru_cache(maxsize=64)
def _answer(
    read: Callable[..., dict[str, Any]], arguments: tuple[int | None, ...], home: Path, moment: int
) -> dict[str, Any]:
    return read(*arguments)


def live_state(run_id: int, after: int = 0) -> dict[str, Any]:
    """The run, and its points of chunks newer than `after` (an earlier answer's "after").

    Keys: run (state in plain values, times in seconds), after, series (name -> steps and
    values, NaN as None), thinned (whether points were left out). Chunks are merged now and
    then, so points may come twice: the reader drops those up to its last step. Raises
    NotFoundError.
    """
    # State first: whoever reads an end state has all points of it.
    run = runs.get_run(run_id)
    series, last = metrics.read_series(run_id, after=max(0, min(after, 2**63 - 1)))
    points, thinned = _pack(series, POINTS_PER_SERIES)
    return {"run": _state(run), "after": last, "series": points, "thinned": thinned}


def curve_window(
    run_id: int,
    names: Sequence[str],
    first_step: int,
    last_step: int,
    points: int = POINTS_PER_SERIES,
) -> dict[str, Any]:
    """Curves between two steps in the detail that a zoomed chart can show; no names means all.

    Keys: series and thinned, as live_state gives them. Raises NotFoundError.
    """
    runs.get_run(run_id)
    bound = 2**63 - 1
    series = runs.read_metrics(
        run_id,
        names or None,
        first_step=min(first_step, bound),
        last_step=min(last_step, bound),
    )
    packed, thinned = _pack(series, max(3, min(points, 10 * POINTS_PER_SERIES)))
    return {"series": packed, "thinned": thinned}


def story(run_id: int, after: int = 0, log_bytes: int = -1) -> dict[str, Any]:
    """What happened in a run since event `after`, and its log where that has grown.

    Keys: events (id, time in unix seconds, kind, message), log (its last lines, or None where it
    is still log_bytes long), log_bytes, ended. Raises NotFoundError.
    """
    run = runs.get_run(run_id)
    size = runs.log_bytes(run_id)
    told = [
        {"id": one.id, "time": one.time, "kind": one.kind, "message": one.message}
        for one in runs.list_events(run_id, after=after)
    ]
    log = runs.read_log(run_id, LOG_LINES)[-LOG_CHARACTERS:] if size != log_bytes else None
    return {"events": told, "log": log, "log_bytes": size, "ended": run.has_ended}


def ends(after: int | None) -> dict[str, Any]:
    """Which runs have ended since a moment (an earlier answer's "now"), unless stopped by hand.

    Moments are thousandths of a second. Keys: now, runs (id, name, sentence). after=None: none,
    only the moment.
    """
    now = int(1000 * time.time())
    ended = runs.list_ended(after / 1000, now / 1000) if after is not None else []
    return {
        "now": now,
        "runs": [{"id": run.id, "name": run.name, "sentence": describe(run)} for run in ended],
    }


def _state(run: Run) -> dict[str, Any]:
    epochs = run.config.get("epochs")
    return {
        "id": run.id,
        "name": run.name,
        "status": str(run.status),
        "status_title": TITLES[run.status],
        "sentence": describe(run),
        "reason": str(run.reason) if run.reason else None,
        "attempt": run.attempt,
        "continued": _continued(run),
        "device": run.device,
        "progress": run.progress,
        "step": run.step,
        "total_steps": run.total_steps,
        "epoch": _short(run.epoch),
        "epochs": epochs if isinstance(epochs, int) else None,
        "best_step": run.best_step,
        "metrics": {name: _short(value) for name, value in run.metrics.items()},
        "seconds": _short(runs.run_seconds(run)),
        "time_left": _short(runs.time_left(run)),
        "unresponsive": is_unresponsive(run),
        "findings": _findings(run),
    }


def _findings(run: Run) -> list[dict[str, Any]]:
    """What the curves show; label: of the button, None where there is none.

    What the buttons of a failed run offer already, at the top of its page, is not offered again.
    """
    offered = [(way.action, way.config.keys()) for way in remedies(run)]
    found = []
    for one in findings_of(run):
        action = one.action
        if action is not None and (action.action, action.config.keys()) in offered:
            action = None
        found.append(
            {
                "kind": one.kind,
                "step": one.step,
                "title": one.title,
                "sentence": one.sentence,
                "label": None if action is None else action.label,
                "help": None if action is None else action.help,
            }
        )
    return found


def _continued(run: Run) -> list[int]:
    """The steps at which later attempts went on."""
    if run.attempt <= 1:
        return []
    return sorted({one.start_step for one in runs.list_attempts(run.id)[1:]} - {0})


def is_unresponsive(run: Run) -> bool:
    """Whether an active run has not been heard of for a while: stopped, or a very busy machine."""
    return run.is_active and time.time() - (run.heartbeat_at or time.time()) > SILENCE


def describe(run: Run) -> str:
    """What a run is doing, in one plain sentence."""
    if run.has_ended:
        return run.message or TITLES[run.status]
    if run.status is RunStatus.QUEUED:
        return waits_for(run)
    if is_unresponsive(run):
        return "The training has not been heard of for a while; it is being checked."
    if run.status is RunStatus.STARTING and (words := read_phase(run.id)):
        return words
    return {
        RunStatus.STARTING: "Getting ready: loading the data and building the model.",
        RunStatus.RUNNING: f"Training on {device_words(run.device)}.",
        RunStatus.STOPPING: "Stopping after this step; the model is being saved.",
    }[run.status]


def _pack(series: Mapping[str, Series], points: int) -> tuple[dict[str, Any], bool]:
    """Curves as lists, thinned to a number of points each, and whether any was thinned."""
    points = max(3, min(points, POINTS_PER_ANSWER // max(1, len(series))))
    packed, thinned = {}, False
    for name, one in series.items():
        steps, values = one.steps, one.values
        if len(steps) > points:
            chosen = thin(steps, values, points)
            steps, values = steps[chosen], values[chosen]
            thinned = True
        packed[name] = {
            "steps": steps.tolist(),
            "values": [_short(value) for value in values.tolist()],
        }
    return packed, thinned


def thin(steps: NDArray[np.int64], values: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    """Indices of at most `points` points that keep a curve's look, its peaks and its gaps.

    MinMaxLTTB (Van Der Donckt et al., 2023); of the values that are no number the first stay.
    """
    from tsdownsample import MinMaxLTTBDownsampler

    finite = np.flatnonzero(np.isfinite(values))
    gaps = np.flatnonzero(~np.isfinite(values))[: points // 10]
    room = points - len(gaps)
    if len(finite) > room:
        # One index per point is x enough: steps may repeat.
        chosen = MinMaxLTTBDownsampler().downsample(
            np.ascontiguousarray(values[finite]), n_out=room
        )
        finite = finite[chosen.astype(np.int64)]
    return np.sort(np.concatenate([finite, gaps]))


def _short(value: float | None) -> float | None:
    """Six significant digits; None for what JSON cannot say."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
