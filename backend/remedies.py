"""What can be done about a run that ended or goes badly: one record per button."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.errors import TrainroomError
from backend.jobs.checkpoint_files import saved_step
from storage.records import Reason, Run, RunStatus


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way on. resume: the run goes on; again: a new run like it; data, storage: a page;
    stop: the run ends now.

    config holds the settings that it changes; model the one to take instead, with its own settings.
    """

    action: Literal["resume", "again", "data", "storage", "stop"]
    label: str
    help: str
    config: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""


def remedies(run: Run) -> list[Remedy]:
    """The ways on after a failed or lost run, the best first; empty for every other."""
    if run.status not in (RunStatus.FAILED, RunStatus.LOST):
        return []
    find = _BY_REASON.get(run.reason or Reason.BUG, _go_on)
    return find(run, saved_step(run.id) is not None)


def _resume(run: Run, saved: bool) -> Remedy:
    if saved:
        return Remedy("resume", "Continue", "Goes on from the last saved copy of the model.")
    return Remedy("resume", "Start again", "Nothing had been saved: it starts from zero.")


def _half_batch(run: Run) -> dict[str, Any] | None:
    size = int(run.config.get("batch_size", 1))
    if size < 2 or size % 2:
        return {"batch_size": 1, "gradient_accumulation": size} if size > 1 else None
    return {
        "batch_size": size // 2,
        "gradient_accumulation": 2 * int(run.config.get("gradient_accumulation", 1)),
    }


def _less_memory(run: Run, saved: bool) -> list[Remedy]:
    found = []
    changes = _half_batch(run)
    if changes is not None:
        found.append(
            Remedy(
                "resume",
                "Continue with half the memory",
                f"Batches of {changes['batch_size']}, {changes['gradient_accumulation']} of them "
                "summed up for each correction: the same result in less memory.",
                changes,
            )
        )
    if run.reason is Reason.OOM_GPU:
        found.append(_processor())
    return found or [_resume(run, saved)]


def _processor() -> Remedy:
    return Remedy(
        "resume", "Continue on the processor", "Slower, but there is more memory.",
        {"device": "cpu", "mixed_precision": "off"},
    )  # fmt: skip


def _calmer_rate(run: Run) -> float:
    """A tenth of the run's learning rate, or the model's own where that is lower still."""
    from backend.runs import default_config

    rate = float(run.config.get("learning_rate", 1e-3)) / 10
    try:
        return min(rate, default_config(run.task, run.model).learning_rate)
    except TrainroomError:  # of a task file or a model that has gone since
        return rate


def _lower_rate(run: Run, saved: bool) -> list[Remedy]:
    rate = _calmer_rate(run)
    again = Remedy(
        "again",
        f"Start again with learning rate {rate:g}",
        "A new run with the same choices and this learning rate.",
        {"learning_rate": rate},
    )
    if not saved:
        return [again]
    go_on = Remedy(
        "resume",
        "Continue from the last good copy, more slowly",
        f"Goes on from before the trouble, with learning rate {rate:g}.",
        {"learning_rate": rate},
    )
    return [again, go_on]


def _free_disk(run: Run, saved: bool) -> list[Remedy]:
    free = Remedy("storage", "Free some disk space", "Shows what takes how much, and clears it.")
    return [free, _resume(run, saved)]


def _see_data(run: Run, saved: bool) -> list[Remedy]:
    data = Remedy("data", "See the data sets", "Bring the data in again, or choose another set.")
    return [data, Remedy("again", "Choose again", "Opens the form with the same choices.")]


def _from_zero(run: Run, saved: bool) -> list[Remedy]:
    return [Remedy("again", "Train it again", "A new run with the same choices.")]


def _other_settings(run: Run, saved: bool) -> list[Remedy]:
    return [Remedy("again", "Change the settings", "Opens the form with the same choices.")]


def _on_processor(run: Run, saved: bool) -> list[Remedy]:
    return [_processor(), _resume(run, saved)]


def _go_on(run: Run, saved: bool) -> list[Remedy]:
    again = Remedy("again", "Change the settings", "Opens the form with the same choices.")
    return [_resume(run, saved), again]


_BY_REASON: dict[Reason, Callable[[Run, bool], list[Remedy]]] = {
    Reason.OOM_GPU: _less_memory,
    Reason.OOM_HOST: _less_memory,
    Reason.NAN_LOSS: _lower_rate,
    Reason.DISK_FULL: _free_disk,
    Reason.BAD_DATA: _see_data,
    Reason.BAD_CHECKPOINT: _from_zero,
    Reason.BAD_CONFIG: _other_settings,
    Reason.DEVICE: _on_processor,
}
