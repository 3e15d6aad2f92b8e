"""An attempt's process, seen from outside: whether it lives, and ending what it left behind."""

import contextlib

import psutil

from backend.jobs.liveness import is_held
from backend.jobs.processes import end_group, group_members, is_same_process
from storage import files
from storage.records import Attempt


def is_alive(attempt: Attempt) -> bool:
    """By its lock; in the moment between claim and lock, or without its folder, by its process."""
    return is_held(files.run_lock(attempt.run_id, attempt.number)) or is_same_process(
        attempt.pid, attempt.process_started
    )


def is_worker(attempt: Attempt) -> bool:
    """Whether the process of that number is the attempt's own and may be sent signals."""
    if is_same_process(attempt.pid, attempt.process_started):
        return True
    # A changed clock shifts start times; the lock still proves that its owner lives.
    if not is_held(files.run_lock(attempt.run_id, attempt.number)):
        return False
    with contextlib.suppress(psutil.Error):
        return "worker" in " ".join(psutil.Process(attempt.pid).cmdline())
    return False


def end_group_of_dead(attempt: Attempt) -> None:
    """End what a dead worker's group left behind, such as its data loaders."""
    if psutil.pid_exists(attempt.pid) and not is_same_process(attempt.pid, attempt.process_started):
        # The number is a zombie's or somebody else's by now; a zombie's group is still its own.
        with contextlib.suppress(psutil.Error):
            if psutil.Process(attempt.pid).status() != psutil.STATUS_ZOMBIE:
                return
    if group_members(attempt.pid):
        end_group(attempt.pid, force=True)
