"""The queue: order, holding back, and what a run is said to wait for."""

from pathlib import Path

import pytest

from backend import queue_order, runs
from backend.errors import BusyError
from backend.jobs import slots
from storage import database
from storage import runs as stored
from storage.records import Run, RunStatus


@pytest.fixture(autouse=True)
def alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_order, "ensure_supervisor", lambda: None)
    database.migrate()
    slots.remember_devices(["cpu"])


def queued(name: str, device: str = "auto") -> Run:
    return stored.create_run(
        name=name, task="toy", model="toy", dataset_id="d", dataset_name="d",
        config={"device": device},
    )  # fmt: skip


def claim() -> str | None:
    found = stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    return found[0].name if found else None


def test_the_order_can_be_changed() -> None:
    first, second, third = (queued(name) for name in "abc")
    queue_order.move_in_queue(third.id, "first")
    queue_order.move_in_queue(first.id, "down")
    assert [run.name for run in stored.queue()] == ["c", "b", "a"]
    queue_order.move_in_queue(third.id, "last")
    queue_order.move_in_queue(first.id, "up")
    queue_order.move_in_queue(second.id, "up")
    assert [run.name for run in stored.queue()] == ["b", "a", "c"]
    assert [queue_order.queue_position(run.id) for run in (first, second, third)] == [2, 1, 3]
    assert [claim(), claim(), claim(), claim()] == ["b", "a", "c", None]
    with pytest.raises(BusyError, match="no longer in the queue"):
        queue_order.move_in_queue(first.id, "first")


def test_a_held_run_lets_others_pass() -> None:
    first, second = queued("a"), queued("b")
    assert queue_order.hold_run(first.id).held
    assert queue_order.waits_for(runs.get_run(first.id)).startswith("Held back")
    assert queue_order.queue_position(second.id) == 1
    assert [claim(), claim()] == ["b", None]
    assert not queue_order.release_run(first.id).held
    assert claim() == "a"
    with pytest.raises(BusyError):
        queue_order.hold_run(first.id)
    kinds = [event.kind for event in runs.list_events(first.id)]
    assert kinds == ["queued", "held", "queued", "starting"]


def test_the_sentence_names_what_is_waited_for() -> None:
    queued("the long one")
    waiting, later = queued("b"), queued("c")
    assert queue_order.waits_for(waiting) == (
        "Waiting for its turn: 1 before it. Training starts by itself."
    )
    claim()
    words = queue_order.waits_for(runs.get_run(waiting.id))
    assert words == "Next in the queue. Waiting for the processor: the long one is training there."
    assert "1 before it" in queue_order.waits_for(later)
    stored.move_run(1, RunStatus.FINISHED, when=[RunStatus.STARTING])
    assert queue_order.waits_for(waiting).endswith("Training starts by itself.")


def test_held_runs_do_not_count_when_one_moves() -> None:
    first, held, last = (queued(name) for name in "abc")
    queue_order.hold_run(held.id)
    queue_order.move_in_queue(last.id, "up")
    assert [queue_order.queue_position(run.id) for run in (last, first)] == [1, 2]
    queue_order.move_in_queue(last.id, "down")
    assert [queue_order.queue_position(run.id) for run in (first, last)] == [1, 2]
    queue_order.move_in_queue(first.id, "up")
    queue_order.move_in_queue(last.id, "down")
    assert [queue_order.queue_position(run.id) for run in (first, last)] == [1, 2]


def test_who_waits_for_another_device_is_not_before_it() -> None:
    slots.remember_devices(["cuda:0", "cuda:1", "cpu"])
    card, processor, either = queued("a", "cuda:0"), queued("b", "cpu"), queued("c", "auto")
    stored.claim_run(lambda *_: "cuda:0", pid=1, process_started=0.0, host="here")
    second = queued("d", "cuda:0")
    assert queue_order.waits_for(processor).startswith("Next in the queue. Training starts")
    assert queue_order.waits_for(either).startswith("Next in the queue. Training starts")
    assert "1 before it" in queue_order.waits_for(second), "auto may take that card as well"
    stored.move_run(either.id, RunStatus.STOPPED, when=[RunStatus.QUEUED])
    assert queue_order.waits_for(second) == (
        f"Next in the queue. Waiting for the graphics card (cuda:0): {card.name} is training there."
    )
