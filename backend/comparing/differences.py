"""What two or more runs do not have in common: task, model, data and settings."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.datasets import get_dataset
from backend.errors import TrainroomError
from backend.runs import Run
from backend.tasks import get_task

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that differs: values in the order of the runs, None where a run has none.

    name: of the setting, or task, model, data. is_setting: whether it was chosen in the form.
    """

    name: str
    label: str
    values: tuple[Value, ...]
    help: str = ""
    is_setting: bool = True


def differing(runs: Sequence[Run]) -> list[Row]:
    """What is not the same in all of these runs; nothing where they are alike."""
    return [
        row for row in [*_things(runs), *_settings(runs)] if len(set(map(_key, row.values))) > 1
    ]


def _key(value: Value) -> tuple[str, str]:
    # 1, 1.0 and True are equal, but not the same setting.
    return type(value).__name__, str(value)


def _things(runs: Sequence[Run]) -> list[Row]:
    """What the runs are made of."""
    sizes = [_sizes(run) for run in runs]
    columns: dict[str, tuple[str, list[Value]]] = {
        "task": ("Task", [_title(run) for run in runs]),
        "model": ("Model", [run.model for run in runs]),
        "dataset": ("Data", [run.dataset_name for run in runs]),
        "dataset_version": ("Version of the data", [run.dataset_version for run in runs]),
        "train_examples": ("Examples to learn from", [size.get("train") for size in sizes]),
        "test_examples": ("Examples to test on", [size.get("test") for size in sizes]),
        "computed_on": ("Computed on", [run.device for run in runs]),
    }
    return [
        Row(name, label, tuple(values), is_setting=False)
        for name, (label, values) in columns.items()
    ]


def _sizes(run: Run) -> dict[str, int]:
    try:
        return dict(get_dataset(run.dataset_id, run.dataset_version).splits)
    except TrainroomError:  # deleted since
        return {}


def _title(run: Run) -> str:
    try:
        return get_task(run.task).title
    except TrainroomError:
        return run.task


def _settings(runs: Sequence[Run]) -> list[Row]:
    words = labels(runs)
    names = dict.fromkeys(name for run in runs for name in run.config)
    ordered = sorted(names, key=lambda name: list(words).index(name) if name in words else 999)
    return [
        Row(
            name,
            *((words[name][0],) if name in words else (name,)),
            tuple(run.config.get(name) for run in runs),
            words[name][1] if name in words else "",
        )
        for name in ordered
    ]


def labels(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Label and help of each setting of these runs' tasks, in the order of the form."""
    found: dict[str, tuple[str, str]] = {}
    for task in dict.fromkeys(run.task for run in runs):
        try:
            fields = dataclasses.fields(get_task(task).config)
        except TrainroomError:  # of a task file that has gone since
            continue
        for field in fields:
            found.setdefault(field.name, (field.metadata["label"], field.metadata["help"]))
    return found


def value_words(value: Any) -> str:
    """A value as the tables write it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
