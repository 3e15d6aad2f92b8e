"""What a pre-flight says beside what the run then takes: time, memory and disk of every model."""

import dataclasses
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.benchmarks.report import Table, options_parser, publish
from tests.benchmarks.rooms import fresh_home, wait_for_end, wait_for_warm_worker

if TYPE_CHECKING:
    from backend.models.spec import ModelSpec
    from backend.preflight import Estimate
    from backend.runs import Plan
    from backend.tasks import Task
    from storage.records import Dataset, Run

TARGET_SECONDS = 45.0
"""Runs are cut to so many epochs that they take about this long, and at least one."""
MOST_SECONDS = 600.0
SAMPLE_SECONDS = 0.05
GOAL_TIME, GOAL_MEMORY = 0.25, 0.20


class Peak:
    """The most memory that a run's process takes, seen from outside."""

    def __init__(self) -> None:
        self.memory_mb = 0.0
        self._pid, self._done = 0, threading.Event()

    def watch(self, run_id: int) -> None:
        from backend import runs

        while not self._done.wait(SAMPLE_SECONDS):
            if not self._pid:
                attempts = runs.list_attempts(run_id)
                self._pid = attempts[-1].pid if attempts else 0
                continue
            try:
                used = psutil.Process(self._pid).memory_info().rss / 2**20
            except psutil.Error:
                return
            self.memory_mb = max(self.memory_mb, used)

    @contextmanager
    def of(self, run_id: int) -> Iterator["Peak"]:
        thread = threading.Thread(target=self.watch, args=(run_id,))
        thread.start()
        try:
            yield self
        finally:
            self._done.set()
            thread.join()


def cases(only: list[str]) -> Iterator[tuple["Task", "ModelSpec", "Dataset"]]:
    """Every model; small ones on the data to begin with, others on the smallest there is."""
    from backend import datasets
    from backend.tasks import list_tasks

    for task in list_tasks():
        bundled = [one for one in datasets.list_datasets(task.name) if one.bundled]
        if not bundled:
            continue
        first = min(bundled, key=lambda one: one.details.get("order", 0))
        smallest = min(bundled, key=lambda one: one.rows)
        for spec in task.models:
            dataset = first if spec.library == "trainroom" else smallest
            if not only or {task.name, spec.name} & set(only):
                yield task, spec, dataset


def ask(plan: "Plan") -> tuple["Estimate | None", str]:
    """The estimate, or why there is none."""
    from backend import jobs, preflight

    while True:
        jobs.touch_app()
        outlook = preflight.ask(plan, again=False)
        if outlook.state in ("ready", "failed"):
            return outlook.estimate, outlook.sentences[0]
        time.sleep(0.2)


def plan_of(task: "Task", spec: "ModelSpec", dataset: "Dataset") -> "Plan":
    """The model's own settings, without what would have to be downloaded."""
    from backend.models.spec import Weights
    from backend.runs import plan_run

    config = {}
    if spec.checkpoint and task.weights(spec) is not Weights.HERE:
        config["pretrained"] = False
    return plan_run(task=task.name, dataset=dataset.id, model=spec.name, config=config)


def shortened(plan: "Plan", expected: "Estimate") -> "Plan":
    epochs = max(1, min(plan.config.epochs, int(plan.config.epochs * TARGET_SECONDS / expected.seconds)))  # fmt: skip  # noqa: E501
    return dataclasses.replace(plan, config=dataclasses.replace(plan.config, epochs=epochs))


def train(plan: "Plan") -> tuple["Run", float]:
    """The finished run and its peak memory."""
    from backend import runs

    run = runs.start_run(
        task=plan.task.name,
        dataset=plan.dataset.id,
        model=plan.spec.name,
        config=dataclasses.asdict(plan.config),
    )
    with Peak().of(run.id) as peak:
        ended = wait_for_end(run.id)
    return ended, peak.memory_mb


def difference(expected: float, actual: float) -> str:
    return f"{100 * (expected / actual - 1):+.0f} %"


@dataclasses.dataclass(frozen=True)
class Result:
    """One row: what was said and what was taken; words instead where nothing was."""

    name: str
    epochs: int
    said: "Estimate | None" = None
    seconds: float = 0.0
    memory_mb: float = 0.0
    disk_mb: float = 0.0
    words: str = ""

    def cells(self) -> tuple[object, ...]:
        if self.said is None:
            return self.name, self.epochs, self.words, "", "", "", ""
        return (
            self.name,
            self.epochs,
            f"{self.said.seconds:.1f} / {self.seconds:.1f}",
            difference(self.said.seconds, self.seconds),
            f"{self.said.memory_mb:,.0f} / {self.memory_mb:,.0f}",
            difference(self.said.memory_mb, self.memory_mb),
            f"{self.said.disk_mb:,.0f} / {self.disk_mb:,.0f}",
        )

    def misses(self) -> list[str]:
        """What is beyond the goals."""
        if self.said is None:
            return []
        found = []
        if abs(self.said.seconds / self.seconds - 1) > GOAL_TIME:
            found.append(f"time of {self.name}")
        if abs(self.said.memory_mb / self.memory_mb - 1) > GOAL_MEMORY:
            found.append(f"memory of {self.name}")
        return found


def measure(task: "Task", spec: "ModelSpec", dataset: "Dataset") -> Result:
    """Ask, train, compare; a worker must be warm."""
    from backend import runs
    from storage import files

    name = f"`{spec.name}` on {dataset.name}"
    plan = plan_of(task, spec, dataset)
    expected, words = ask(plan)
    if expected is None:
        return Result(name, plan.config.epochs, words=words)
    plan = shortened(plan, expected)
    expected, words = ask(plan)
    assert expected is not None
    if expected.seconds > MOST_SECONDS:
        return Result(name, plan.config.epochs, words=f"not run: {words}")
    ended, memory_mb = train(plan)
    disk_mb = files.folder_bytes(files.run_dir(ended.id)) / 2**20
    return Result(name, plan.config.epochs, expected, runs.run_seconds(ended), memory_mb, disk_mb)


def main(arguments: list[str]) -> None:
    options = options_parser("preflight", __doc__).parse_args(arguments)
    table = Table(
        "preflight",
        "What the pre-flight says, and what the run takes",
        ("model on data", "epochs", "seconds: said / taken", "", "memory in MB: said / taken", "",
         "disk in MB"),
    )  # fmt: skip
    misses: list[str] = []
    with fresh_home() as home:
        from backend import jobs
        from backend.jobs.processes import ROOT, module_command

        # The supervisor would do it in the background, beside the first measurements.
        subprocess.run(module_command("backend", "prepare", "--all"), cwd=ROOT, check=True)
        since = 0.0
        for task, spec, dataset in cases(options.only):
            jobs.touch_app()
            wait_for_warm_worker(home, since)
            since = time.time()
            result = measure(task, spec, dataset)
            table.add(*result.cells())
            misses += result.misses()
            load = f"load {psutil.getloadavg()[0]:.1f}"
            print(" ".join(table.rows[-1]), load, file=sys.stderr, flush=True)
    table.notes.append(f"Beyond the goal: {', '.join(misses) or 'none'}.")
    table.notes.append(
        "Goals: time within 25 %, memory within 20 %. Each run is cut to about "
        f"{TARGET_SECONDS:.0f} seconds by its epochs; its time is from the claim to the end, test "
        "included; its memory is the most that its process took."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
