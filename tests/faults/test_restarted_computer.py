"""The computer is shut down, or loses its power, and starts again: everything is found again."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from backend import datasets, jobs, resuming, runs
from backend.jobs.liveness import is_held
from backend.jobs.supervisor import supervisor_lock
from backend.preferences import save_preferences
from storage import database, files
from storage.records import ENDED, Reason, Run, RunStatus
from tests.backend.jobs.conftest import processes_of, wait_for
from tests.faults.conftest import current, pid_of, step_of, wait_for_step

EARLIER = "1 an-earlier-start:7"


def train(jobs_home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A real run on real data in the middle of its training, by the supervisor as it is."""
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    datasets.prepare_bundled()
    run = runs.start_run(
        task="image-classification", dataset="digits", model="mlp",
        config={"epochs": 1000, "device": "cpu"},
    )  # fmt: skip
    wait_for_step(run, 100, 120)
    return run


def end_everything(jobs_home: Path, how: signal.Signals) -> None:
    """What a shut-down (SIGTERM first) or a power cut does to every process."""
    for process in processes_of(jobs_home):
        process.send_signal(how)
    wait_for(lambda: not processes_of(jobs_home), 30)
    # A process that ends tells nothing of its environment some moments before it lets go of locks.
    wait_for(lambda: not is_held(supervisor_lock()), 30)


def another_start(run: Run) -> None:
    """From here on the locks tell of an earlier start of the system than today's."""
    for lock in (supervisor_lock(), files.run_lock(run.id, current(run).attempt)):
        lock.write_text(EARLIER)


def wait_for_app(condition: Callable[[], bool], seconds: float) -> None:
    """As the open app waits: every look tells the supervisor of it, or starts one."""

    def beat() -> bool:
        jobs.touch_app()
        return condition()

    wait_for(beat, seconds)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["shut down", "power cut"])
def test_it_goes_on_by_itself_where_that_is_wished(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    save_preferences(resume_after_restart=True)
    run = train(jobs_home, monkeypatch)
    end_everything(jobs_home, how)
    step = step_of(run)
    another_start(run)
    wait_for_app(lambda: current(run).attempt == 2 and step_of(run) > step + 20, 120)
    words = [event.message for event in runs.list_events(run.id)]
    off = "asked the training process to end" if how is signal.SIGTERM else "switched off at about"
    assert any(off in line for line in words), words
    going_on = next(line for line in words if line.startswith("Going on from step"))
    if how is signal.SIGTERM:
        assert "Nothing is repeated" in going_on
    assert database.is_sound()
    runs.stop_run(run.id)
    wait_for(lambda: current(run).status in ENDED, 20)
    print(f"Restart ({how.name}): {going_on}")


@pytest.mark.slow
def test_otherwise_it_waits_to_be_asked(jobs_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(jobs_home, monkeypatch)
    end_everything(jobs_home, signal.SIGKILL)
    another_start(run)
    wait_for_app(lambda: current(run).status in ENDED, 30)
    assert (current(run).status, current(run).reason) == (RunStatus.LOST, Reason.HOST_LOST)
    assert "switched off at about" in (current(run).message or "")
    assert [one.id for one in resuming.interrupted_runs()] == [run.id]
    going, problems = resuming.resume_all([run.id])
    assert ([one.id for one in going], problems) == ([run.id], [])
    wait_for(lambda: current(run).attempt == 2 and current(run).status is RunStatus.RUNNING, 120)
    assert pid_of(run) in {process.pid for process in processes_of(jobs_home)}
    runs.stop_run(run.id)
    wait_for(lambda: current(run).status in ENDED, 20)
