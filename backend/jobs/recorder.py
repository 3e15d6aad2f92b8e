"""The worker's Monitor: takes values from the training loop and writes them to the database."""

import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping

import numpy as np

from backend.jobs.usage import UsageMeter
from backend.wording import duration
from storage import attempts, database, events, metrics, runs
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


class SupersededError(Exception):
    """Another attempt has taken the run over: this one must leave without writing anything."""


class Recorder:
    """Implements training's Monitor for one attempt; a daemon thread does all the writing.

    Training never waits for the database: while it is locked, values are kept and tried again.
    """

    def __init__(self, run: Run, token: str, device: str) -> None:
        self._run, self._token = run, token
        self._usage = UsageMeter(device)
        self._values: deque[tuple[int, float, Mapping[str, float], float]] = deque()
        self._events: deque[tuple[str, str]] = deque()
        # What a failed transaction left behind; only the thread touches these.
        self._points: dict[str, list[Point]] = {}
        self._summary: dict[str, float] = {}
        self._step, self._epoch, self._total_steps = run.step, run.epoch, run.total_steps
        self._best_step = run.best_step
        self._start_step: int | None = None
        self._announced = False
        self._flushed_at = self._used_at = -math.inf
        self._flush_ids: deque[int] = deque()
        self._merged = 0
        self._stop = self._superseded = False
        self._closing = threading.Event()
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

    def event(self, kind: str, message: str) -> None:
        """Add a sentence to the run's history."""
        self._events.append((kind, message))

    def before_save(self) -> None:
        """Raise SupersededError where another attempt has the run; asked of the database itself."""
        try:
            self._superseded |= not runs.holds_token(self._run.id, self._token)
        except Exception:  # a database that cannot be read now must not end the training
            traceback.print_exc(file=sys.stderr)
        if self._superseded:
            raise SupersededError

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

    def request_stop(self) -> None:
        """Let should_stop() be true from now on; safe in a signal handler."""
        self._stop = True

    def close(self, timeout: float = 600.0) -> None:
        """Write what is left, tried for timeout seconds while the database is locked."""
        self._closing.set()
        self._thread.join(timeout)

    @property
    def superseded(self) -> bool:
        return self._superseded

    # The thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        failing = False
        while not self._superseded:
            closing = self._closing.wait(LOOK_INTERVAL)
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
        if not self._announced and (self._start_step is not None or self._values):
            return True
        since = now - self._flushed_at
        waiting = bool(self._values or self._events or self._points)
        return since >= (FLUSH_INTERVAL if waiting else HEARTBEAT_INTERVAL)

    def _flush(self) -> None:
        self._collect()
        now = time.monotonic()
        if self._start_step is not None and now - self._used_at >= USAGE_INTERVAL:
            self._used_at = now
            self._keep(self._step, self._epoch, self._usage.read(), time.time())
        happened = list(self._events)
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
        self._flushed_at = time.monotonic()
        if status is None:
            self._superseded = True
            return
        self._stop = self._stop or status is RunStatus.STOPPING
        for _ in happened:
            self._events.popleft()
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
        device, start = self._run.device, self._start_step or 0
        if self._run.attempt <= 1:
            return f"Training on {device}."
        if start == 0:
            return f"Training on {device}, from the beginning: no saved model was there."
        lost = self._run.step - start
        if lost <= 0:
            return f"Going on from step {start:,} on {device}; nothing is repeated."
        known, _ = metrics.read_series(self._run.id, ["train/loss"], first_step=start)
        spent = float(np.ptp(known["train/loss"].times)) if "train/loss" in known else 0.0
        return (
            f"Going on from step {start:,} on {device}; {lost:,} steps "
            f"({duration(spent)} of work) are repeated."
        )

    def _collect(self) -> None:
        # Counted first: the loop goes on adding meanwhile.
        for _ in range(len(self._values)):
            step, epoch, values, moment = self._values.popleft()
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
