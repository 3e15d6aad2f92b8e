"""Letting a run go on: after a stop, a failure, a switched-off computer, or beyond its end."""

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any

from backend import datasets
from backend.errors import (
    BusyError,
    ConfigError,
    DataError,
    NotFoundError,
    TrainroomError,
    UsageError,
)
from backend.jobs import data_files
from backend.jobs.checkpoint_files import newest_copy_bytes, saved_step
from backend.preferences import load_preferences, save_preferences
from backend.runs import check_disk, ensure_supervisor, get_run
from backend.tasks import get_task
from backend.training.config import CHANGEABLE, TrainingConfig, config_from
from storage import runs as stored
from storage.records import Reason, Run, RunStatus

# The ends that came from outside: nothing was wrong with the run itself.
INTERRUPTIONS = (Reason.HOST_LOST, Reason.KILLED)


def can_resume(run: Run) -> bool:
    """Whether the run can go on as it is; a finished one needs more epochs first."""
    return run.has_ended and run.status is not RunStatus.FINISHED


def resume_run(run_id: int, config: Mapping[str, Any] | None = None) -> Run:
    """Queue an ended run as its next attempt, from its newest saved copy; returns its row.

    config holds settings to change. Raises a UsageError, DataError or DiskFullError with a
    sentence, before anything is changed.
    """
    run = get_run(run_id)
    if not run.has_ended:
        raise BusyError(f"{run.name} has not ended: it is {run.status} now.")
    task = get_task(run.task)
    before = config_from(task.config, run.config)
    changes = dict(config or {})
    after = config_from(task.config, {**dataclasses.asdict(before), **changes})
    saved = saved_step(run_id)
    if saved is not None:
        _check_changes(before, after, {name for name in changes if _differ(name, before, after)})
    if run.status is RunStatus.FINISHED:
        _check_more(run, before, after)
    try:
        datasets.get_dataset(run.dataset_id, run.dataset_version)
    except NotFoundError as error:
        raise DataError(
            f"The data set {run.dataset_name} was deleted, so this run cannot go on. Bring the "
            "data in again and start a new run."
        ) from error
    changed = data_files.changed_file(run_id, run.dataset_id)
    if changed is not None:
        raise DataError(data_files.what_changed(run.dataset_name, changed))
    check_disk(task.get_model(run.model), newest_copy_bytes(run_id))
    settings = dataclasses.asdict(after)
    if not stored.requeue_run(run_id, settings, _announce(saved, before, after)):
        raise BusyError(f"{run.name} was started again by somebody else in this moment.")
    ensure_supervisor()
    return get_run(run_id)


def epochs_done(run: Run) -> int:
    """How many times the run has seen all its examples; fewer than planned if it stopped early."""
    return round(run.epoch)


def _check_more(run: Run, before: TrainingConfig, after: TrainingConfig) -> None:
    """Raise UsageError where a finished run would have nothing more to do."""
    done = epochs_done(run)
    if done >= before.epochs:
        if after.epochs <= before.epochs:
            raise UsageError(
                f"{run.name} is complete. To go on, give it more than {before.epochs} epochs."
            )
    elif after.epochs <= done or after.early_stopping == before.early_stopping:
        raise UsageError(
            f"{run.name} stopped early, after {done} of {before.epochs} epochs, because it no "
            f"longer got better. To go on, set early stopping to 0 and more than {done} epochs."
        )


def _differ(name: str, before: TrainingConfig, after: TrainingConfig) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def _check_changes(before: TrainingConfig, after: TrainingConfig, changed: set[str]) -> None:
    """Raise ConfigError for a change that what was learnt so far does not bear."""
    fixed = sorted(changed - CHANGEABLE)
    if fixed:
        label = type(after).__dataclass_fields__[fixed[0]].metadata["label"]
        raise ConfigError(
            f"{label} cannot change while a run goes on, because what it has learnt depends on it. "
            "Start a new run for that."
        )
    old = before.batch_size * before.gradient_accumulation
    if after.batch_size * after.gradient_accumulation != old:
        raise ConfigError(
            f"Batch size times gradient accumulation must stay {old} while a run goes on: halve "
            "one and double the other, or start a new run."
        )


def _announce(saved: int | None, before: TrainingConfig, after: TrainingConfig) -> str:
    """The history's sentence for the new attempt."""
    words = "Waiting to go on" + (f" from step {saved:,}." if saved is not None else ".")
    changed = [
        f"{field.metadata['label']} {getattr(before, field.name)} → {getattr(after, field.name)}"
        for field in dataclasses.fields(after)
        if _differ(field.name, before, after)
    ]
    return words + (f" Changed: {', '.join(changed)}." if changed else "")


def interrupted_runs() -> list[Run]:
    """Runs that a crash, a kill or a computer's end ended, newest first, until they are put away.

    A shut-down lets a training save and stop; that nobody wished it makes it an interruption.
    """
    ended = stored.list_runs([RunStatus.LOST, RunStatus.FAILED, RunStatus.STOPPED])
    seen = load_preferences().interruptions_seen
    return [
        run
        for run in ended
        if (run.status is RunStatus.LOST or run.reason in INTERRUPTIONS)
        and (run.ended_at or 0.0) > seen
    ]


def put_interruptions_away() -> None:
    """Offer no more to go on with what was interrupted so far; each can still be continued."""
    save_preferences(interruptions_seen=time.time())


def resume_all(run_ids: Iterable[int]) -> tuple[list[Run], list[str]]:
    """Resume several runs, oldest first; those that go on, and why others cannot."""
    going, problems = [], []
    for run_id in sorted(run_ids):
        try:
            going.append(resume_run(run_id))
        except TrainroomError as error:
            problems.append(str(error))
    return going, problems
