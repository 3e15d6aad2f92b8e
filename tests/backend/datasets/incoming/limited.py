"""Runs imports in processes with limits, one after the other, and tells what each came to.

A script: `python -m tests.backend.datasets.incoming.limited LIST`, where LIST is a file of lines of
JSON {"path", "format", "name"}; answers with a line of JSON each. Every import has a forked process
of its own, so that a crash, a hang or a hunger for memory is seen and ends nothing else.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 30
MEMORY_MB = 512
"""What an import may need beyond what the process has at its start: S1 of the reliability goals."""


@dataclass(frozen=True)
class Outcome:
    """What one import came to: a data set's rows, or the sentence of the refusal, or neither."""

    rows: int
    sentence: str
    trouble: str
    """A crash, a time-out, a traceback; "" where there was none."""
    seconds: float
    memory_mb: float


def run_all(paths: Sequence[tuple[Path, str]], folder: Path, home: Path) -> list[Outcome]:
    """Bring every file in as its format, each in a process with limits; in their order."""
    todo = folder / "imports.jsonl"
    todo.write_text(
        "".join(json.dumps({"path": str(path), "format": kind}) + "\n" for path, kind in paths)
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.backend.datasets.incoming.limited", str(todo)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TRAINROOM_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"},
    )
    return [Outcome(**json.loads(line)) for line in done.stdout.splitlines() if line[:1] == "{"]


def _import(path: Path, data_format: str) -> dict[str, Any]:
    """Look at it and bring it in, as the errands do."""
    from backend.datasets import catalog
    from backend.datasets.formats import get_format
    from backend.datasets.incoming.choices import Choices
    from backend.datasets.incoming.imports import Origin, bring_in, check_path
    from backend.datasets.incoming.look import look_at
    from backend.datasets.incoming.opening import open_path
    from backend.datasets.skips import Skips, shown
    from backend.errors import TrainroomError
    from storage import files

    title = shown(path.name)
    try:
        check_path(path, title)
        folder = files.temporary_dir()
        try:
            with open_path(path, title, Skips()) as source:
                look_at(source, get_format(data_format), Choices(), Skips(), folder)
        finally:
            files.remove_folder(folder)
        skips = Skips()
        with open_path(path, title, skips) as source:
            dataset = bring_in(
                source, get_format(data_format), Choices(), skips,
                name="tried", task="", origin=Origin(title),
            )  # fmt: skip
        catalog.delete_dataset(dataset.id)
        return {"rows": dataset.rows, "sentence": "", "trouble": ""}
    except TrainroomError as error:
        return {"rows": 0, "sentence": str(error), "trouble": ""}
    except MemoryError:
        return {"rows": 0, "sentence": "It needs too much memory.", "trouble": ""}


def _limited(path: Path, data_format: str) -> dict[str, Any]:
    """One import in a forked process; what it says, or how it ended."""
    begun = time.monotonic()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            limit = int((_memory("VmData") + 2 * MEMORY_MB) * 1e6)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            before = _memory("VmRSS")
            signal.alarm(4 * SECONDS)  # of the clock: the machine may be busy
            answer = _import(path, data_format)
            answer["memory_mb"] = _memory("VmHWM") - before
            os.write(write, json.dumps(answer).encode())
            status = 0
        except BaseException:
            import traceback

            os.write(write, json.dumps({"trouble": traceback.format_exc()[-2000:]}).encode())
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    answer = {"rows": 0, "sentence": "", "trouble": "", "memory_mb": 0.0}
    if said:
        answer |= json.loads(said)
    if os.WIFSIGNALED(status):
        answer["trouble"] = f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return {**answer, "seconds": time.monotonic() - begun}


def _memory(field: str) -> float:
    """Megabytes of this process, as /proc/self/status counts them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def main(todo: Path) -> None:
    # Everything that a reader may need, once; the forked ones have it.
    import numpy  # noqa: F401
    import pyarrow.parquet
    import python_calamine  # noqa: F401
    import scipy.signal
    import soundfile  # noqa: F401
    import yaml  # noqa: F401
    from PIL import Image

    from backend.datasets import errand_kinds  # noqa: F401

    Image.init()
    assert pyarrow.parquet
    assert scipy.signal
    for line in todo.read_text().splitlines():
        record = json.loads(line)
        print(json.dumps(_limited(Path(record["path"]), record["format"])), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
