"""The worker's Monitor: takes values from the training loop and writes them to the database."""

import contextlib
import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from backend import pins
from backend.errors import DataError
from backend.jobs.checkpoint_files import work_after
from backend.jobs.usage import UsageMeter
from backend.scores.results import TestResults, save_results
from backend.wording import device_words, spelt_out
from storage import attempts, database, events, metrics, runs, snapshots
from storage.metrics import Point
from storage.records import Run, RunStatus

# Seconds: how often the thread looks, the least time between two transactions, the longest.
LOOK_INTERVAL = 0.02
FLUSH_INTERVAL = 0.2
HEARTBEAT_INTERVAL = 0.5
USAGE_INTERVAL = 1.0
# A chunk per metric and flush: so many are merged into one, and so many of the newest are left
# alone, because the browsers that follow the run are still reading them.
FLUSHES_PER_MERGE = 64
FLUSHES_LEFT_ALONE = 32
# Waits between tries while the database cannot be written.
RETRY_INTERVAL = 1.0
# So long a checkpoint waits for the values before it to be written.
SAVE_PATIENCE = 60.0


class SupersededError(Exception):
    """Another attempt has taken the run over: this one must leave without writing anything."""


class Recorder:
    """Implements training's Monitor for one attempt; a daemon thread does all the writing.

    No step waits for the database: while it is locked, values are kept and tried again. Only a
    checkpoint does, so that none is ahead of the values that a resumed run will not log again.
    """

    def __init__(self, run: Run, token: str, device: str) -> None:
        self._run, self._token = run, token
        self._usage = UsageMeter(device)
        self._values: deque[tuple[int, float, Mapping[str, float], float]] = deque()
        self._events: deque[tuple[str, str]] = deque()
        self._snapshots: deque[tuple[int, float, Mapping[str, Any]]] = deque()
        # What a failed transaction left behind; only the thread touches these.
        self._points: dict[str, list[Point]] = {}
        self._summary: dict[str, float] = {}
        self._step, self._epoch, self._total_steps = run.step, run.epoch, run.total_steps
        self._best_step = run.best_step
        self._start_step: int | None = None
        self._announced = False
        self._flushed_at = self._used_at = -math.inf
        self._logged = self._collected = self._written = 0
        self._hurry = False
        self._progress = threading.Condition()
        self._flush_ids: deque[int] = deque()
        self._merged = 0
        self._stop = self._superseded = False
        self._check_data: Callable[[], None] = lambda: None
        self._closing, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    # Called by the training loop -------------------------------------------------------------

    def begin(self, total_steps: int, start_step: int) -> None:
        """The run's length and the step it goes on from; the run counts as running from here."""
        self._total_steps, self._step = total_steps, start_step
        if start_step == 0:
            self._best_step = None
        self._start_step = start_step

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        """Keep values for the next transaction; the mapping must not be changed afterwards."""
        self._values.append((step, epoch, values, time.time()))
        self._logged += 1

    def event(self, kind: str, message: str) -> None:
        """Add a sentence to the run's history."""
        self._events.append((kind, message))

    def snapshot(self, step: int, epoch: float, content: Mapping[str, Any]) -> None:
        """Keep what an evaluation shows for the next transaction."""
        self._snapshots.append((step, epoch, content))
        self._logged += 1

    def pinned(self) -> list[tuple[int, Any]]:
        """The examples that are pinned to the run by now; none where they cannot be read."""
        found = []
        try:
            for pin in pins.list_pins(self._run.id):
                with contextlib.suppress(DataError):
                    found.append((pin.id, pins.read_value(pin)))
        except Exception:  # a database that cannot be read now must not end the training
            traceback.print_exc(file=sys.stderr)
        return found

    def tested(self, results: TestResults) -> None:
        """Write what the test gave; raise SupersededError where another attempt has the run."""
        self.before_save()
        save_results(self._run.id, results)

    def before_save(self) -> None:
        """Have all values written; raise SupersededError where another attempt has the run.

        And whatever watch_data was given to raise: nothing is kept of steps on changed data.
        """
        with self._progress:
            self._hurry = True
            self._wake.set()
            self._progress.wait_for(
                lambda: self._written >= self._logged or self._superseded, SAVE_PATIENCE
            )
            self._hurry = False
        try:
            self._superseded |= not runs.holds_token(self._run.id, self._token)
        except Exception:  # a database that cannot be read now must not end the training
            traceback.print_exc(file=sys.stderr)
        if self._superseded:
            raise SupersededError
        self._check_data()

    def saved(self, step: int, is_best: bool) -> None:
        """A checkpoint of this step is safe on disk."""
        if is_best:
            self._best_step = step

    def should_stop(self) -> bool:
        """Whether to save and leave; raises SupersededError where not even that is allowed."""
        if self._superseded:
            raise SupersededError
        return self._stop

    # Called by the worker --------------------------------------------------------------------

    def watch_data(self, check: Callable[[], None]) -> None:
        """Have this called before each save; it raises where the data are no longer the same."""
        self._check_data = check

    def request_stop(self) -> None:
        """Let should_stop() be true from now on; safe in a signal handler."""
        self._stop = True

    def close(self, timeout: float = 600.0) -> None:
        """Write what is left, tried for timeout seconds while the database is locked."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout)

    @property
    def superseded(self) -> bool:
        return self._superseded

    # The thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        failing = False
        while not self._superseded:
            self._wake.wait(LOOK_INTERVAL)
            self._wake.clear()
            closing = self._closing.is_set()
            try:
                if closing or self._is_due():
                    self._flush()
                failing = False
                if closing:
                    return
            except Exception:
                # A locked database, a full disk: training goes on, the values are kept.
                if not failing:
                    traceback.print_exc(file=sys.stderr)
                failing = True
                time.sleep(RETRY_INTERVAL)

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._hurry or (not self._announced and (self._start_step is not None or self._values)):
            return True
        since = now - self._flushed_at
        waiting = bool(self._values or self._events or self._points or self._snapshots)
        return since >= (FLUSH_INTERVAL if waiting else HEARTBEAT_INTERVAL)

    def _flush(self) -> None:
        self._collect()
        now = time.monotonic()
        if self._start_step is not None and now - self._used_at >= USAGE_INTERVAL:
            self._used_at = now
            self._keep(self._step, self._epoch, self._usage.read(), time.time())
        happened, shown = list(self._events), list(self._snapshots)
        run_id, number = self._run.id, self._run.attempt
        if self._start_step is not None and not self._announced:
            self._announce()
        with database.write() as session:
            status = runs.record_progress(
                session,
                run_id,
                self._token,
                step=self._step,
                total_steps=self._total_steps,
                epoch=self._epoch,
                metrics=self._summary,
                best_step=self._best_step,
            )
            if status is not None:
                last = metrics.append_points(session, run_id, number, self._points)
                for kind, message in happened:
                    events.add(session, run_id, number, kind, message)
                for step, epoch, content in shown:
                    kind = str(content["kind"])
                    snapshots.add(
                        session, run_id, number, step=step, epoch=epoch, kind=kind, content=content
                    )
        self._flushed_at = time.monotonic()
        with self._progress:
            self._superseded = self._superseded or status is None
            self._collected += len(shown)
            self._written = self._collected
            self._progress.notify_all()
        if status is None:
            return
        self._stop = self._stop or status is RunStatus.STOPPING
        for _ in happened:
            self._events.popleft()
        for _ in shown:
            self._snapshots.popleft()
        self._points, self._summary = {}, {}
        if last:
            self._flush_ids.append(last)
        if len(self._flush_ids) >= FLUSHES_PER_MERGE + FLUSHES_LEFT_ALONE:
            self._merge()

    def _announce(self) -> None:
        """Note where the attempt goes on from; the run is running now."""
        with database.write() as session:
            attempts.set_start_step(session, self._run.id, self._run.attempt, self._start_step or 0)
        runs.move_run(
            self._run.id,
            RunStatus.RUNNING,
            when=[RunStatus.STARTING],
            token=self._token,
            message=self._beginning(),
        )
        self._announced = True

    def _beginning(self) -> str:
        """This attempt's start in words; for a resumed one also how much is repeated."""
        where, start = device_words(self._run.device), self._start_step or 0
        if self._run.attempt <= 1:
            return f"Training on {where}."
        if start == 0:
            return f"Training on {where}, from the beginning: no saved model was there."
        if self._run.step <= start:
            return f"Going on from step {start:,} on {where}. Nothing is repeated."
        spent = spelt_out(work_after(self._run.id, start))
        return f"Going on from step {start:,} on {where}, repeating {spent} of work."

    def _collect(self) -> None:
        # Counted first: the loop goes on adding meanwhile.
        for _ in range(len(self._values)):
            step, epoch, values, moment = self._values.popleft()
            self._collected += 1
            self._keep(step, epoch, values, moment)
            self._step, self._epoch = step, epoch

    def _keep(self, step: int, epoch: float, values: Mapping[str, float], moment: float) -> None:
        """Sort values by metric; the newest finite one of each is its summary."""
        for name, value in values.items():
            self._points.setdefault(name, []).append((step, value, epoch, moment))
            # JSON knows no NaN; the curve keeps it.
            if math.isfinite(value):
                self._summary[name] = value

    def _merge(self) -> None:
        upto = self._flush_ids[FLUSHES_PER_MERGE - 1]
        with database.write() as session:
            self._merged = metrics.compact(
                session, self._run.id, self._run.attempt, self._merged, upto
            )
        for _ in range(FLUSHES_PER_MERGE):
            self._flush_ids.popleft()
