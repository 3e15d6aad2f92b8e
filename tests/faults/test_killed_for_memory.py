"""A worker that the system kills for lack of memory is told apart from one that was just killed."""

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.remedies import remedies
from storage import database
from storage.records import ENDED, Reason, RunStatus
from tests.backend.jobs.conftest import queue_run, wait_for
from tests.faults.conftest import current, pid_of, start_usual_supervisor, wait_for_step

# Supervisor and worker take about half of it before the worker begins to hoard.
LIMIT = 1_500 << 20
FIRST, SECOND = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group with little memory, for whoever writes his number into its cgroup.procs."""
    first = FIRST.is_dir()
    parent = FIRST if first else SECOND
    folder = parent / f"trainroom-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        limit = folder / ("memory.limit_in_bytes" if first else "memory.max")
        limit.write_text(str(LIMIT))
    except OSError:
        if folder.is_dir():
            folder.rmdir()
        pytest.skip("may not limit the memory of a group of processes here")
    yield folder
    for number in (folder / "cgroup.procs").read_text().split():
        os.kill(int(number), signal.SIGKILL)
    wait_for(lambda: not (folder / "cgroup.procs").read_text(), 10)
    folder.rmdir()


def test_the_systems_kill_for_memory_has_its_own_reason(jobs_home: Path, small_group: Path) -> None:
    run = queue_run("toy", epochs=1000)
    start_usual_supervisor("tests.faults.faulty_worker", "hungry", group=small_group)
    wait_for(lambda: current(run).status in ENDED, 120)
    found = current(run)
    print(f"Killed for memory: {found.reason}, {found.message}")
    assert (found.status, found.reason) == (RunStatus.FAILED, Reason.OOM_HOST)
    assert remedies(found)[0].label == "Continue with half the memory"
    assert database.is_sound()


def test_a_kill_by_hand_is_not_taken_for_it(jobs_home: Path, small_group: Path) -> None:
    run = queue_run("slow", epochs=1000)
    start_usual_supervisor("tests.backend.jobs.toy_worker", group=small_group)
    wait_for_step(run, 5)
    os.kill(pid_of(run), signal.SIGKILL)
    wait_for(lambda: current(run).status in ENDED, 10)
    assert current(run).reason is Reason.KILLED
