"""Findings of stored runs; called by the live page, the run's page and the command line."""

import time
from functools import lru_cache
from pathlib import Path

from backend import datasets, runs
from backend.errors import TrainroomError
from backend.models.spec import Weights
from backend.reading.evidence import Evidence
from backend.reading.findings import Finding, read_curves
from backend.tasks import Task, get_task
from backend.tasks.base import Metric
from storage import files
from storage.records import Reason, Run, RunStatus

REREAD_SECONDS = 3.0
"""A run that trains is read as often, however many pages show it."""
NAMES = (
    "train/loss", "val/loss", "val/top_class", "val/top_share", "naive_val/loss",
    "naive_val/accuracy", "system/data_percent",
)  # fmt: skip


def findings_of(run: Run) -> list[Finding]:
    """What a run's curves show so far; for a run that has ended the same each time."""
    moment = 0 if run.has_ended else int(time.monotonic() / REREAD_SECONDS)
    return list(_read(run.id, str(run.status), run.attempt, moment, files.home()))


@lru_cache(maxsize=64)
def _read(
    run_id: int, _status: str, _attempt: int, _moment: int, _home: Path
) -> tuple[Finding, ...]:
    run = runs.get_run(run_id)
    if not run.total_steps:
        return ()
    return tuple(read_curves(evidence_of(run)))


def evidence_of(run: Run) -> Evidence:
    """What is stored of a run, as its curves' readers take it."""
    metric, own_rate, knowing = _of_task(run)
    names = set(NAMES)
    if metric is not None:
        names |= {f"val/{metric.name}", f"naive_val/{metric.name}"}
    series = runs.read_metrics(run.id, sorted(names))
    classes, examples, of_class = _of_data(run)
    epochs = int(run.config.get("epochs", 1))
    return Evidence(
        series={name: (one.steps, one.values) for name, one in series.items()},
        config=run.config,
        steps_per_epoch=max(1, run.total_steps // epochs),
        metric=metric,
        own_rate=own_rate,
        knowing=knowing,
        classes=classes,
        examples=examples,
        of_class=of_class,
        seconds=runs.run_seconds(run),
        finished=run.status is RunStatus.FINISHED and run.step >= run.total_steps,
        ended=run.has_ended,
        broken=run.reason is Reason.NAN_LOSS and run.has_ended,
    )


def _of_task(run: Run) -> tuple[Metric | None, float | None, tuple[str, str] | None]:
    """What it is scored by, its model's own learning rate, and a model that knows something."""
    try:
        task = get_task(run.task)
        own = runs.default_config(run.task, run.model).learning_rate
    except TrainroomError:  # of a task file or a model that has gone since
        return None, None, None
    return task.headline(run.metrics, "val"), own, _knowing(task, run)


def _knowing(task: Task, run: Run) -> tuple[str, str] | None:
    """The task's first model whose weights are here; None for a run that began with some."""
    if run.config.get("pretrained", False):
        return None
    here = (spec for spec in task.models if task.weights(spec) is Weights.HERE)
    found = next(here, None)
    return None if found is None else (found.name, found.title)


def _of_data(run: Run) -> tuple[tuple[str, ...], dict[str, int], dict[str, int]]:
    """The classes, the number of examples per split, and of each class for training."""
    try:
        dataset = datasets.get_dataset(run.dataset_id, run.dataset_version)
        counts = datasets.class_counts(dataset) if dataset.classes else {}
    except TrainroomError:  # deleted since
        return (), {}, {}
    of_class = {name: found.get("train", 0) for name, found in counts.items()}
    return tuple(dataset.classes), dict(dataset.splits), of_class
