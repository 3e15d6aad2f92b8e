"""The lock that says who lives: across processes, forks, kills and stops."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.jobs.liveness import ProcessLock, holder, is_held
from backend.jobs.processes import ROOT

HOLD = """
import sys, time, os
from pathlib import Path
from backend.jobs.liveness import ProcessLock
assert ProcessLock(Path(sys.argv[1])).acquire()
if len(sys.argv) > 2:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
print("held", flush=True)
time.sleep(60)
"""


def start_holder(path: Path, *arguments: str) -> tuple[subprocess.Popen[str], list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1] == "held":
            break
    return process, lines


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "some" / "a.lock"
    assert not is_held(path)
    assert not path.exists()
    first, second = ProcessLock(path), ProcessLock(path)
    assert first.acquire()
    assert is_held(path)
    assert holder(path) == os.getpid()
    assert not second.acquire(timeout=0.05)
    first.release()
    assert not is_held(path)
    assert holder(path) is None
    assert second.acquire()
    second.release()
    second.release()


def test_probes_do_not_disturb_each_other_or_the_owner_to_be(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    probing = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from backend.jobs.liveness import is_held\n"
            "print('go', flush=True)\n"
            "while True: assert not is_held(Path(sys.argv[1]))",
            str(path),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert probing.stdout is not None
        probing.stdout.readline()
        assert not any(is_held(path) for _ in range(2000))
        lock = ProcessLock(path)
        assert lock.acquire(timeout=5)
        lock.release()
    finally:
        probing.kill()
        probing.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_death_frees_the_lock_at_once_even_as_a_zombie(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.lock"
    process, _ = start_holder(path)
    assert is_held(path)
    os.kill(process.pid, number)
    # Not yet reaped: its number still exists.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    os.kill(process.pid, 0)
    assert not is_held(path)
    process.wait()


def test_a_stopped_process_holds_on(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    process, _ = start_holder(path)
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    assert is_held(path)
    process.kill()
    process.wait()


def test_a_forked_child_does_not_keep_its_dead_parents_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    process, lines = start_holder(path, "fork")
    child = int(lines[0])
    process.kill()
    process.wait()
    os.kill(child, 0)
    # The child lets go as soon as it runs for the first time, which a busy machine may put off.
    deadline = time.monotonic() + 10
    while is_held(path):
        assert time.monotonic() < deadline, "the child keeps its dead parent's lock"
    os.kill(child, signal.SIGKILL)
