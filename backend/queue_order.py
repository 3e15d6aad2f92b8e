"""The queue as people see and change it: the order, who is held back, what each run waits for."""

from typing import Literal

from backend.errors import BusyError
from backend.jobs import slots
from backend.runs import ensure_supervisor, get_run, time_left
from backend.wording import duration
from storage import runs as stored
from storage.records import ACTIVE, Run, RunStatus

Move = Literal["up", "down", "first", "last"]


def queue_position(run_id: int) -> int | None:
    """The place among the runs that are not held back, 1 is next; None where it has none."""
    waiting = [run.id for run in stored.queue() if not run.held]
    return waiting.index(run_id) + 1 if run_id in waiting else None


def move_in_queue(run_id: int, to: Move) -> None:
    """Let a queued run start earlier or later; raises BusyError where it has started."""
    waiting = [run.id for run in stored.queue()]
    place = waiting.index(run_id) if run_id in waiting else 0
    places = {"up": place - 1, "down": place + 1, "first": 0, "last": len(waiting)}
    if not stored.place_run(run_id, places[to]):
        raise BusyError(f"{get_run(run_id).name} is no longer in the queue.")


def hold_run(run_id: int) -> Run:
    """Keep a queued run from starting until release_run; raises BusyError where it has started."""
    return _hold(run_id, True)


def release_run(run_id: int) -> Run:
    """Let a run that was held back start when its turn comes."""
    return _hold(run_id, False)


def _hold(run_id: int, held: bool) -> Run:
    get_run(run_id)
    changed = stored.hold_run(run_id, held)
    run = get_run(run_id)
    if not changed and run.status is not RunStatus.QUEUED:
        raise BusyError(f"{run.name} is no longer in the queue.")
    if not held:
        ensure_supervisor()
    return run


def waits_for(run: Run) -> str:
    """What a queued run is waiting for, in a sentence."""
    if run.held:
        return "Held back. It starts when you let it go."
    place = queue_position(run.id) or 1
    if place > 1:
        return f"Waiting for its turn: {place - 1} before it. Training starts by itself."
    active, devices = stored.list_runs(ACTIVE), slots.known_devices()
    if not devices or slots.choose_device(run, active, devices, slots.runs_per_device()):
        return "Next in the queue. Training starts by itself."
    fitting = slots.fitting_devices(run, devices)
    busy = [(time_left(one), one) for one in active if one.device in fitting]
    known = [(left, one) for left, one in busy if left is not None]
    left, first = min(known, key=lambda pair: pair[0]) if known else busy[0]
    where = "the processor" if first.device == "cpu" else f"the graphics card ({first.device})"
    soon = f", about {duration(left)} left" if left is not None else ""
    return f"Next in the queue. Waiting for {where}: {first.name} is training there{soon}."
