"""Pre-flights in the standby worker: claim one, measure it, give way the moment a run waits."""

import _thread
import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from backend import datasets
from backend.errors import MemoryFullError, TrainroomError, explain
from backend.jobs.gauge import ProcessGauge
from backend.jobs.machine import free_memory_mb
from backend.jobs.usage import MEGABYTE
from backend.models.weights import without_downloads
from backend.tasks import get_task
from backend.training.config import config_from
from storage import files, preflights
from storage.records import Preflight, Reason

log = logging.getLogger(__name__)

LONGEST_SECONDS = 150.0
"""A pre-flight that takes longer is given up: the answer is that the run takes long."""
LOOK_INTERVAL = 0.05
ABANDONED_INTERVAL = 3.0
# Asked again where the first time was swallowed, such as in a destructor.
AGAIN_SECONDS = 1.0
KEPT_MB = 300.0
"""A worker that holds on to more than this after a pre-flight makes room for a fresh one."""
# Weights, gradients and two moments, four bytes each: less than this is impossible.
BYTES_PER_PARAMETER = 16

Probe = Callable[..., Any]


class InterruptedByOthers(BaseException):
    """Raised in the main thread; not an Exception, so that no library takes it for its own."""


class Measurer:
    """Measures pre-flights between a worker's looks at the queue."""

    def __init__(
        self, *, started: float, reason_to_leave: Callable[[], str | None], probe: Probe
    ) -> None:
        """reason_to_leave: asked by a thread of its own; a word as soon as the worker is needed."""
        self._started, self._reason_to_leave, self._probe = started, reason_to_leave, probe
        self._resting_mb = psutil.Process().memory_info().rss / MEGABYTE

    def measure(self, wish: Preflight, device: str, small_network_threads: int) -> bool:
        """Measure a waiting pre-flight; False where this worker should not go on afterwards."""
        if not preflights.claim(wish.id, pid=os.getpid(), process_started=self._started):
            return True
        begun, folder = time.monotonic(), files.temporary_dir()
        end: Callable[[], bool]
        try:
            with _first_to_go(), self._interruptible(wish):
                result = self._result(wish, device, folder, small_network_threads)
            end, sound = partial(preflights.finish, wish.id, result), True
        except InterruptedByOthers as interruption:
            end, sound = self._interrupted(wish, str(interruption)), True
        except BaseException as error:  # whatever it is, the worker lives on and the user is told
            if not isinstance(error, TrainroomError):
                traceback.print_exc()
            reason = explain(error)[0]
            end = partial(preflights.fail, wish.id, _sentence(error), reason)
            sound = isinstance(error, TrainroomError) and reason is not Reason.OOM_GPU
        # Before it is told: whoever reads the answer finds the worker at rest.
        files.remove_folder(folder)
        left_mb = _give_back() - self._resting_mb
        end()
        log.info(
            "pre-flight %d took %.1f s and left %.0f MB", wish.id, time.monotonic() - begun, left_mb
        )
        return sound and left_mb < KEPT_MB

    def _result(
        self, wish: Preflight, device: str, folder: Path, small_network_threads: int
    ) -> dict[str, Any]:
        task = get_task(wish.task)
        spec = task.get_model(wish.model)
        _check_memory(spec.parameters)
        with ProcessGauge(device) as gauge, without_downloads():
            found = self._probe(
                task,
                spec,
                datasets.get_dataset(wish.dataset_id),
                config_from(task.config, wish.config),
                device=device,
                folder=folder,
                gauge=gauge,
                small_network_threads=small_network_threads,
            )
        return found.as_json()

    def _interrupted(self, wish: Preflight, reason: str) -> Callable[[], bool]:
        if reason == "time":
            return partial(
                preflights.fail,
                wish.id,
                f"A few steps alone took longer than {LONGEST_SECONDS:.0f} seconds, so measuring "
                "was given up. The run will take very long, unless other programs keep the "
                "computer busy just now; a smaller model or less data takes less.",
                Reason.TIMEOUT,
            )
        return partial(preflights.put_back, wish.id)

    @contextmanager
    def _interruptible(self, wish: Preflight) -> Iterator[None]:
        """Within this block the main thread can be interrupted from the watching one."""
        number = getattr(signal, "SIGUSR1", signal.SIGINT)
        measuring, done, reason = True, threading.Event(), ""

        def interrupt(*_: object) -> None:
            if measuring:
                raise InterruptedByOthers(reason)

        def watch() -> None:
            nonlocal reason
            deadline, wanted_at = time.monotonic() + LONGEST_SECONDS, time.monotonic()
            while not done.wait(LOOK_INTERVAL):
                now = time.monotonic()
                found = self._reason_to_leave()
                if found is None and now > deadline:
                    found = "time"
                if found is None and now - wanted_at > ABANDONED_INTERVAL:
                    wanted_at, found = now, _abandoned(wish)
                if found is not None:
                    reason = found
                    _signal_main_thread(number)
                    done.wait(AGAIN_SECONDS)

        before = signal.signal(number, interrupt)
        thread = threading.Thread(target=_quietly(watch), name="watch", daemon=True)
        thread.start()
        try:
            try:
                yield
            finally:
                measuring = False
        finally:  # once more: the line above may be the one that is interrupted
            measuring = False
            done.set()
            thread.join()
            signal.signal(number, before)


def _quietly(action: Callable[[], None]) -> Callable[[], None]:
    """A watcher that cannot read the database now leaves; the pre-flight is short anyway."""

    def act() -> None:
        try:
            action()
        except Exception:
            log.exception("watching a pre-flight failed")

    return act


def _signal_main_thread(number: signal.Signals) -> None:
    ident = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and ident is not None:
        signal.pthread_kill(ident, number)  # also wakes it from waiting for a lock
    else:
        _thread.interrupt_main(number)


def _abandoned(wish: Preflight) -> str | None:
    known = preflights.get(wish.key)
    if known is None or time.time() - known.asked_at > preflights.FRESH_SECONDS:
        return "abandoned"
    return None


def _check_memory(parameters: int) -> None:
    """Refuse what cannot fit, before it takes the machine's last memory."""
    needed, free = parameters * BYTES_PER_PARAMETER / MEGABYTE, free_memory_mb()
    if needed > free:
        raise MemoryFullError(
            f"This model needs at least {needed / 1024:.1f} GB of memory to be trained, and "
            f"{free / 1024:.1f} GB are free. Choose a smaller model, or close other programs."
        )


def _sentence(error: BaseException) -> str:
    """Why it could not be measured; what ran out of memory here does so in the run as well."""
    reason, sentence = explain(error)
    if reason in (Reason.OOM_GPU, Reason.OOM_HOST) and not isinstance(error, TrainroomError):
        where = "the graphics card" if reason is Reason.OOM_GPU else "this computer"
        return (
            f"It does not fit into the memory of {where}. Take a smaller batch size with more "
            "gradient accumulation, or a smaller model."
        )
    if reason is Reason.DOWNLOAD:
        return (
            "This cannot be measured before the model is on this computer; the run downloads it "
            "at its start."
        )
    return sentence


@contextmanager
def _first_to_go() -> Iterator[None]:
    """Where memory runs out now, the system shall end this process and no other."""
    path = Path("/proc/self/oom_score_adj")
    before = None
    with contextlib.suppress(OSError, ValueError):
        before = path.read_text()
        path.write_text("1000")
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(OSError):
                path.write_text(before)


def _give_back() -> float:
    """Free what the pre-flight has used; returns the MB that this process still takes."""
    from backend.training.devices import free_cached_memory

    gc.collect()
    free_cached_memory()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
    return psutil.Process().memory_info().rss / MEGABYTE
