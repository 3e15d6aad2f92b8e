"""The queue as people see and change it: the order, who is held back, what each run waits for."""

from dataclasses import dataclass
from typing import Literal, Self

from backend.errors import BusyError
from backend.jobs import slots
from backend.runs import ensure_supervisor, get_run, time_left
from backend.wording import device_words, duration
from storage import runs as stored
from storage.records import ACTIVE, Run, RunStatus

Move = Literal["up", "down", "first", "last"]


def queue_position(run_id: int) -> int | None:
    """The place among the runs that are not held back, 1 is next; None where it has none."""
    waiting = [run.id for run in stored.queue() if not run.held]
    return waiting.index(run_id) + 1 if run_id in waiting else None


def move_in_queue(run_id: int, to: Move) -> None:
    """Let a queued run start earlier or later; raises BusyError where it has started.

    Runs that are held back do not count: one place up is before the one that would start before.
    """
    waiting = stored.queue()
    ids = [run.id for run in waiting]
    counted = [run.id for run in waiting if not run.held or run.id == run_id]
    place = counted.index(run_id) if run_id in counted else 0
    above, below = max(0, place - 1), min(len(counted) - 1, place + 1)
    places = {
        "up": ids.index(counted[above]) if counted else 0,
        "down": ids.index(counted[below]) if counted else 0,
        "first": 0,
        "last": len(ids),
    }
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


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that decides what a queued run waits for, read once."""

    queue: list[Run]
    active: list[Run]
    room: dict[str, int]  # slots by device

    @classmethod
    def now(cls) -> Self:
        room = slots.slots_of(slots.known_devices())
        return cls(stored.queue(), stored.list_runs(ACTIVE), room)

    def before(self, run: Run) -> int:
        """How many queued runs come before this one for the same devices."""
        wanted, count = set(slots.fitting_devices(run, self.room)), 0
        for other in self.queue:
            if other.id == run.id:
                break
            rivals = not self.room or wanted & set(slots.fitting_devices(other, self.room))
            count += not other.held and bool(rivals)
        return count

    def sentence(self, run: Run) -> str:
        if run.held:
            return "Held back. It starts when you let it go."
        before = self.before(run)
        if before:
            return f"Waiting for its turn: {before} before it. Training starts by itself."
        if not self.room or slots.choose_device(run, self.active, self.room):
            return "Next in the queue. Training starts by itself."
        fitting = slots.fitting_devices(run, self.room)
        busy = [(time_left(one), one) for one in self.active if one.device in fitting]
        known = [(left, one) for left, one in busy if left is not None]
        left, first = min(known, key=lambda pair: pair[0]) if known else busy[0]
        soon = f", about {duration(left)} left" if left is not None else ""
        others = f" and {len(busy) - 1} more are" if len(busy) > 1 else " is"
        return (
            f"Next in the queue. Waiting for {device_words(first.device)}: {first.name}{others} "
            f"training there{soon}."
        )


def waits_for(run: Run) -> str:
    """What a queued run is waiting for, in a sentence."""
    return _Scene.now().sentence(run)


def waiting_list() -> list[tuple[Run, str]]:
    """The queue in its order, each run with what it waits for; those held back come last."""
    scene = _Scene.now()
    ordered = sorted(scene.queue, key=lambda run: run.held)
    return [(run, scene.sentence(run)) for run in ordered]
