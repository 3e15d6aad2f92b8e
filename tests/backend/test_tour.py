"""The tour's five steps: who is offered it, what counts as done, and putting it away."""

from pathlib import Path

import pytest

from backend import jobs, runs, tour
from backend.preferences import save_preferences
from backend.runs import RunStatus
from storage import runs as stored
from tests.backend.comparing.tested import seed_tested


@pytest.fixture(autouse=True)
def nothing_trains(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ensure_supervisor", lambda: None)


def current() -> tour.Tour:
    found = tour.current_tour()
    assert found is not None
    return found


def test_it_is_offered_to_whoever_has_no_runs() -> None:
    assert current().current == 0
    assert not current().waits
    seed_tested("mine", [1.0])
    assert tour.current_tour() is None


def test_its_steps_are_done_one_after_the_other() -> None:
    run = tour.start()
    assert run.model == "mlp"
    assert current().done == (True, False, False, False, False)
    tour.note("watch")
    tour.note("watch")
    assert current().current == 2
    assert current().waits, "the training has not ended"
    stored.move_run(run.id, RunStatus.FINISHED, when=list(RunStatus), message="Done.")
    assert not current().waits
    for step in ("result", "try", "learn"):
        tour.note(step)
    assert current().current is None
    assert all(current().done)


def test_once_put_away_it_stays_away() -> None:
    tour.start()
    tour.put_away()
    assert tour.current_tour() is None
    tour.note("watch")
    assert tour.current_tour() is None


def test_a_deleted_run_begins_it_anew() -> None:
    run = tour.start()
    tour.note("watch")
    stored.move_run(run.id, RunStatus.STOPPED, when=list(RunStatus), message="Stopped.")
    runs.delete_run(run.id)
    assert current().done == (False,) * 5
    assert current().run is None
    save_preferences(tour_over=True)
    assert tour.current_tour() is None


def test_without_a_tour_nothing_is_noted() -> None:
    tour.note("learn")
    assert current().done == (False,) * 5
