"""What the supervisor does afterwards: tells of ends, lets runs go on, sweeps up."""

import contextlib
import logging
import shutil
import threading
import time

from backend.errors import TrainroomError
from backend.jobs.liveness import is_held, system_start, written_start
from backend.jobs.processes import is_same_process
from backend.notifications import notify
from backend.preferences import load_preferences
from storage import attempts, database, events, files, preflights, runs
from storage.records import PreflightState, Reason, Run, RunStatus

log = logging.getLogger(__name__)

# Attempts in a row that got nowhere, after which a run is not taken up again by itself.
MOST_FRUITLESS = 3
TEMPORARY_FILE_SECONDS = 480.0


class Messenger:
    """Sends notifications in a thread of its own: a slow mail server delays no other look."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Tell of every end that nobody has been told of, unless that is being done."""
        if self._thread is not None and self._thread.is_alive():
            return
        untold = runs.list_untold()
        if untold:
            self._thread = threading.Thread(target=self._tell, args=(untold,), daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Let what is being sent be sent."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _tell(self, untold: list[Run]) -> None:
        try:
            preferences = load_preferences()
            for run in untold:
                # First, so that a message is never sent twice; a lost one is noted in the history.
                runs.mark_told(run.id)
                for problem in notify(run, preferences):
                    log.warning("run %d: %s", run.id, problem)
                    note(run, "warning", problem)
        except Exception:
            log.exception("telling of an end failed")


def note(run: Run, kind: str, words: str) -> None:
    """Add a sentence to a run's history."""
    with database.write() as session:
        events.add(session, run.id, run.attempt, kind, words)


def resume_if_wished(run_id: int) -> None:
    """Take up a run again that was lost with its computer, where the preferences say so."""
    run = runs.get_run(run_id)
    if run is not None and run.reason is Reason.HOST_LOST:
        _take_up(run)


def resume_after_restart(before: str) -> None:
    """Take up what a shut-down ended, which asks each training to end before the power goes.

    before: the system start in which the supervisor before this one began.
    """
    if not before or before == system_start():
        return
    for run in reversed(runs.list_runs([RunStatus.STOPPED])):
        began = written_start(files.run_lock(run.id, run.attempt))
        if run.reason is Reason.KILLED and began == before:
            _take_up(run)


def _take_up(run: Run) -> None:
    """Let a run go on where that is wished and can get somewhere."""
    if not load_preferences().resume_after_restart or _is_fruitless(run):
        return
    from backend.resuming import resume_run

    try:
        resume_run(run.id)
    except TrainroomError as error:
        log.warning("run %d does not go on by itself: %s", run.id, error)
        note(run, "warning", f"It did not go on by itself: {error}")


def _is_fruitless(run: Run) -> bool:
    """Whether the last attempts all began at the same step: something there ends them."""
    starts = [attempt.start_step for attempt in attempts.list_attempts(run.id)][-MOST_FRUITLESS:]
    return len(starts) == MOST_FRUITLESS and len(set(starts)) == 1


def bury_preflights(pid: int | None = None) -> bool:
    """Give pre-flights whose worker is gone their end; whether there were any.

    pid: only those of this process, which is known to be gone.
    """
    found = False
    for one in preflights.list_in_state(PreflightState.MEASURING):
        if one.pid != pid if pid is not None else _lives(one.pid, one.process_started):
            continue
        found |= preflights.fail(
            one.id,
            "The process that measured this was ended, most likely because the computer ran out "
            "of memory. Choose a smaller model or a smaller batch size.",
            Reason.KILLED,
        )
    return found


def _lives(pid: int | None, started: float | None) -> bool:
    return pid is not None and started is not None and is_same_process(pid, started)


def remove_old_temporary_files() -> None:
    """Delete what crashed imports left in the home's temporary folder."""
    folder = files.home() / "tmp"
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        # A large import can be busy for long without a file of its own growing.
        if any(is_held(lock) for lock in entry.glob("*.lock")):
            continue
        with contextlib.suppress(OSError):
            # A folder's own time does not change while a file in it grows.
            newest = max(
                path.stat().st_mtime for path in [entry, *entry.rglob("*")] if path.exists()
            )
            if time.time() - newest > TEMPORARY_FILE_SECONDS:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()
