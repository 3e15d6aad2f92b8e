"""Does an errand's work in a process of its own; run by the warden, with the errand's folder."""

import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from backend.errors import TrainroomError, explain
from backend.jobs.errand_warden import too_much_memory
from backend.jobs.errands import ANSWER, NEWS, RECORD, read_json, write_json
from storage import files
from storage.records import Reason

KINDS = {
    "look": ("backend.datasets.errand_kinds", "look"),
    "import": ("backend.datasets.errand_kinds", "bring_in"),
    "download": ("backend.datasets.fetch", "fetch_errand"),
    "check": ("backend.datasets.doctor.examination", "examine_errand"),
    "hub-offer": ("backend.datasets.incoming.hub_sets", "offer_errand"),
    "hub-download": ("backend.datasets.incoming.hub_sets", "download_errand"),
}
"""What can be done, and the function that does it: arguments, folder and progress in, JSON out."""
NEWS_SECONDS, WARDEN_SECONDS = 0.2, 1.0
HEADROOM = 1.5
"""Address space counts for the system, memory in use for the warden, who is the stricter one."""

Progress = Callable[[str, float], None]


def main(folder: Path) -> None:
    """Do the work and write the answer, or the sentence that says why there is none."""
    threading.Thread(target=_go_with_the_warden, args=(os.getppid(),), daemon=True).start()
    record = read_json(folder / RECORD)
    megabytes = record["limits"]["memory_mb"]
    limit_memory(megabytes)
    # What it writes by the way lies in the errand's folder, and goes with it.
    os.environ[files.TEMPORARY_VARIABLE] = str(folder)
    module, name = KINDS[record["kind"]]
    try:
        work = getattr(importlib.import_module(module), name)
        answer = {"answer": work(record["arguments"], folder, reporter(folder / NEWS))}
    except MemoryError:
        answer = {"error": too_much_memory(megabytes or 0)}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": sentence(error)}
    write_json(folder / ANSWER, answer)


def _go_with_the_warden(warden: int) -> None:
    """End when nobody is left who sees that limits are kept."""
    while os.getppid() == warden:
        time.sleep(WARDEN_SECONDS)
    os._exit(1)


def sentence(error: Exception) -> str:
    """What is told of an error; what was not foreseen names itself and where the details are."""
    reason, words = explain(error)
    if isinstance(error, TrainroomError) or reason is not Reason.BUG:
        return words
    return (
        f"It could not be read ({type(error).__name__}); logs/errands.log has the details. The "
        "data may be damaged, or this is a fault of Trainroom."
    )


def limit_memory(megabytes: float | None) -> None:
    """Let the system refuse what is far too much; where it cannot, the warden is alone."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if megabytes:
        size = int(megabytes * HEADROOM * 1e6)
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def reporter(path: Path) -> Progress:
    """A function that writes words and a share into a file, a few times a second at most."""
    last = 0.0

    def report(words: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= NEWS_SECONDS or share >= 1.0:
            last = now
            write_json(path, (words, share))

    return report


if __name__ == "__main__":
    main(Path(sys.argv[1]))
