"""One run's curves as a small compressed file: record.py writes them, the tests read them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.reading.evidence import Evidence
from backend.runs import default_config
from backend.tasks import get_task

FOLDER = Path(__file__).resolve().parent / "recorded"
LEFT_OUT = ("lr", "samples_per_second")
"""What no reader of curves looks at."""
DIGITS = 4


@dataclass(frozen=True)
class Recording:
    """A run as it went: what it was made of, and each metric's steps and values, [n].

    facts: case, seed, task, model, config, total_steps, status, reason, message, best_step, and
    of the data "splits" and "counts" (class -> split -> number). later: the validation curves of
    two more epochs, where the run was let go on to see whether these were worth it.
    """

    name: str
    facts: dict[str, Any]
    series: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
    later: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]

    @property
    def steps_per_epoch(self) -> int:
        return int(self.facts["total_steps"]) // int(self.facts["config"]["epochs"])


def save(
    name: str,
    facts: dict[str, Any],
    values: dict[str, list[tuple[int, float]]],
    later: dict[str, list[tuple[int, float]]],
) -> Path:
    """Write a recording; values are kept to a few digits."""
    arrays: dict[str, Any] = {"facts": np.array(json.dumps(facts))}
    for prefix, found in (("", values), ("later/", later)):
        for metric, points in found.items():
            if metric in LEFT_OUT or not points:
                continue
            steps, numbers = zip(*points, strict=True)
            arrays[f"{prefix}{metric}|steps"] = np.asarray(steps, np.int32)
            arrays[f"{prefix}{metric}|values"] = _shortened(np.asarray(numbers, np.float64))
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    return path


def load(path: Path) -> Recording:
    """The recording that save() wrote."""
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(str(file["facts"]))
        found = {
            key.removesuffix("|steps"): (
                file[key].astype(np.int64),
                file[key.replace("|steps", "|values")].astype(np.float64),
            )
            for key in file.files
            if key.endswith("|steps")
        }
    later = {
        name.removeprefix("later/"): v for name, v in found.items() if name.startswith("later")
    }
    series = {name: v for name, v in found.items() if not name.startswith("later")}
    return Recording(path.stem, facts, series, later)


def list_recordings(prefix: str) -> list[Recording]:
    """All recordings whose names begin so."""
    return [load(path) for path in sorted(FOLDER.glob(f"{prefix}*.npz"))]


def _shortened(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """A few significant digits, which compress well."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places = DIGITS - 1 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(places), np.clip(places, -30, 30), 0)
    with np.errstate(invalid="ignore", over="ignore"):
        return (np.round(values * scale) / scale).astype(np.float32)


def evidence_of(recording: Recording) -> Evidence:
    """What a reader of curves would know of this run at its end."""
    facts = recording.facts
    task = get_task(facts["task"])
    known = dict.fromkeys(recording.series, 0.0)
    return Evidence(
        series=recording.series,
        config=facts["config"],
        steps_per_epoch=max(1, recording.steps_per_epoch),
        metric=task.headline(known, "val"),
        own_rate=default_config(task.name, facts["model"]).learning_rate,
        classes=tuple(facts["classes"]),
        examples=facts["splits"],
        of_class={name: count["train"] for name, count in facts["counts"].items()},
        seconds=facts["seconds"],
        finished=facts["status"] == "finished",
        ended=True,
        broken=facts["reason"] == "nan_loss",
    )
