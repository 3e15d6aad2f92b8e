"""What a process uses while it is measured: peak memory, processor time, power; for pre-flights."""

import contextlib
import threading
import time
from pathlib import Path

import psutil

from backend.jobs.usage import MEGABYTE, card_watts
from backend.training.measurement import Load

# Watts per busy core and per GB of memory: Lannelongue, Grealey and Inouye, "Green Algorithms",
# Advanced Science 2021; a rule of thumb for computers without a meter.
WATTS_PER_CORE, WATTS_PER_GB = 12.0, 0.3725
SAMPLE_SECONDS = 0.02
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class ProcessGauge:
    """Watches this process from its making to close(); a context manager."""

    def __init__(self, device: str) -> None:
        self._process, self._device = psutil.Process(), device
        self._begun = self._own = self._all = 0.0
        self._highest = self.memory_mb()
        self._closing = threading.Event()
        # Linux keeps the peak itself and forgets it when asked to; elsewhere a thread looks.
        self._exact = _forget_peak()
        self._thread = threading.Thread(target=self._sample, name="gauge", daemon=True)
        if not self._exact:
            self._thread.start()

    def __enter__(self) -> "ProcessGauge":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if not self._exact:
            self._thread.join()

    def _sample(self) -> None:
        while not self._closing.wait(SAMPLE_SECONDS):
            self._highest = max(self._highest, self.memory_mb())

    def memory_mb(self) -> float:
        return self._process.memory_info().rss / MEGABYTE

    def peak_mb(self) -> float:
        peak = _read_peak() if self._exact else None
        return peak if peak is not None else max(self._highest, self.memory_mb())

    def begin(self) -> None:
        self._begun, self._own, self._all = time.monotonic(), self._own_seconds(), _busy_seconds()

    def end(self) -> Load:
        wall = max(time.monotonic() - self._begun, 1e-6)
        cores = (self._own_seconds() - self._own) / wall
        everything = (_busy_seconds() - self._all) / wall
        watts = cores * WATTS_PER_CORE + self.memory_mb() / 1024 * WATTS_PER_GB
        card = card_watts(self._device)
        return Load(cores, max(0.0, everything - cores), watts + (card or 0.0), card is not None)

    def _own_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


def _busy_seconds() -> float:
    """Processor seconds that all programs of this computer have had so far."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def _forget_peak() -> bool:
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5")
        return _read_peak() is not None
    return False


def _read_peak() -> float | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None
