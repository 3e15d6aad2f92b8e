"""The real supervisor whose toy workers are forked from it, warm: for tests that kill many of them.

A worker of its own process start would spend seconds on importing torch. All else is as usual: a
process, session and group of its own, the real claim, locks, loop and recorder.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from backend import datasets
from backend.jobs import supervisor
from backend.jobs.supervisor import Pace, Supervisor, open_log
from backend.jobs.worker import Worker, run_process
from tests.backend.jobs.toy_worker import fit
from tests.backend.training.toy import DATASET


class Forked:
    """What the supervisor wants to know of a child, as subprocess.Popen tells it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float) -> None:
        give_up = time.monotonic() + timeout
        while self.poll() is None and time.monotonic() < give_up:
            time.sleep(0.01)


def fork_worker(_command: Sequence[str], log: Path, *, nice: int = 0) -> Forked:
    pid = os.fork()
    if pid:
        return Forked(pid)
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    run_process(Worker(fit))
    raise AssertionError("run_process does not return")


if __name__ == "__main__":
    datasets.get_dataset = lambda *_: DATASET
    supervisor.start_detached = fork_worker  # type: ignore[assignment, attr-defined]
    open_log()
    Supervisor(pace=Pace(look=0.1, rewarm=0.0), stay=True, prepare=False).run()
