"""What a run's test scores are worth: chance, a naive guess, each class, how often it was asked.

The run's page and the command line read it from what the worker kept of the test.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from backend import datasets, runs
from backend.errors import TrainroomError
from backend.scores.confidence import (
    MACRO_F1,
    ClassResult,
    Interval,
    f1_interval,
    mean_interval,
    per_class,
    wilson,
)
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes
from backend.scores.results import load_results, written_at
from backend.tasks import get_task
from backend.tasks.base import Metric
from storage import files
from storage.records import Run, RunStatus

OFTEN = 10
"""Runs tested on the same examples from which on the best of them is partly luck."""
SHARE_OF_EXAMPLES = "accuracy"
"""A score whose interval needs no more than the number of examples."""


@dataclass(frozen=True, slots=True)
class HonestScore:
    """One test score: between which values chance may move it, and what a naive guess gets."""

    metric: Metric
    value: float
    interval: Interval | None = None
    naive: float | None = None

    @property
    def beats_naive(self) -> bool | None:
        """Whether even the worse end is better than a naive guess; None where nobody knows."""
        if self.naive is None:
            return None
        worst = self.value
        if self.interval is not None:
            worst = self.interval.low if self.metric.higher_is_better else self.interval.high
        return worst > self.naive if self.metric.higher_is_better else worst < self.naive


@dataclass(frozen=True, slots=True)
class HonestScores:
    """All of a run's test: scores, the main one first; classes, the weakest first.

    naive_words: what a naive guess does, as in "always answering 7, the most frequent class".
    examples: of the test. looks: how many runs were tested on these data.
    """

    scores: tuple[HonestScore, ...]
    naive_words: str
    examples: int
    classes: tuple[ClassResult, ...]
    looks: int


def honest_scores(run: Run) -> HonestScores | None:
    """What the test of a run is worth; None before it was tested."""
    if not any(name.startswith("test/") for name in run.metrics):
        return None
    found = _measured(run.id, run.attempt, written_at(run.id), files.home())
    return None if found is None else replace(found, looks=count_looks(run.dataset_id))


@lru_cache(maxsize=64)
def _measured(run_id: int, _attempt: int, _changed: int, _home: Path) -> HonestScores | None:
    run = runs.get_run(run_id)
    try:
        metrics = get_task(run.task).metrics
    except TrainroomError:  # of a task file that has gone since
        return None
    results = load_results(run_id)
    outcomes = None if results is None else results.outcomes
    naive = None if results is None else results.naive
    classes = [] if results is None else results.classes
    examples = len(outcomes) if outcomes else _test_examples(run)
    scores = []
    for metric in metrics:
        value = run.metrics.get(f"test/{metric.name}")
        if value is None:
            continue
        interval = _interval(metric, value, outcomes, examples, len(classes))
        scores.append(HonestScore(metric, value, interval, _naive_value(metric, naive, run)))
    found = per_class(outcomes, classes) if outcomes is not None else []
    return HonestScores(tuple(scores), naive.words if naive else "", examples, tuple(found), 0)


def _naive_value(metric: Metric, naive: Naive | None, run: Run) -> float | None:
    known = run.metrics.get(f"naive/{metric.name}")
    return known if naive is None else naive.metrics.get(metric.name, known)


def _test_examples(run: Run) -> int:
    try:
        splits = datasets.get_dataset(run.dataset_id, run.dataset_version).splits
    except TrainroomError:  # deleted since
        return 0
    return int(splits.get("test", 0))


def _interval(
    metric: Metric, value: float, outcomes: Outcomes | None, examples: int, classes: int
) -> Interval | None:
    found = None
    if outcomes is not None and metric.name in outcomes.values:
        found = mean_interval(outcomes.values[metric.name], outcomes.weights)
    elif outcomes is not None and metric.name == MACRO_F1 and classes:
        assert outcomes.truth is not None
        assert outcomes.answer is not None
        found = f1_interval(outcomes.truth, outcomes.answer, classes)
    elif outcomes is None and metric.name == SHARE_OF_EXAMPLES and examples:
        found = wilson(value, examples)
    if found is None:
        return None
    # A score that is no plain mean of its examples (such as COCO's) may lie a little beside theirs.
    low, high = min(found.low, value), max(found.high, value)
    return Interval(low, high)


def count_looks(dataset_id: str) -> int:
    """How many runs have been tested on the test part of a data set."""
    return sum(
        any(name.startswith("test/") for name in run.metrics)
        for run in runs.list_runs([RunStatus.FINISHED])
        if run.dataset_id == dataset_id
    )
