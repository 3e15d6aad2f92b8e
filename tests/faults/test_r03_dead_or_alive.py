"""R3: a dead worker's run is soon over, a living one's is not, a stopped one's is said."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from backend import live, runs
from backend.jobs.processes import is_same_process, started_at
from backend.live import is_unresponsive
from storage import database, files
from storage.records import ENDED, Reason, RunStatus
from storage.schema import AttemptRow, RunRow
from tests.backend.jobs.conftest import queue_run, start_supervisor, status_of, wait_for
from tests.faults.conftest import (
    current,
    pid_of,
    start_usual_supervisor,
    step_of,
    wait_for_step,
)

DAY = 86_400


@pytest.mark.slow
def test_no_false_death_under_stop_load_and_lock(jobs_home: Path) -> None:
    """20 s stopped, both cores busy, the database locked for 15 s: the run lives on."""
    run = queue_run("slow", epochs=1000)
    start_supervisor(rewarm=1000)
    wait_for_step(run, 5)
    pid = pid_of(run)
    burn = "import time\nend = time.monotonic() + 21\nwhile time.monotonic() < end: pass"
    burners = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(2)]
    other = sqlite3.connect(files.database_path(), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    os.kill(pid, signal.SIGSTOP)
    told = None
    try:
        begun, step = time.monotonic(), step_of(run)
        while time.monotonic() - begun < 20:
            assert status_of(run) == RunStatus.RUNNING
            if told is None and is_unresponsive(current(run)):
                told = time.monotonic() - begun
            if other.in_transaction and time.monotonic() - begun > 15:
                other.execute("COMMIT")
            time.sleep(0.2)
        assert told is not None
        assert told < live.SILENCE + 2
        assert live.live_state(run.id)["run"]["unresponsive"]
    finally:
        os.kill(pid, signal.SIGCONT)
        other.close()
        for burner in burners:
            burner.kill()
            burner.wait()
    wait_for_step(run, step + 5)
    wait_for(lambda: not is_unresponsive(current(run)), 5)
    assert status_of(run) == RunStatus.RUNNING
    assert [event.kind for event in runs.list_events(run.id)] == ["queued", "starting", "running"]
    print(f"R3: no false death in 20 s; called unresponsive after {told:.1f} s")


@pytest.mark.parametrize("clock", [0, DAY, -DAY], ids=["right", "a day ahead", "a day behind"])
def test_a_dead_worker_is_seen_within_five_seconds(jobs_home: Path, clock: int) -> None:
    """At the usual pace; before that, the clock may jump, as the stored times show it."""
    run = queue_run("slow", epochs=1000)
    supervisor = start_usual_supervisor("tests.backend.jobs.toy_worker")
    wait_for_step(run, 5)
    pid = pid_of(run)
    if clock:
        with database.write() as session:
            # Start times are computed from the clock: all noted before the jump are off by it.
            session.execute(
                update(AttemptRow).values(process_started=AttemptRow.process_started - clock)
            )
            session.execute(update(RunRow).values(heartbeat_at=RunRow.heartbeat_at - clock))
        step = step_of(run)
        watched_until = time.monotonic() + 2  # four looks of the supervisor
        while time.monotonic() < watched_until:
            assert status_of(run) == RunStatus.RUNNING
            time.sleep(0.05)
        wait_for_step(run, step + 5)
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: status_of(run) in ENDED, 5)
    seconds = time.monotonic() - killed
    print(f"R3: seen as dead after {seconds:.1f} s")
    assert seconds < 5.0
    if clock == 0:
        assert current(run).reason is Reason.KILLED
    supervisor.kill()
    supervisor.wait()


def test_another_computers_death_is_seen_after_its_time(jobs_home: Path) -> None:
    """Its attempt is told to be of another host; its heartbeat stops when it is killed."""
    run = queue_run("slow", epochs=1000)
    supervisor = start_supervisor(rewarm=1000, other_host=3.0)
    wait_for_step(run, 5)
    with database.write() as session:
        session.execute(update(AttemptRow).values(host="another computer"))
    step = step_of(run)
    watched_until = time.monotonic() + 5
    while time.monotonic() < watched_until:
        assert status_of(run) == RunStatus.RUNNING  # its heartbeat still changes
        time.sleep(0.05)
    wait_for_step(run, step + 5)
    os.kill(pid_of(run), signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: status_of(run) in ENDED, 10)
    seconds = time.monotonic() - killed
    print(f"R3: another computer's run given up after {seconds:.1f} s of 3 s (usually 60)")
    assert 2.0 < seconds < 5.0
    assert (current(run).status, current(run).reason) == (RunStatus.LOST, Reason.HOST_LOST)
    supervisor.kill()
    supervisor.wait()


def test_a_jump_of_the_clock_makes_nobody_the_same_process(jobs_home: Path) -> None:
    """A number with another start time is somebody else; then only the lock proves life."""
    started = started_at()
    assert is_same_process(os.getpid(), started)
    assert not is_same_process(os.getpid(), started + DAY)
    assert not is_same_process(os.getpid(), started - DAY)
