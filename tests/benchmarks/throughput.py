"""Examples per second: Trainroom's own worker, with everything on, beside the usual ways.

With --busy another process keeps one core busy meanwhile, as a browser or a second program does.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.report import Table, median, publish, spread
from tests.benchmarks.rooms import (
    fresh_home,
    some_texts,
    tiled_mnist,
    wait_for_end,
    wait_for_warm_worker,
)

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = "Trainroom"
# Kept as a list of names: contestants.py loads torch, and this process should stay small.
OTHERS = (
    "bare loop over indexed tensors",
    "per-item DataLoader",
    "Accelerate",
    "Hugging Face Trainer",
    "Lightning",
)


@dataclass(frozen=True)
class Case:
    """One network on one data set."""

    name: str
    title: str
    model: str
    rows: int
    epochs: int
    batch_size: int


CASES = (
    Case("mlp", "784-128-10 network, MNIST tiled to 60,000", "mlp", 60_000, 10, 64),
    Case("cnn", "Small CNN, MNIST tiled to 10,000", "cnn", 10_000, 1, 64),
    Case("minilm", "MiniLM, 1,000 short English texts", "minilm", 1_000, 1, 16),
)


def measure_ours(home: Path, dataset_id: str, case: Case) -> float:
    """Examples per second of a run: queue, worker, metrics of each step, checkpoint per epoch.

    From the first step's end to the last one's, so validations and checkpoints between count.
    """
    from backend import datasets, runs

    task = datasets.get_dataset(dataset_id).task
    config = {"epochs": case.epochs, "batch_size": case.batch_size}
    if case.model == "cnn":
        config["augmentation"] = "none"
    run = runs.start_run(task=task, dataset=dataset_id, model=case.model, config=config)
    ended = wait_for_end(run.id)
    times = runs.read_metrics(run.id, ["train/loss"])["train/loss"].times
    wait_for_warm_worker(home, ended.started_at or 0)
    examples = case.epochs * case.rows - case.batch_size
    return examples / float(times[-1] - times[0])


def measure_other(name: str, dataset_id: str, case: Case) -> float:
    """Examples per second of another way, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.contestants", name, dataset_id, case.model]
    command += [str(case.epochs), str(case.batch_size)]
    # Installed there by make benchmarks, apart from the app's own libraries.
    variables = {**os.environ, "PYTHONPATH": str(ROOT / ".venv" / "benchmarks")}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.split("RESULT")[-1])
    return float(result["examples"] / result["seconds"])


@contextmanager
def busy_core(is_wanted: bool) -> Iterator[None]:
    """Where wanted, a process that keeps one core busy meanwhile."""
    if not is_wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(case: Case, repeats: int, others: tuple[str, ...], *, busy: bool = False) -> Table:
    """All ways in turns, so that a slow minute of the machine hits each of them."""
    found: dict[str, list[float]] = {name: [] for name in (OURS, *others)}
    with fresh_home() as home, busy_core(busy):
        from backend import jobs

        dataset = (
            some_texts("topics", case.rows) if case.model == "minilm" else tiled_mnist(case.rows)
        )
        jobs.ensure_supervisor()
        wait_for_warm_worker(home)
        for _ in range(repeats):
            found[OURS].append(measure_ours(home, dataset.id, case))
            for name in others:
                found[name].append(measure_other(name, dataset.id, case))
                print(f"  {name}: {found[name][-1]:,.0f}", file=sys.stderr, flush=True)
            print(f"  {OURS}: {found[OURS][-1]:,.0f}", file=sys.stderr, flush=True)
    table = Table(
        f"throughput-{case.name}" + "-busy" * busy,
        f"Training throughput: {case.title}" + ", one core busy with something else" * busy,
        ("", "examples/s, median (range)", "Trainroom is"),
    )
    ours = median(found[OURS])
    for name, values in sorted(found.items(), key=lambda item: -median(item[1])):
        ratio = "" if name == OURS else f"{ours / median(values):.2f} x"
        table.add(name, spread(values), ratio)
    table.notes.append(
        f"Batch {case.batch_size}, {case.epochs} epochs, {repeats} runs each in turns. Trainroom: "
        "the background worker with every step's metrics written to the database, validation and "
        "a checkpoint per epoch, the next worker warming up meanwhile. The others neither "
        "validate nor save, and use as many cores as PyTorch gives them."
    )
    return table


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="throughput", description=__doc__)
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, help="fewer examples, to try the script out")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--only", choices=OTHERS, action="append", help="leave the others out")
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    for case in CASES:
        if options.case and case.name not in options.case:
            continue
        changed = Case(
            case.name,
            case.title,
            case.model,
            options.rows or case.rows,
            options.epochs or case.epochs,
            case.batch_size,
        )
        others = tuple(options.only or OTHERS)
        publish(measure(changed, options.repeats, others, busy=options.busy), keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
