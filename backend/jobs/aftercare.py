"""What the supervisor does afterwards: tells of ends, lets runs go on, sweeps up."""

import contextlib
import logging
import shutil
import threading
import time

from backend.errors import TrainroomError
from backend.notifications import notify
from backend.preferences import load_preferences
from storage import attempts, database, events, files, runs
from storage.records import Reason, Run

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
                    with database.write() as session:
                        events.add(session, run.id, run.attempt, "warning", problem)
        except Exception:
            log.exception("telling of an end failed")


def resume_if_wished(run_id: int) -> bool:
    """Take an interrupted run up again where the preferences say so and it can get somewhere."""
    run = runs.get_run(run_id)
    if run is None or run.reason is not Reason.HOST_LOST:
        return False
    if not load_preferences().resume_after_restart or _is_fruitless(run):
        return False
    from backend.resuming import resume_run

    try:
        resume_run(run_id)
    except TrainroomError as error:
        log.warning("run %d does not go on by itself: %s", run_id, error)
        return False
    return True


def _is_fruitless(run: Run) -> bool:
    """Whether the last attempts all began at the same step: something there ends them."""
    starts = [attempt.start_step for attempt in attempts.list_attempts(run.id)][-MOST_FRUITLESS:]
    return len(starts) == MOST_FRUITLESS and len(set(starts)) == 1


def remove_old_temporary_files() -> None:
    """Delete what crashed imports left in the home's temporary folder."""
    folder = files.home() / "tmp"
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
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
