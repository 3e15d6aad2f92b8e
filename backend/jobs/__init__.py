"""Who trains what, where, and whether it lives: the door for the app and the command line."""

import subprocess
import threading
import time
from pathlib import Path

from storage import files

# A new supervisor needs about a second until it holds its lock: so long nobody starts another.
START_SECONDS = 5.0

_guard = threading.Lock()
# By home: the supervisors that this process has started, and when the last one was.
_started: dict[Path, list[subprocess.Popen[bytes]]] = {}
_started_at: dict[Path, float] = {}


def ensure_supervisor() -> None:
    """Start a supervisor for this home if there is none; returns at once, cheap if there is."""
    from backend.jobs.liveness import is_held
    from backend.jobs.supervisor import supervisor_lock

    home, now = files.home(), time.monotonic()
    with _guard:
        # poll() also takes leave of those that have ended: no zombies in a long-lived server.
        living = [process for process in _started.get(home, []) if process.poll() is None]
        _started[home] = living
        if is_held(supervisor_lock()):
            return
        if living and now - _started_at[home] < START_SECONDS:
            return
        from backend.jobs.processes import module_command, start_detached

        command = module_command("backend.jobs.supervisor")
        living.append(start_detached(command, files.logs_dir() / "supervisor.out"))
        _started_at[home] = now


def touch_app() -> None:
    """Tell the supervisor that somebody is still there, and bring it back if it died.

    To be called every few seconds for as long as the app runs or somebody waits for a run.
    """
    from backend.jobs.supervisor import app_beat

    app_beat().touch()
    ensure_supervisor()


def supervise() -> None:
    """Be the supervisor in the foreground until SIGTERM or Ctrl-C; waits while there is another."""
    from backend.jobs.supervisor import Supervisor, open_log

    open_log(foreground=True)
    while not Supervisor(stay=True).run():
        time.sleep(1.0)
