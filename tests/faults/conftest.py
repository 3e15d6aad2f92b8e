"""Fixtures and short questions of the fault tests: a home without leftovers, where a run is."""

import os
import subprocess
import sys
from pathlib import Path

from backend.jobs.liveness import is_held
from backend.jobs.processes import ROOT
from backend.jobs.supervisor import supervisor_lock
from storage import attempts, runs
from storage.records import Run
from tests.backend.jobs.conftest import jobs_home, wait_for

__all__ = [
    "bound",
    "current",
    "jobs_home",
    "pid_of",
    "start_usual_supervisor",
    "step_of",
    "wait_for_step",
]


def current(run: Run) -> Run:
    """The run as it is now."""
    found = runs.get_run(run.id)
    assert found is not None
    return found


def step_of(run: Run) -> int:
    return current(run).step


def pid_of(run: Run) -> int:
    """The process that trains the run."""
    return attempts.list_attempts(run.id)[-1].pid


def bound(goal: float) -> float:
    """Seconds that a goal allows; four times as many where others keep the machine more than busy.

    What is timed shares its cores with them, and half a second may then be two.
    """
    return goal if os.getloadavg()[0] < 2 * (os.cpu_count() or 1) else 4 * goal


def wait_for_step(run: Run, step: int, seconds: float = 60.0) -> None:
    """Until the database knows of this step."""
    wait_for(lambda: step_of(run) >= step, seconds, every=0.005)


USUAL_PACE = """
import sys
from backend.jobs.processes import module_command
from backend.jobs.supervisor import Supervisor, open_log

open_log()
worker = module_command(*sys.argv[1:])
Supervisor(worker=worker, stay=True, prepare=False).run()
"""


def start_usual_supervisor(*worker: str, group: Path | None = None) -> subprocess.Popen[bytes]:
    """The real supervisor at its real pace; worker: the training process's module and arguments.

    group: the folder of a control group for it and all that it starts.
    """

    def join() -> None:
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    process = subprocess.Popen(
        [sys.executable, "-c", USUAL_PACE, *worker],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=join if group is not None else None,
    )
    # Whoever starts a run would otherwise start a supervisor of its own, with another worker.
    wait_for(lambda: is_held(supervisor_lock()), 60)
    return process
