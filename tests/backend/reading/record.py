"""Records real runs for the tests of backend/reading: python -m tests.backend.reading.record.

Healthy ones of every task, the quick ones with five seeds, and ones that were broken on purpose.
Takes about three quarters of an hour of one core; `--only NAME` records some, and what is there
already is left alone unless `--anew` is given.
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.backend.reading import breaking
from tests.backend.reading.recording import FOLDER, save
from tests.benchmarks.rooms import fresh_home

if TYPE_CHECKING:
    from backend.tasks.base import Task
    from storage.records import Dataset

QUICK = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Case:
    """A run to record: data, model, and the settings that differ from the model's own."""

    name: str
    dataset: str
    model: str
    config: Mapping[str, Any] = field(default_factory=dict)
    data: Callable[["Dataset"], "Dataset"] | None = None
    task: Callable[["Task"], "Task"] | None = None
    factor: float = 1.0  # of the learning rate
    goes_on: bool = False  # two more epochs, to see whether they were worth it
    seeds: tuple[int, ...] = (1, 2, 3)
    of: str = ""  # the task, where it is not the data's own


HEALTHY = (
    Case("digits-mlp", "digits", "mlp", goes_on=True, seeds=QUICK),
    Case("mnist-mlp", "mnist", "mlp", goes_on=True, seeds=QUICK),
    Case("topics-bag", "topics", "embedding-bag", goes_on=True, seeds=QUICK),
    Case("languages-bag", "languages", "embedding-bag", {"epochs": 6}, goes_on=True, seeds=QUICK),
    Case("commands-cnn", "commands", "cnn"),
    Case("dates-gru", "dates", "gru", {"epochs": 3}),
    Case("reports-gru", "reports", "gru", {"epochs": 3}),
    Case("plays-gru", "plays", "gru"),
    Case("scenes-detector", "scenes", "fasterrcnn_mobilenet_v2_fpn", {"epochs": 3}),
    Case("signs-cnn", "signs", "cnn", {"epochs": 8}, goes_on=True),
    Case("films-factors", "films", "matrix-factorisation", goes_on=True),
    Case(
        "talk-skip-gram",
        "small-talk",
        "skip-gram",
        {"words_per_epoch": 30_000},
        of="word-embeddings",
    ),
)
BROKEN = (
    Case("rate-high-mlp", "mnist", "mlp", {"epochs": 4}, factor=100),
    Case("rate-high-cnn", "digits", "cnn", {"epochs": 4}, factor=100),
    Case("rate-high-bag", "topics", "embedding-bag", {"epochs": 4}, factor=100),
    Case("rate-high-gru", "topics", "gru", {"epochs": 4}, factor=100),
    Case("rate-low-mlp", "mnist", "mlp", {"epochs": 4}, factor=1e-3),
    Case("rate-low-cnn", "digits", "cnn", {"epochs": 4}, factor=1e-3),
    Case("rate-low-bag", "languages", "embedding-bag", {"epochs": 3}, factor=1e-3),
    Case("shuffled-mlp", "mnist", "mlp", {"epochs": 4}, data=breaking.shuffled_labels),
    Case("shuffled-bag", "topics", "embedding-bag", data=breaking.shuffled_labels),
    Case("few-cnn", "digits", "cnn", {"epochs": 30, "augmentation": "none"}, data=breaking.few),
    Case("few-bag", "topics", "embedding-bag", {"epochs": 30}, data=breaking.few),
    Case("nan-data", "digits", "cnn", {"augmentation": "none"}, task=breaking.damaged_pictures),
    Case("nan-rate", "mnist", "mlp", {"learning_rate": 9.0, "momentum": 0.99}),
    Case("uneven-mlp", "mnist", "mlp", {"epochs": 5}, data=breaking.uneven),
    Case("uneven-bag", "languages", "embedding-bag", {"epochs": 4}, data=breaking.uneven),
    Case("frozen-mlp", "digits", "mlp", {"epochs": 4}, task=breaking.frozen),
    Case("frozen-bag", "topics", "embedding-bag", {"epochs": 4}, task=breaking.frozen),
    Case("steps-cnn", "shapes", "cnn"),  # as the model's own settings have it: 50 steps in all
    Case(
        "tiny-bag",
        "topics",
        "embedding-bag",
        {"epochs": 40, "scheduler": "constant"},
        data=partial(breaking.few, per_class=12),
    ),
    Case(
        "unvaried-cnn",
        "digits",
        "cnn",
        {"epochs": 25, "augmentation": "none"},
        data=partial(breaking.few, per_class=12),
    ),
    Case("slow-mlp", "digits", "mlp", {"epochs": 8}, task=breaking.slow_data),
    Case("slow-bag", "topics", "embedding-bag", {"epochs": 8}, task=breaking.slow_data),
    Case(
        "early-mlp",
        "mnist",
        "mlp",
        {"epochs": 3, "scheduler": "constant", "learning_rate": 0.01},
        goes_on=True,
    ),
    Case("early-bag", "languages", "embedding-bag", {"epochs": 1}, goes_on=True),
    Case("heart-bag", "topics", "embedding-bag", {"epochs": 40, "scheduler": "constant"}),
    Case("plateau-mlp", "digits", "mlp", {"epochs": 40, "scheduler": "constant"}),
)


class Notes:
    """A Monitor that keeps every value."""

    def __init__(self) -> None:
        self.values: dict[str, list[tuple[int, float]]] = {}
        self.total_steps = self.best_step = 0
        self.seconds = 0.0

    def begin(self, total_steps: int, start_step: int) -> None:
        self.total_steps = total_steps

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append((step, value))

    def event(self, kind: str, message: str) -> None: ...

    def snapshot(self, step: int, epoch: float, content: Mapping[str, Any]) -> None: ...

    def pinned(self) -> list[Any]:
        return []

    def tested(self, results: Any) -> None: ...

    def before_save(self) -> None: ...

    def saved(self, step: int, is_best: bool) -> None:
        self.best_step = step if is_best else self.best_step

    def should_stop(self) -> bool:
        return False


def record(kind: str, case: Case, seed: int) -> None:
    """Train a case and write its file."""
    from backend import datasets, runs
    from backend.datasets import class_counts
    from backend.errors import TrainroomError, explain
    from backend.tasks import get_task
    from backend.training.config import config_from
    from backend.training.loop import fit

    known = datasets.get_dataset(case.dataset)
    task = get_task(case.of or known.task)
    spec = task.get_model(case.model)
    values = dataclasses.asdict(runs.default_config(task.name, case.model))
    values = {**values, **case.config, "seed": seed, "device": "cpu"}
    values["learning_rate"] *= case.factor
    config = config_from(task.config, values)
    dataset = case.data(known) if case.data else known
    used, notes, later = (case.task(task) if case.task else task), Notes(), Notes()
    status, reason, message, begun = "finished", None, "", time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            fit(used, spec, dataset, config, device="cpu", folder=Path(folder), monitor=notes)
            notes.seconds = time.monotonic() - begun
            if case.goes_on:
                more = dataclasses.replace(config, epochs=config.epochs + 2)
                fit(
                    used, spec, dataset, more, device="cpu", folder=Path(folder), monitor=later,
                    resume=True,
                )  # fmt: skip
        except TrainroomError as error:
            found, message = explain(error)
            status, reason = "failed", str(found)
    facts = {
        "case": case.name, "seed": seed, "task": task.name, "model": case.model,
        "config": values, "total_steps": notes.total_steps, "best_step": notes.best_step,
        "seconds": round(notes.seconds or time.monotonic() - begun, 1), "classes": dataset.classes,
        "status": status, "reason": reason, "message": message,
        "splits": dataset.splits, "counts": class_counts(dataset) if dataset.classes else {},
    }  # fmt: skip
    held_out = {name: points for name, points in later.values.items() if name.startswith("val/")}
    path = save(f"{kind}-{case.name}-{seed}", facts, notes.values, held_out)
    if case.data:
        datasets.delete_dataset(dataset.id)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", file=sys.stderr)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="record", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="a case's name, or its kind")
    parser.add_argument("--anew", action="store_true", help="also what is recorded already")
    options = parser.parse_args(arguments)
    todo = [("broken", case, 1) for case in BROKEN]
    todo += [("healthy", case, seed) for case in HEALTHY for seed in case.seeds]
    todo.sort(key=lambda one: one[2])  # one of each before more of the same
    with fresh_home():
        for kind, case, seed in todo:
            if options.only and not {kind, case.name, f"{case.name}-{seed}"} & set(options.only):
                continue
            if (FOLDER / f"{kind}-{case.name}-{seed}.npz").exists() and not options.anew:
                continue
            begun = time.process_time()
            record(kind, case, seed)
            print(f"  {time.process_time() - begun:.0f} s of a core", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
