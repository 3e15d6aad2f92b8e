"""Fixtures for process tests: a home whose processes are gone after the test, and what waits."""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import pytest

from backend.jobs.processes import ROOT
from storage import files, runs
from storage.records import Run


def processes_of(home: Path) -> list[psutil.Process]:
    """The living processes that were started for this home."""
    found = []
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TRAINROOM_HOME") == str(home):
                found.append(process)
    return found


def heed_ctrl_c() -> None:
    """For a child process: what runs in a shell's background ignores Ctrl-C, its children too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def jobs_home(home: Path) -> Iterator[Path]:
    """A home of which no process is left when the test ends."""
    yield home
    for _ in range(50):
        left = processes_of(home)
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1)
    raise AssertionError("processes of this test cannot be ended")


def wait_for(condition: Callable[[], Any], seconds: float = 60.0, every: float = 0.02) -> Any:
    """What the condition gives as soon as it is true; fails after so many seconds."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        found = condition()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"not reached within {seconds} s\n{_what_happened()}")


def _what_happened() -> str:
    """The runs as they are and the ends of all logs: what a failed test needs to be understood."""
    lines = [
        f"run {run.id}: {run.status}, step {run.step}, silent for "
        f"{time.time() - (run.heartbeat_at or 0):.1f} s, {run.message}"
        for run in runs.list_runs()
    ]
    for log in sorted([*files.logs_dir().glob("*"), *files.home().glob("runs/*/log.txt")]):
        lines += [f"--- {log.name}", log.read_text(errors="replace")[-1500:]]
    return "\n".join(lines)


def start_supervisor(**options: Any) -> Popen[bytes]:
    """The toy supervisor as a process, in a session of its own."""
    return Popen(
        [sys.executable, "-m", "tests.backend.jobs.toy_supervisor", json.dumps(options)],
        cwd=ROOT,
        start_new_session=True,
    )


def queue_run(model: str = "toy", **config: Any) -> Run:
    """A queued run of the toy task."""
    return runs.create_run(
        name="A run",
        task="toy",
        model=model,
        dataset_id="toy",
        dataset_name="toy",
        config={"epochs": 2, "batch_size": 8, "device": "cpu", **config},
    )


def status_of(run: Run) -> str:
    found = runs.get_run(run.id)
    assert found is not None
    return found.status
