"""Runs from the queue to their end, in real processes."""

import os
import signal
import time
from pathlib import Path

import psutil

from backend.jobs.liveness import holder
from backend.jobs.supervisor import supervisor_lock
from backend.preferences import save_preferences
from storage import attempts, events, files, metrics, runs
from storage.records import ENDED, Reason, RunStatus
from tests.backend.jobs.conftest import (
    processes_of,
    queue_run,
    start_supervisor,
    status_of,
    wait_for,
)


def test_queued_run_is_trained_to_its_end(jobs_home: Path) -> None:
    run = queue_run()
    start_supervisor()
    wait_for(lambda: status_of(run) in ENDED)
    done = runs.get_run(run.id)
    assert done is not None
    assert (done.status, done.reason) == (RunStatus.FINISHED, None), files.run_log(1).read_text()
    assert done.step == done.total_steps == 50
    assert done.metrics["test/accuracy"] > 0.8
    assert done.best_step in (25, 50)
    kinds = [event.kind for event in events.list_events(run.id)]
    assert kinds == ["queued", "starting", "running", "finished"]
    series, _ = metrics.read_series(run.id, ["train/loss", "val/loss"])
    assert list(series["train/loss"].steps) == list(range(1, 51))
    assert list(series["val/loss"].steps) == [25, 50]
    attempt = attempts.list_attempts(run.id)[0]
    assert attempt.ended_at is not None
    assert "torch" in files.run_log(run.id).read_text()


def test_killed_worker_shows_as_failed_within_five_seconds(jobs_home: Path) -> None:
    run = queue_run("slow", epochs=1000)
    start_supervisor()
    wait_for(lambda: (runs.get_run(run.id) or run).step > 5)
    os.kill(attempts.list_attempts(run.id)[0].pid, signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: status_of(run) in ENDED)
    assert time.monotonic() - killed < 5.0
    done = runs.get_run(run.id)
    assert done is not None
    assert (done.status, done.reason) == (RunStatus.FAILED, Reason.KILLED)
    assert "ended from outside" in (done.message or "")


def test_killed_supervisor_is_replaced_and_the_run_goes_on(jobs_home: Path) -> None:
    run = queue_run("slow", epochs=1000)
    first = start_supervisor()
    wait_for(lambda: (runs.get_run(run.id) or run).step > 5)
    first.kill()
    first.wait()
    before = (runs.get_run(run.id) or run).step
    second = start_supervisor()
    wait_for(lambda: holder(supervisor_lock()) == second.pid)
    wait_for(lambda: (runs.get_run(run.id) or run).step > before + 5)
    assert status_of(run) == RunStatus.RUNNING
    # The new one looks after the run as the old one did.
    os.kill(attempts.list_attempts(run.id)[0].pid, signal.SIGKILL)
    wait_for(lambda: status_of(run) == RunStatus.FAILED, 5)


def test_worker_that_ignores_everything_is_killed_with_its_group(jobs_home: Path) -> None:
    run = queue_run("stubborn")
    start_supervisor(terminate=1.0, kill=2.0, rewarm=1000)
    wait_for(lambda: (runs.get_run(run.id) or run).step > 0)
    pid = attempts.list_attempts(run.id)[0].pid
    assert len([one for one in processes_of(jobs_home) if os.getpgid(one.pid) == pid]) == 2
    runs.move_run(run.id, RunStatus.STOPPING, when=[RunStatus.RUNNING])
    asked = time.monotonic()
    wait_for(lambda: status_of(run) in ENDED)
    assert 2.0 <= time.monotonic() - asked < 4.0
    done = runs.get_run(run.id)
    assert done is not None
    assert (done.status, done.reason) == (RunStatus.STOPPED, Reason.USER_STOP)
    assert "No model had been saved" in (done.message or "")
    wait_for(lambda: not [one for one in psutil.pids() if one != pid and _group(one) == pid], 2)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def test_stopped_process_is_not_taken_for_dead(jobs_home: Path) -> None:
    run = queue_run("slow", epochs=1000)
    start_supervisor()
    wait_for(lambda: (runs.get_run(run.id) or run).step > 5)
    pid = attempts.list_attempts(run.id)[0].pid
    os.kill(pid, signal.SIGSTOP)
    step = (runs.get_run(run.id) or run).step
    time.sleep(3)  # thirty looks of the supervisor
    assert status_of(run) == RunStatus.RUNNING
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: (runs.get_run(run.id) or run).step > step + 5)


def test_errors_get_their_reason_and_sentence(jobs_home: Path) -> None:
    expected = {
        "oom": (Reason.OOM_GPU, "half the batch size"),
        "nan": (Reason.NAN_LOSS, "learning rate"),
        "crash": (Reason.KILLED, "ended from outside"),
        "toy": (Reason.DEVICE, "no device cuda:7. It has: cpu"),
    }
    queued = {
        model: queue_run(model, device="cuda:7" if model == "toy" else "cpu") for model in expected
    }
    start_supervisor(rewarm=0.0)
    for model, run in queued.items():
        wait_for(lambda run=run: status_of(run) in ENDED)
        done = runs.get_run(run.id)
        assert done is not None
        reason, words = expected[model]
        assert (done.status, done.reason) == (RunStatus.FAILED, reason), done.message
        assert words in (done.message or "")
        assert "Traceback" not in (done.message or "")


def test_worker_that_cannot_start_fails_the_run_with_a_sentence(jobs_home: Path) -> None:
    run = queue_run()
    start_supervisor(arguments=["--broken"])
    wait_for(lambda: status_of(run) in ENDED, 60)
    done = runs.get_run(run.id)
    assert done is not None
    assert "no torch here" in (done.message or "")


def test_a_second_slot_on_the_processor_is_used_at_once(jobs_home: Path) -> None:
    """The preference is changed while a run waits: both train from then on."""
    first, second = queue_run("slow", epochs=1000), queue_run("slow", epochs=1000)
    start_supervisor(rewarm=0.0)
    wait_for(lambda: (runs.get_run(first.id) or first).step > 5)
    assert status_of(second) == RunStatus.QUEUED
    save_preferences(runs_on_processor=2)
    wait_for(lambda: (runs.get_run(second.id) or second).step > 5)
    assert {status_of(run) for run in (first, second)} == {RunStatus.RUNNING}
