"""What the errands of the tests do; the module is run as their warden and as its worker."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from backend.errors import DataError
from backend.jobs import errand_warden, errand_worker
from backend.jobs.errand_worker import Progress
from backend.jobs.errands import LOCK
from backend.jobs.liveness import is_held

MODULE = "tests.backend.jobs.toy_errands"


def answer(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    return {"twice": 2 * arguments["number"]}


def refuse(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    raise DataError("mine.csv is empty.")


def bug(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    raise KeyError("x")


def crash(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    progress("Reading file 7", 0.25)
    os.abort()


def swell_at_once(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    return len(bytearray(4_000_000_000))


def swell_slowly(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    hoard = []
    while True:
        hoard.append(b"x" * 5_000_000)
        time.sleep(0.02)


def spin(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    progress("Reading file 9", 0.25)
    while True:
        pass


def wait(arguments: dict[str, Any], folder: Path, progress: Progress) -> Any:
    """Leave a file and a child of its own, and wait for ever."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "left.bin").write_bytes(b"x" * 1000)
    progress("Waiting", 0.5)
    time.sleep(600)


def main(folder: Path) -> None:
    """The warden holds the errand's lock before it starts the worker: that tells them apart."""
    if is_held(folder / LOCK):
        for kind in (answer, refuse, bug, crash, swell_at_once, swell_slowly, spin, wait):
            errand_worker.KINDS[kind.__name__] = (MODULE, kind.__name__)
        errand_worker.main(folder)
    else:
        errand_warden.WORKER = MODULE
        errand_warden.main(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
