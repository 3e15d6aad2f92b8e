"""R8: a stop takes a step and two seconds; who ignores it is ended, and the model is usable."""

import os
import time
from pathlib import Path

import psutil
import pytest

from backend import runs
from backend.jobs.checkpoint_files import saved_step
from backend.jobs.processes import group_members
from backend.jobs.supervisor import Pace
from backend.training import checkpoints
from storage import files
from storage.records import ENDED, Reason, Run, RunStatus
from tests.backend.jobs.conftest import (
    processes_of,
    queue_run,
    start_supervisor,
    status_of,
    wait_for,
)
from tests.faults.conftest import bound, current, pid_of, start_usual_supervisor, wait_for_step
from tests.faults.faulty_worker import LOADERS


def check_stopped(run: Run, group: int) -> None:
    """Stopped on request, a model that loads, and nobody left of the group."""
    wait_for(lambda: not group_members(group), 2)
    found = current(run)
    assert (found.status, found.reason) == (RunStatus.STOPPED, Reason.USER_STOP)
    assert "can be used" in (found.message or "")
    assert checkpoints.load_checkpoint(files.checkpoints_dir(run.id)).step > 0


def test_a_stop_takes_one_step_and_two_seconds(jobs_home: Path) -> None:
    run = queue_run("slow", epochs=1000)
    start_supervisor()
    wait_for_step(run, 5)
    group = pid_of(run)
    asked = time.monotonic()
    runs.stop_run(run.id)
    wait_for(lambda: status_of(run) in ENDED, every=0.005)
    seconds = time.monotonic() - asked
    print(f"R8: stopped {seconds:.2f} s after the wish; a step takes 0.01 s")
    assert seconds < bound(2.0)
    check_stopped(run, group)


@pytest.mark.slow
def test_who_ignores_everything_is_ended_with_its_loaders(jobs_home: Path) -> None:
    """Two loaders, SIGTERM ignored by all: SIGKILL at 15 s, at the supervisor's real pace."""
    assert (Pace().terminate, Pace().kill) == (10.0, 15.0)
    run = queue_run("toy", epochs=1000)
    start_usual_supervisor("tests.faults.faulty_worker", "deaf")
    wait_for(lambda: saved_step(run.id), 60)
    group = pid_of(run)
    assert len(group_members(group)) == 1 + LOADERS
    asked = time.monotonic()
    runs.stop_run(run.id)
    wait_for(lambda: status_of(run) in ENDED, 30)
    seconds = time.monotonic() - asked
    check_stopped(run, group)
    left = [one for one in processes_of(jobs_home) if _group(one) == group]
    print(f"R8: ended by force after {seconds:.1f} s, {len(left)} processes left")
    assert left == []
    assert 15.0 <= seconds < 15.0 + bound(3.0)
    log = (files.logs_dir() / "supervisor.log").read_text()
    assert "does not stop: SIGTERM" in log
    assert "does not stop: SIGKILL" in log


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return 0
