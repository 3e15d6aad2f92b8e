"""Test scores of three seeds each, with the time they took, beside a guess of the largest class."""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.benchmarks.report import Table, median, publish, spread
from tests.benchmarks.rooms import fresh_home, wait_for_end

if TYPE_CHECKING:
    from storage.records import Dataset

SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Case:
    """One model on one data set, with the settings that differ from its defaults."""

    dataset: str
    model: str
    goal: str
    config: dict[str, Any] = field(default_factory=dict)
    note: str = ""


CASES = (
    Case("mnist", "mlp", "93 % in 60 s"),
    Case("mnist", "cnn", "97 % in 120 s"),
    Case("shapes", "mobilenet_v2", "", {"pretrained": False}, "from scratch"),
    Case("shapes", "mobilenet_v2", "far above", {"pretrained": True}, "pretrained"),
    Case("languages", "embedding-bag", "90 % in 60 s"),
    Case("topics", "embedding-bag", ""),
    Case("topics", "lstm", ""),
    Case("topics", "gru", ""),
    Case("topics", "transformer", ""),
    Case("topics", "minilm", "above the four"),
)


def largest_class(dataset: "Dataset") -> float:
    """The accuracy of always answering the most frequent class."""
    from backend.datasets.store import Store

    store = Store.open(dataset.id)
    labels = store.labels[store.indices("test")].tolist()
    return max(Counter(labels).values()) / len(labels)


def measure(case: Case, seeds: tuple[int, ...]) -> tuple["Dataset", list[float], list[float]]:
    """Accuracy on the test split, and the seconds from claim to end, of each seed."""
    from backend import datasets, runs

    dataset = datasets.get_dataset(case.dataset)
    scores, seconds = [], []
    for seed in seeds:
        config = {**case.config, "seed": seed}
        run = runs.start_run(task=dataset.task, dataset=dataset.id, model=case.model, config=config)
        ended = wait_for_end(run.id)
        scores.append(100 * ended.metrics["test/accuracy"])
        seconds.append(runs.run_seconds(ended))
        print(f"  {case.dataset} {case.model} {seed}: {scores[-1]:.1f}", file=sys.stderr)
    return dataset, scores, seconds


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="scores", description=__doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--only", action="append", help="a data set or model", default=[])
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    table = Table(
        "scores",
        "Scores on the test split",
        ("data, model", "accuracy in %, mean", "range", "seconds", "largest class, %", "goal"),
    )
    with fresh_home():
        from backend import datasets

        datasets.prepare_bundled()
        for case in CASES:
            if options.only and not {case.dataset, case.model} & set(options.only):
                continue
            dataset, scores, seconds = measure(case, SEEDS[: options.seeds])
            name = f"{case.dataset}, `{case.model}` {case.note}".strip()
            table.add(
                name,
                f"**{sum(scores) / len(scores):.1f}**",
                f"{min(scores):.1f} to {max(scores):.1f}",
                spread([round(median(seconds), 1)], 0),
                f"{100 * largest_class(dataset):.1f}",
                case.goal or "–",
            )
        languages = ", ".join(datasets.get_dataset("languages").classes)
    table.notes.append(
        f"{options.seeds} seeds each, with the model's default settings; seconds from the claim "
        f"of the run to its end, test included. The languages are {languages}."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
