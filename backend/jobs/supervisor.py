"""Watches over a home's runs: keeps a worker warm, buries the dead, ends what does not stop.

One per home, elected by a file lock; started by backend.jobs. It holds nothing that matters: a
new one takes over where the old one was killed, and the trainings go on meanwhile.
"""

import contextlib
import logging
import logging.handlers
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backend.jobs import slots
from backend.jobs.aftercare import (
    Messenger,
    bury_preflights,
    note,
    remove_old_temporary_files,
    resume_after_restart,
    resume_if_wished,
)
from backend.jobs.attempt_processes import end_group_of_dead, is_alive, is_worker
from backend.jobs.burial import verdict, what_is_saved
from backend.jobs.card_memory import CardWatch
from backend.jobs.checkpoint_files import remove_halves
from backend.jobs.liveness import ProcessLock, written_start
from backend.jobs.memory_kills import MemoryKills
from backend.jobs.processes import (
    START_TOLERANCE,
    end_group,
    module_command,
    start_detached,
    started_at,
)
from backend.settings import STANDBY_WORKER, SUPERVISOR_IDLE_SECONDS
from storage import attempts, database, files, preflights, runs
from storage.records import ACTIVE, Attempt, Reason, Run, RunStatus

log = logging.getLogger(__name__)

LOG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that the supervisor's decisions take; tests shorten them."""

    look: float = 0.5
    rewarm: float = 10.0
    terminate: float = 10.0
    kill: float = 15.0
    card: float = 15.0
    other_host: float = 60.0
    clean: float = 100.0


@dataclass(slots=True)
class Child:
    """A worker that this supervisor started."""

    process: subprocess.Popen[bytes]
    started: float
    claimed: bool = False


def supervisor_lock() -> Path:
    return files.locks_dir() / "supervisor.lock"


def app_beat() -> Path:
    """The file that a living app touches every few seconds."""
    return files.locks_dir() / "app.beat"


class Supervisor:
    """The loop; `run` returns when there is nothing left to look after, or at SIGTERM."""

    def __init__(
        self,
        *,
        worker: Sequence[str] | None = None,
        pace: Pace | None = None,
        stay: bool = False,
        prepare: bool = True,
    ) -> None:
        """worker: command line of the training process. stay: never end for lack of work."""
        self._command = list(worker or module_command("backend.jobs.worker"))
        self._pace, self._stay, self._prepare = pace or Pace(), stay, prepare
        self._lock = ProcessLock(supervisor_lock())
        self._children: list[Child] = []
        self._host = socket.gethostname()
        self._quit = False
        now = time.monotonic()
        self._busy_at, self._beat, self._cleaned_at = now, 0.0, -self._pace.clean
        self._claim_seen_at = -self._pace.rewarm
        self._stopping_since: dict[int, float] = {}
        self._heard: dict[int, tuple[float | None, float]] = {}
        self._failures, self._retry_at = 0, 0.0
        self._memory_kills, self._cards = MemoryKills(), CardWatch(self._pace.card)
        self._began_before = ""  # the system start of the supervisor before this one
        self._messenger = Messenger()

    def run(self) -> bool:
        """Look after the home; False where another supervisor does so already."""
        self._began_before = written_start(supervisor_lock())
        if not self._lock.acquire():
            return False
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGTERM, self._on_terminate)
        log.info("supervisor %d looks after %s", os.getpid(), files.home())
        try:
            database.migrate()
            if self._prepare:
                self._start_preparation()
            while not self._quit:
                self._look_safely()
                if self._is_idle():
                    # Whoever queued a run before this saw the lock held and relies on us.
                    self._lock.release()
                    if not self._work_left() or not self._lock.acquire():
                        break
                time.sleep(self._pace.look)
        finally:
            self.dismiss_standby()
            self._messenger.wait(20.0)
            self._lock.release()
            log.info("supervisor %d leaves", os.getpid())
        return True

    def _on_terminate(self, *_: object) -> None:
        self._quit = True

    def _start_preparation(self) -> None:
        """Do what first trainings would wait for, beside us and behind everybody else."""
        start_detached(
            module_command("backend", "prepare", "--all"), files.logs_dir() / "prepare.log", nice=10
        )

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception:
            # A locked database or a full disk now; the next look is half a second away.
            log.exception("a look failed")

    def look(self) -> None:
        """One round of everything."""
        self._reap()
        bury_preflights()
        active = runs.list_runs(ACTIVE)
        queue = runs.queue()
        for run in active:
            self._check(run)
        self._memory_kills.look()
        resume_after_restart(self._began_before)
        self._began_before = ""
        self._escalate([run for run in active if run.status is RunStatus.STOPPING])
        measuring = preflights.in_work()
        self._provide_workers(active, queue, measuring)
        if active or measuring or any(not run.held for run in queue):
            self._busy_at = time.monotonic()
        self._messenger.look()
        if time.monotonic() - self._cleaned_at > self._pace.clean:
            self._cleaned_at = time.monotonic()
            remove_old_temporary_files()
            preflights.tidy()

    # Who lives ------------------------------------------------------------------------------

    def _check(self, run: Run) -> None:
        """Give a run whose process is gone its end state."""
        attempt = attempts.get_attempt(run.id, run.attempt)
        if attempt is None:
            return
        if attempt.host != self._host:
            self._check_other_host(run)
        elif not is_alive(attempt):
            end_group_of_dead(attempt)
            self._bury(run, attempt)

    def _check_other_host(self, run: Run) -> None:
        """Another computer's run lives as long as its heartbeat changes, timed by our clock."""
        beat, since = self._heard.get(run.id, (None, 0.0))
        now = time.monotonic()
        if beat is None or beat != run.heartbeat_at:
            self._heard[run.id] = (run.heartbeat_at or 0.0, now)
        elif now - since > self._pace.other_host:
            message = (
                f"Nothing was heard of the computer that trained this for "
                f"{self._pace.other_host:.0f} seconds. {what_is_saved(run)}"
            )
            self._move(run, RunStatus.LOST, Reason.HOST_LOST, message)

    def _bury(self, run: Run, attempt: Attempt) -> None:
        """Give a dead process's run its end, once the graphics card is seen to be free of it."""
        freed = self._cards.release(attempt)
        if freed is None:
            return
        remove_halves(run.id)
        if freed:
            note(run, "card_memory", freed)
        end = verdict(run, attempt, for_memory=self._memory_kills.happened())
        self._move(run, *end)

    def _move(self, run: Run, to: RunStatus, reason: Reason, message: str) -> None:
        if runs.move_run(run.id, to, when=[run.status], reason=reason, message=message):
            log.info("run %d: %s, %s", run.id, to.value, message)
            resume_if_wished(run.id)

    def _escalate(self, stopping: list[Run]) -> None:
        """What does not stop within its time is asked louder, then ended."""
        now = time.monotonic()
        self._stopping_since = {run.id: self._stopping_since.get(run.id, now) for run in stopping}
        for run in stopping:
            waited = now - self._stopping_since[run.id]
            attempt = attempts.get_attempt(run.id, run.attempt)
            if waited < self._pace.terminate or attempt is None or attempt.host != self._host:
                continue
            if not is_worker(attempt):
                continue
            force = waited >= self._pace.kill
            log.info("run %d does not stop: %s", run.id, "SIGKILL" if force else "SIGTERM")
            end_group(attempt.pid, force=force)

    # Workers --------------------------------------------------------------------------------

    def _reap(self) -> None:
        """Take leave of children that have ended, and of what they left behind."""
        waiting = [child for child in self._children if not child.claimed]
        claims = attempts.claims_of([child.process.pid for child in waiting])
        for child in waiting:
            # A process number alone may be an old attempt's, long ended.
            if any(
                pid == child.process.pid and abs(started - child.started) < START_TOLERANCE
                for pid, started in claims
            ):
                child.claimed = True
                self._failures, self._claim_seen_at = 0, time.monotonic()
        for child in list(self._children):
            status = child.process.poll()
            if status is None:
                continue
            self._children.remove(child)
            if bury_preflights(child.process.pid):
                continue  # it came up well: what it measured was too much for it
            if not child.claimed and status != 0 and not self._quit:
                self._failures += 1
                self._retry_at = time.monotonic() + min(60.0, 2.0**self._failures)
                log.warning("a worker ended with status %s before it had a run", status)

    def _standby(self) -> list[Child]:
        return [child for child in self._children if not child.claimed]

    def _provide_workers(
        self, active: list[Run], queue: list[Run], measuring: bool = False
    ) -> None:
        """Start as many workers as there are runs that could start, and one to stay warm.

        measuring: a pre-flight needs one too.
        """
        wanted = _startable(queue, active)
        keep_warm = STANDBY_WORKER.value() >= 1 or measuring
        rested = time.monotonic() - self._claim_seen_at >= self._pace.rewarm
        if keep_warm and wanted == 0 and (rested or not active):
            wanted = 1
        standby = self._standby()
        if not keep_warm and wanted == 0:
            self._dismiss(standby)
            return
        if self._failures >= 3 and queue:
            self._give_up(queue[0])
        if time.monotonic() < self._retry_at:
            return
        for _ in range(wanted - len(standby)):
            process = start_detached(self._command, files.logs_dir() / "worker.log")
            self._children.append(Child(process, started_at(process.pid)))
            log.info("started worker %d", process.pid)

    def _give_up(self, run: Run) -> None:
        """No worker comes up: better a failed run with a sentence than one that waits for ever."""
        self._failures = 0
        lines = (files.logs_dir() / "worker.log").read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
        self._move(
            run,
            RunStatus.FAILED,
            Reason.BUG,
            f"The training process could not be started. Its last words: {last[:300]}",
        )

    def _dismiss(self, children: list[Child]) -> None:
        for child in children:
            end_group(child.process.pid, force=False)
        for child in children:
            try:
                child.process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                end_group(child.process.pid, force=True)
                child.process.wait(timeout=3)
            self._children.remove(child)

    def worker_pids(self) -> list[int]:
        """The processes that this supervisor has started and that have not ended."""
        return [child.process.pid for child in self._children]

    def dismiss_standby(self) -> None:
        """End the workers that have no run."""
        self._dismiss(self._standby())

    # When to leave --------------------------------------------------------------------------

    def _is_idle(self) -> bool:
        now = time.monotonic()
        with contextlib.suppress(OSError):
            beat = app_beat().stat().st_mtime
            if beat != self._beat:
                self._beat, self._busy_at = beat, now
        return not self._stay and now - self._busy_at > SUPERVISOR_IDLE_SECONDS.value()

    def _work_left(self) -> bool:
        return bool(runs.list_runs(ACTIVE, limit=1)) or any(not run.held for run in runs.queue())


def _startable(queue: list[Run], active: list[Run]) -> int:
    """How many queued runs would find a device now."""
    devices = slots.known_devices()
    if not devices:
        return min(1, sum(not run.held for run in queue))
    room, taken, count = slots.slots_of(devices), list(active), 0
    for run in queue:
        if run.held:
            continue
        device = slots.choose_device(run, taken, room)
        if device is not None:
            count += 1
            taken.append(replace(run, device=device))
    return count


def open_log(*, foreground: bool = False) -> None:
    """Send the supervisor's log to its file, and to the terminal where there is one."""
    path = files.logs_dir() / "supervisor.log"
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    ]
    if foreground:
        handlers.append(logging.StreamHandler(sys.stderr))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers
    )


if __name__ == "__main__":
    open_log()
    Supervisor().run()
