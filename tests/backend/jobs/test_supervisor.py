"""The supervisor's decisions: one per home, who counts as dead, when to leave, what to clean."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend import jobs
from backend.jobs import aftercare
from backend.jobs import supervisor as module
from backend.jobs.liveness import ProcessLock, holder, is_held
from backend.jobs.processes import started_at
from backend.jobs.supervisor import Pace, Supervisor, supervisor_lock
from storage import files, runs
from storage.records import ACTIVE, Reason, Run, RunStatus
from tests.backend.jobs.conftest import (
    processes_of,
    queue_run,
    start_supervisor,
    status_of,
    wait_for,
)

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def supervisor(jobs_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """One that decides but whose loop does not run; its workers only sleep."""
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    made = Supervisor(worker=SLEEPER, pace=Pace(rewarm=0.0, other_host=0.3), prepare=False)
    yield made
    made.dismiss_standby()


def claimed_run(
    *, pid: int | None = None, started: float | None = None, host: str | None = None
) -> Run:
    """A run claimed by this test's process, or by the one described."""
    queue_run()
    found = runs.claim_run(
        lambda *_: "cpu",
        pid=os.getpid() if pid is None else pid,
        process_started=started_at() if started is None else started,
        host=socket.gethostname() if host is None else host,
    )
    assert found is not None
    return found[0]


def current(run: Run) -> Run:
    found = runs.get_run(run.id)
    assert found is not None
    return found


def a_dead_pid() -> int:
    dead = psutil.Popen([sys.executable, "-c", ""])
    dead.wait()
    return int(dead.pid)


def test_a_process_between_claim_and_lock_is_alive(supervisor: Supervisor) -> None:
    run = claimed_run()
    supervisor.look()
    assert status_of(run) == RunStatus.STARTING


def test_a_held_lock_is_life_whatever_the_clock_says(supervisor: Supervisor) -> None:
    # A clock that was set a day forward shifts every start time.
    run = claimed_run(started=started_at() + 86_400)
    lock = ProcessLock(files.run_lock(run.id, 1))
    assert lock.acquire()
    supervisor.look()
    assert status_of(run) == RunStatus.STARTING
    lock.release()
    supervisor.look()
    assert current(run).reason is Reason.KILLED


def test_a_reused_process_number_is_not_life(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A computer that was started just now would be the likelier reason.
    monkeypatch.setattr(psutil, "boot_time", lambda: started_at() - 5000)
    run = claimed_run(started=started_at() - 1000)
    supervisor.look()
    assert (current(run).status, current(run).reason) == (RunStatus.FAILED, Reason.KILLED)
    os.kill(os.getpid(), 0)  # and this process, whose number it was, was left alone


def test_a_restarted_computer_is_named_as_the_reason(supervisor: Supervisor) -> None:
    run = claimed_run(pid=a_dead_pid(), started=psutil.boot_time() - 3600)
    supervisor.look()
    assert (current(run).status, current(run).reason) == (RunStatus.LOST, Reason.HOST_LOST)
    assert "switched off" in (current(run).message or "")


def test_another_computers_run_lives_by_its_heartbeat(supervisor: Supervisor) -> None:
    run = claimed_run(pid=a_dead_pid(), host="another")
    supervisor.look()
    for _ in range(4):
        time.sleep(0.15)
        with module.database.write() as session:
            row = session.get(runs.RunRow, run.id)
            assert row is not None
            row.heartbeat_at = (row.heartbeat_at or 0.0) + 1
        supervisor.look()
    assert status_of(run) == RunStatus.STARTING
    time.sleep(0.35)
    supervisor.look()
    assert (current(run).status, current(run).reason) == (RunStatus.LOST, Reason.HOST_LOST)


def test_the_message_says_what_is_saved(supervisor: Supervisor) -> None:
    run = claimed_run(pid=a_dead_pid())
    folder = files.checkpoints_dir(run.id) / "step-00001234"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"step": 1234}')
    supervisor.look()
    assert "saved as of step 1,234" in (current(run).message or "")


def test_death_while_stopping_is_a_stop(supervisor: Supervisor) -> None:
    run = claimed_run(pid=a_dead_pid())
    runs.move_run(run.id, RunStatus.STOPPING, when=ACTIVE)
    supervisor.look()
    assert (current(run).status, current(run).reason) == (RunStatus.STOPPED, Reason.USER_STOP)


def test_no_standby_is_kept_where_none_is_wanted(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.look()
    assert supervisor.worker_pids() == []
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "1")
    supervisor.look()
    supervisor.look()
    assert len(supervisor.worker_pids()) == 1
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    supervisor.look()
    assert supervisor.worker_pids() == []


def test_as_many_workers_as_runs_that_find_a_device(
    supervisor: Supervisor, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.slots.remember_devices(["cuda:0", "cuda:1", "cpu"])
    for device in ("auto", "auto", "auto", "cuda:1", "cpu"):
        queue_run(device=device)
    supervisor.look()
    supervisor.look()
    assert len(supervisor.worker_pids()) == 3


def test_temporary_files_go_when_nothing_in_them_changes(jobs_home: Path) -> None:
    old, young, growing = (files.temporary_dir() for _ in range(3))
    for folder in (old, young, growing):
        (folder / "part.bin").write_text("x")
    long_ago = time.time() - 700
    for path in (old / "part.bin", old, growing):
        os.utime(path, (long_ago, long_ago))
    aftercare.remove_old_temporary_files()
    assert [folder.exists() for folder in (old, young, growing)] == [False, True, True]


def test_two_calls_at_once_start_one_supervisor(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    first, second = start_supervisor(stay=True), start_supervisor(stay=True)
    wait_for(lambda: first.poll() is not None or second.poll() is not None)
    loser, winner = (first, second) if first.poll() is not None else (second, first)
    assert loser.returncode == 0
    assert holder(supervisor_lock()) == winner.pid


def test_a_killed_supervisor_comes_back_with_the_apps_heartbeat(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    jobs.touch_app()
    jobs.touch_app()
    first = wait_for(lambda: holder(supervisor_lock()))
    psutil.Process(first).kill()
    wait_for(lambda: not is_held(supervisor_lock()))
    begun = time.monotonic()

    def beat() -> int | None:
        jobs.touch_app()
        return holder(supervisor_lock())

    second = wait_for(beat)
    assert second != first
    assert time.monotonic() - begun < 10
    found = [one for one in processes_of(jobs_home) if "supervisor" in " ".join(one.cmdline())]
    assert len([one for one in found if one.status() != psutil.STATUS_ZOMBIE]) == 1


def test_it_leaves_when_nobody_is_there_and_takes_its_standby_along(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_SUPERVISOR_IDLE_SECONDS", "1.5")
    process = start_supervisor(stay=False)
    wait_for(lambda: is_held(supervisor_lock()))
    begun = time.monotonic()
    while time.monotonic() - begun < 3:
        module.app_beat().touch()
        assert process.poll() is None
        time.sleep(0.1)
    process.wait(timeout=20)
    wait_for(lambda: not processes_of(jobs_home), 5)


def test_sigterm_ends_supervisor_and_standby_but_no_training(jobs_home: Path) -> None:
    run = queue_run("slow", epochs=1000)
    process = start_supervisor(rewarm=0.0)
    wait_for(lambda: current(run).step > 5)
    wait_for(lambda: len(processes_of(jobs_home)) == 3)
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert len(processes_of(jobs_home)) == 1
    step = current(run).step
    wait_for(lambda: current(run).step > step + 5)


def test_a_run_queued_as_the_supervisor_leaves_is_not_forgotten(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was idle for long; the run comes between its last look and its leaving."""
    monkeypatch.setenv("TRAINROOM_SUPERVISOR_IDLE_SECONDS", "0")
    looks: list[list[Run]] = []

    def look() -> None:
        looks.append(runs.queue())
        if len(looks) == 1:
            queue_run()
        elif len(looks) == 3:
            runs.move_run(1, RunStatus.STOPPED, when=[RunStatus.QUEUED])

    monkeypatch.setattr(supervisor, "look", look)
    assert supervisor.run()
    assert [len(queue) for queue in looks] == [0, 1, 1]
