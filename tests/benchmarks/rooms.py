"""Homes and data sets for benchmarks: what a measurement needs before its clock starts."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.app_server import end_processes_of, wait_for

if TYPE_CHECKING:
    from backend.runs import Run
    from storage.records import Dataset


@contextmanager
def fresh_home(**variables: str) -> Iterator[Path]:
    """A home in a temporary folder, in force for this process; everything in it ends with it."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="trainroom-benchmark-") as folder:
        home = Path(folder) / "home"
        os.environ.update(
            TRAINROOM_HOME=str(home), TRAINROOM_SUPERVISOR_IDLE_SECONDS="30", **variables
        )
        try:
            yield home
        finally:
            end_processes_of(home)
            os.environ.clear()
            os.environ.update(before)


def tiled_mnist(rows: int) -> "Dataset":
    """MNIST's 5,000 bundled pictures, repeated for training; 500 each to check and to test."""
    from backend import datasets
    from backend.datasets.catalog import publish
    from backend.datasets.store import Store
    from backend.datasets.writer import StoreWriter

    known = datasets.get_dataset("mnist")
    store = Store.open(known.id)
    with StoreWriter("image-class") as writer:
        for split, count in enumerate((rows, 500, 500)):
            for index in range(count):
                source = index % len(store)
                label = known.classes[int(store.labels[source])]
                writer.add_image(store.image(source), label, split)
        return publish(
            writer, name=f"MNIST tiled to {rows:,}", task=known.task, source="", licence=""
        )


def some_texts(name: str, rows: int) -> "Dataset":
    """So many texts of a bundled set for training; a tenth of that each to check and to test."""
    from backend import datasets
    from backend.datasets.catalog import publish
    from backend.datasets.store import Store
    from backend.datasets.writer import StoreWriter

    known = datasets.get_dataset(name)
    store = Store.open(known.id)
    with StoreWriter("text-class") as writer:
        for number, (split, share) in enumerate((("train", 1), ("validation", 10), ("test", 10))):
            indices = store.indices(split)  # class by class: taken evenly from all of them
            for index in indices[:: max(1, len(indices) * share // rows)][: rows // share].tolist():
                label = known.classes[int(store.labels[index])]
                writer.add_text(store.text(index), label, number)
        return publish(
            writer, name=f"{name}, {rows:,} texts", task=known.task, source="", licence=""
        )


def wait_for_end(run_id: int, seconds: float = 3600) -> "Run":
    """The run once it has ended; raises where it did not finish."""
    from backend import jobs, runs

    def ended() -> "Run | None":
        jobs.ensure_supervisor()
        run = runs.get_run(run_id)
        return run if run.has_ended else None

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run = ended()
        if run is not None:
            if run.status != "finished":
                raise RuntimeError(f"run {run_id}: {run.message}\n{runs.read_log(run_id, 40)}")
            return run
        time.sleep(0.2)  # rarely: the two cores belong to what is measured
    raise TimeoutError(f"run {run_id} did not end in {seconds:g} s")


def wait_for_warm_worker(home: Path, since: float = 0.0) -> None:
    """Until a worker that was warmed after this moment waits for a run."""
    note = home / "devices.json"  # a worker writes it when it is ready
    wait_for("a warm worker", lambda: note.exists() and note.stat().st_mtime > since, 900)
    time.sleep(0.5)
