"""Stands beside an errand's worker: starts it, sees that it keeps its limits, tells how it ended.

Run as `python -m backend.jobs.errand_warden FOLDER`. The worker reads what strangers made: it may
crash, hang or swell. The warden reads nothing, so there is always somebody to write the answer.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import psutil

from backend.jobs.errands import ANSWER, LOCK, NEWS, RECORD, Limits, read_json, write_json
from backend.jobs.liveness import ProcessLock
from backend.jobs.processes import module_command

WORKER = "backend.jobs.errand_worker"
LOOK_SECONDS = 0.1
BROKE_DOWN = (
    "The process that read it broke down{where}. The data is most likely damaged there; mend it or "
    "leave it out, and try again."
)


def main(folder: Path) -> None:
    """Hold the errand's lock until its worker has ended and the answer is written."""
    lock = ProcessLock(folder / LOCK)
    if not lock.acquire():
        return
    record = read_json(folder / RECORD)
    worker = subprocess.Popen(module_command(WORKER, str(folder)), stdin=subprocess.DEVNULL)
    watch = Watch(folder, worker.pid, Limits(**record["limits"]))
    complaint = ""
    while worker.poll() is None and not complaint:
        time.sleep(LOOK_SECONDS)
        complaint = watch.complaint()
    if complaint:
        watch.end()
        worker.wait()
        write_json(folder / ANSWER, {"error": complaint})
    elif not (folder / ANSWER).exists():
        print(f"errand {folder.name} ended with status {worker.returncode}", flush=True)
        write_json(folder / ANSWER, {"error": BROKE_DOWN.format(where=watch.where())})
    lock.release()


class Watch:
    """What a worker and its own children have used since their last news."""

    def __init__(self, folder: Path, pid: int, limits: Limits) -> None:
        self._news = folder / NEWS
        self._limits = limits
        self._worker = psutil.Process(pid)
        self._last = 0.0
        self._heard = time.monotonic()
        self._used = 0.0

    def complaint(self) -> str:
        """The sentence on the limit that was passed, or ""."""
        memory, used = self._measure()
        changed = self._news.stat().st_mtime if self._news.exists() else 0.0
        if changed != self._last:
            self._last, self._heard, self._used = changed, time.monotonic(), used
        limits = self._limits
        if limits.memory_mb and memory > limits.memory_mb:
            return too_much_memory(limits.memory_mb)
        if limits.cpu_seconds and used - self._used > limits.cpu_seconds:
            return (
                f"It was given up: nothing came of it{self.where()} in {limits.cpu_seconds:g} "
                "seconds. Mend the data there or leave it out, and try again."
            )
        if time.monotonic() - self._heard > limits.silent_seconds:
            return (
                f"It was given up: nothing happened for {limits.silent_seconds / 60:g} minutes"
                f"{self.where()}. Try again."
            )
        return ""

    def where(self) -> str:
        """The last words, as part of a sentence."""
        words, _ = read_json(self._news) or ("", 0.0)
        return f" ({words[:1].lower()}{words[1:]})" if words else ""

    def end(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _measure(self) -> tuple[float, float]:
        """Megabytes of memory and seconds of processor time of all of them."""
        memory = seconds = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                info, times = process.memory_info(), process.cpu_times()
                # Files that are mapped for reading cost nothing: the system can drop them.
                memory += (info.rss - getattr(info, "shared", 0)) / 1e6
                seconds += times.user + times.system
        return memory, seconds

    def _family(self) -> list[psutil.Process]:
        try:
            return [self._worker, *self._worker.children(recursive=True)]
        except psutil.Error:
            return []


def too_much_memory(megabytes: float) -> str:
    return (
        f"Reading it takes more than {megabytes:,.0f} MB of memory. Divide it into smaller parts, "
        "or set TRAINROOM_IMPORT_MEMORY_MB higher."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
