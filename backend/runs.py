"""The door to runs for pages and the command line: start, stop, list, read, delete."""

import dataclasses
import math
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend import datasets
from backend.enough import enough_for
from backend.errors import BusyError, ConfigError, DiskFullError, NotFoundError, UsageError
from backend.models.spec import ModelSpec, Weights
from backend.pins import NewPin, new_pins, pin_all
from backend.tasks import Task, get_task
from backend.training.config import TrainingConfig, config_from
from storage import attempts, events, files, metrics, snapshots
from storage import runs as stored
from storage.records import (
    ACTIVE,
    ENDED,
    Attempt,
    Dataset,
    Event,
    Moment,
    Reason,
    Run,
    RunStatus,
    Series,
)

__all__ = ["ACTIVE", "ENDED", "Attempt", "Event", "Moment", "Reason", "Run", "RunStatus", "Series"]

MAX_NAME = 120
# A checkpoint holds the weights and AdamW's two moments, four bytes each.
BYTES_PER_PARAMETER = 12
SPARE_BYTES = 200 * 10**6
# No log is read further back than this.
LOG_BYTES = 2_000_000


def default_config(task: str, model: str, dataset: Dataset | None = None) -> TrainingConfig:
    """The settings that suit a model; pretrained weights are used where they are here.

    dataset: where it is known and small, it is repeated more often (backend/enough.py).
    """
    found = get_task(task)
    spec = found.get_model(model)
    values = dict(spec.defaults)
    fields = {field.name for field in dataclasses.fields(found.config)}
    if "pretrained" in fields and "pretrained" not in values:
        values["pretrained"] = found.weights(spec) is Weights.HERE
    config = config_from(found.config, values)
    return config if dataset is None else enough_for(found, config, dataset)


def is_small(task: str, model: str, dataset: Dataset) -> bool:
    """Whether a data set is repeated more often than the model's own settings say."""
    return default_config(task, model, dataset) != default_config(task, model)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would be made of: checked choices."""

    task: Task
    spec: ModelSpec
    dataset: Dataset
    config: TrainingConfig


def plan_run(
    *, task: str, dataset: str, model: str, config: Mapping[str, Any] | None = None
) -> Plan:
    """Check the choices for a run; config holds what differs from what suits model and data.

    Raises a UsageError, DataError or ModelError with a sentence.
    """
    found = get_task(task)
    spec = found.get_model(model)
    data = datasets.get_dataset(dataset)
    if data.format not in found.formats:
        raise UsageError(
            f"The data set {data.name} holds something else than {found.title} learns from. "
            f"Choose one of: {_names_for(task)}."
        )
    defaults = dataclasses.asdict(default_config(task, model, data))
    settings = config_from(found.config, {**defaults, **(config or {})})
    # Asked for every run: it also refuses a model folder that is unsafe or gone.
    weights = found.weights(spec)
    if getattr(settings, "pretrained", False) and weights is Weights.SCRATCH:
        raise ConfigError(
            f"{spec.title} has no pretrained weights. Switch them off, or choose another model."
        )
    return Plan(found, spec, data, settings)


def start_run(
    *,
    task: str,
    dataset: str,
    model: str,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    pinned: Sequence[NewPin] = (),
    parent: int | None = None,
) -> Run:
    """Queue a run and see to it that somebody will train it; returns its row.

    config holds the settings that differ from what suits model and data. pinned: examples of the
    user's own that it is to answer while it learns. parent: the run that it was made from. Raises
    what plan_run raises, or DiskFullError, with a sentence, before anything is written.
    """
    plan = plan_run(task=task, dataset=dataset, model=model, config=config)
    data, spec = plan.dataset, plan.spec
    title = clean_name(name) if name is not None else free_name(f"{data.name} · {spec.name}")
    check_disk(spec)
    run = stored.create_run(
        name=title,
        task=task,
        model=spec.name,
        dataset_id=data.id,
        dataset_name=data.name,
        dataset_version=data.version,
        config=dataclasses.asdict(plan.config),
        parent_id=parent,
    )
    pin_all(run.id, plan.task, pinned)
    ensure_supervisor()
    return run


def ensure_supervisor() -> None:
    """See to it that somebody looks after the runs of this home."""
    from backend import jobs

    jobs.ensure_supervisor()


def _names_for(task: str) -> str:
    return ", ".join(dataset.name for dataset in datasets.list_datasets(task)) or "none yet"


def clean_name(name: str) -> str:
    """A name fit to be stored and shown; raises ConfigError that says what is wrong."""
    # Line breaks and control characters would break tables and logs.
    text = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not text:
        raise ConfigError("The name is empty. Give the run a name with at least one letter.")
    if len(text) > MAX_NAME:
        raise ConfigError(f"The name has {len(text):,} characters; at most {MAX_NAME} are allowed.")
    return text


def free_name(wanted: str) -> str:
    """The wanted name, with a number behind it where another run has it already."""
    taken = stored.list_names()
    base, name, number = wanted[: MAX_NAME - 5], wanted[:MAX_NAME], 2
    while name in taken:
        name, number = f"{base} {number}", number + 1
    return name


def check_disk(spec: ModelSpec, checkpoint: int = 0) -> None:
    """Raise DiskFullError where two checkpoints of the model would not fit.

    checkpoint: the bytes of one, where the run has one already; else they are reckoned.
    """
    needed = 2 * (checkpoint or spec.parameters * BYTES_PER_PARAMETER) + SPARE_BYTES
    free = shutil.disk_usage(files.database_path().parent).free
    if free < needed:
        raise DiskFullError(
            f"The disk has {free / 1e6:,.0f} MB left and this run needs {needed / 1e6:,.0f} MB "
            "for its checkpoints. Delete old runs or data sets, or free space elsewhere."
        )


def get_run(run_id: int) -> Run:
    """A run by its number; raises NotFoundError."""
    # SQLite's whole numbers end at 64 bits.
    run = stored.get_run(run_id) if 0 < run_id < 2**63 else None
    if run is None:
        raise NotFoundError(f"There is no run number {run_id}. It may have been deleted.")
    return run


def list_runs(statuses: Iterable[RunStatus] | None = None) -> list[Run]:
    """Runs, newest first."""
    return stored.list_runs(statuses)


def stop_run(run_id: int) -> Run:
    """Ask a run to save and leave; a queued one ends at once, an ended one stays as it is."""
    get_run(run_id)
    stored.move_run(
        run_id,
        RunStatus.STOPPED,
        when=[RunStatus.QUEUED],
        reason=Reason.USER_STOP,
        message="Taken out of the queue before it started.",
    ) or stored.move_run(
        run_id,
        RunStatus.STOPPING,
        when=[RunStatus.STARTING, RunStatus.RUNNING],
        message="Asked to stop: saving what has been learnt.",
    )
    run = get_run(run_id)
    if run.is_active:
        # Should the process not react, the supervisor ends it.
        ensure_supervisor()
    return run


def delete_run(run_id: int) -> None:
    """Delete a run with its log and checkpoints; raises BusyError while it is active."""
    run = get_run(run_id)
    if not stored.delete_run(run_id):
        if stored.get_run(run_id) is None:
            return
        raise BusyError(f"{run.name} is still training. Stop it first, then delete it.")
    files.remove_folder(files.run_dir(run_id))


def rename_run(run_id: int, name: str) -> Run:
    """Give a run another name."""
    get_run(run_id)
    stored.rename_run(run_id, clean_name(name))
    return get_run(run_id)


def clone_run(run_id: int) -> dict[str, Any]:
    """What a form needs to start the like: task, dataset, model, name, config, pinned, parent."""
    run = get_run(run_id)
    return {
        "task": run.task,
        "dataset": run.dataset_id,
        "model": run.model,
        "name": free_name(run.name),
        "config": dict(run.config),
        "pinned": new_pins(run_id),
        "parent": run_id,
    }


def list_ended(after: float, until: float) -> list[Run]:
    """Runs that ended in this time (unix seconds), but not by somebody's wish; oldest end first."""
    return stored.list_ended(after, until)


def list_events(run_id: int, *, after: int = 0) -> list[Event]:
    """A run's history, oldest first; after: only events with a greater id."""
    return events.list_events(run_id, after)


def list_attempts(run_id: int) -> list[Attempt]:
    """The tries at a run, first to last."""
    return attempts.list_attempts(run_id)


def list_snapshot_kinds(run_id: int) -> list[str]:
    """Which kinds of snapshots a run took at its evaluations, by name."""
    return snapshots.list_kinds(run_id)


def list_moments(run_id: int, kind: str) -> list[Moment]:
    """When its snapshots of one kind were taken, oldest first."""
    return snapshots.list_moments(run_id, kind)


def read_snapshot(moment: Moment) -> dict[str, Any]:
    """What a run showed at that moment, as its task gave it; empty where it was deleted."""
    found = snapshots.get_snapshot(moment.snapshot)
    return {} if found is None else found.content


def list_metric_names(run_id: int) -> list[str]:
    """The names of the metrics that a run has logged."""
    return list(metrics.list_names(run_id))


def read_metrics(
    run_id: int,
    names: Iterable[str] | None = None,
    *,
    first_step: int | None = None,
    last_step: int | None = None,
) -> dict[str, Series]:
    """A run's curves by metric name; the steps given narrow them down."""
    series, _ = metrics.read_series(run_id, names, first_step=first_step, last_step=last_step)
    if first_step is None and last_step is None:
        return series
    return {name: _between(found, first_step, last_step) for name, found in series.items()}


def _between(series: Series, first: int | None, last: int | None) -> Series:
    start = 0 if first is None else int(series.steps.searchsorted(first, "left"))
    end = len(series.steps) if last is None else int(series.steps.searchsorted(last, "right"))
    cut = slice(start, end)
    return Series(
        series.name, series.steps[cut], series.values[cut], series.epochs[cut], series.times[cut]
    )


def log_bytes(run_id: int) -> int:
    """How long a run's log is; 0 before it has one."""
    try:
        return files.run_log(run_id).stat().st_size
    except OSError:
        return 0


def read_log(run_id: int, lines: int = 200) -> str:
    """The last lines of a run's log; empty before it has one."""
    try:
        with files.run_log(run_id).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    # A progress bar redraws its line with carriage returns: the last state counts.
    shown = [line.rsplit("\r", 1)[-1] for line in text.rstrip("\r\n").split("\n")[-lines:]]
    return "\n".join(shown)


def run_seconds(run: Run) -> float:
    """Seconds of training so far, all attempts together; 0 before the start."""
    if run.started_at is None:
        return 0.0
    now = time.time()
    # One that waits to go on has no end any more, yet nothing is being trained.
    if run.attempt <= 1 and run.status is not RunStatus.QUEUED:
        return max(0.0, (run.ended_at or now) - run.started_at)
    spans = [(one.ended_at or now) - one.started_at for one in attempts.list_attempts(run.id)]
    return sum(max(0.0, span) for span in spans)


def time_left(run: Run) -> float | None:
    """Seconds until the run is through its steps, at the pace of this attempt so far.

    None where that cannot be told: before the first steps, or after the end.
    """
    if run.status is not RunStatus.RUNNING or not run.total_steps:
        return None
    attempt = attempts.get_attempt(run.id, run.attempt)
    begun = _running_since(run)
    if attempt is None or begun is None or run.heartbeat_at is None:
        return None
    done, spent = run.step - attempt.start_step, run.heartbeat_at - begun
    if done <= 0 or spent <= 0:
        return None
    left = spent / done * (run.total_steps - run.step)
    return left if math.isfinite(left) else None


def _running_since(run: Run) -> float | None:
    for event in reversed(events.list_events(run.id)):
        if event.attempt == run.attempt and event.kind == RunStatus.RUNNING:
            return event.time
    return None
