"""The best of several runs against each other one, example by example of the same test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backend.comparing.significance import Difference, corrected, difference, sentence
from backend.datasets.copying import same_origin
from backend.runs import Run
from backend.scores.outcomes import Outcomes
from backend.scores.results import TestResults, load_results
from backend.tasks.base import Metric

LEAST_SHARED = 10
"""Two versions of the data that share fewer test examples say nothing together."""


def differences(
    best: Run, chosen: Sequence[Run], metrics: Sequence[Metric], names: Mapping[int, str]
) -> tuple[list[tuple[Difference, str]], list[str]]:
    """Differences by each metric that single examples have, and where that cannot be told, why.

    names: what to call each run.
    """
    known: dict[int, TestResults] = {}
    doubts: list[str] = []
    for run in chosen:
        results, why = _results(run, names[run.id])
        if results is not None:
            known[run.id] = results
        else:
            doubts.append(why)
    found: list[Difference] = []
    for run in chosen:
        if run is best or run.id not in known or best.id not in known:
            continue
        pair = f"{names[best.id]} and {names[run.id]}"
        alike, why = _alike((best, known[best.id]), (run, known[run.id]), pair)
        doubts += [why] if why else []
        if alike is None:
            continue
        sides = (best.id, alike[0]), (run.id, alike[1])
        every = [difference(metric, *sides) for metric in metrics]
        # What is the same for all, such as the naive guesses of a task, is worth no sentence.
        found += [
            one
            for place, one in enumerate(every)
            if one is not None and (place == 0 or not one.is_same)
        ]
    told = [
        one
        for metric in metrics
        for one in corrected([one for one in found if one.metric.name == metric.name])
    ]
    return [(one, sentence(one, names[one.first], names[one.second])) for one in told], doubts


def _results(run: Run, name: str) -> tuple[TestResults | None, str]:
    """How a run's test went, or why that is not known of single examples."""
    results = load_results(run.id)
    if results is None:
        return None, (
            f"Of {name} it is not known how single examples went: it was not tested yet, or "
            "before that was kept."
        )
    if results.outcomes is None:
        return None, f"The scores of {name} are not made of single examples."
    return results, ""


def _alike(
    one: tuple[Run, TestResults], other: tuple[Run, TestResults], pair: str
) -> tuple[tuple[Outcomes, Outcomes] | None, str]:
    """Two tests cut to the examples that both were asked alike, and what is to be said of that.

    None where there are no such examples; the words then say why. pair: what to call the two.
    """
    (first, a), (second, b) = one, other
    assert a.outcomes is not None
    assert b.outcomes is not None
    if not same_origin(first.dataset_id, second.dataset_id):
        return None, f"{pair} were tested on different data, so chance cannot be told from skill."
    same_data = (first.dataset_id, first.dataset_version) == (
        second.dataset_id, second.dataset_version,
    )  # fmt: skip
    if same_data:
        if a.outcomes.examples.tolist() == b.outcomes.examples.tolist():
            return (a.outcomes, b.outcomes), ""
        return None, (
            f"{pair} were not tested on the very same examples: chance may be all there is to it."
        )
    shared = _shared(a, b)
    if shared is None or len(shared[0]) < LEAST_SHARED:
        return None, (
            f"{pair} were tested on different versions of the data, so chance cannot be told from "
            "skill. Train one of them again on the same version."
        )
    return shared, (
        f"{pair} learnt from different versions of the data: they are held against each other by "
        f"the {len(shared[0]):,} test examples that carry the same label in both."
    )


def _shared(a: TestResults, b: TestResults) -> tuple[Outcomes, Outcomes] | None:
    """The rows of the examples that have the same class in both; None where there are no classes.

    Versions of a data set keep the numbers of its examples (backend/datasets/versions.py).
    """
    assert a.outcomes is not None
    assert b.outcomes is not None
    if a.outcomes.truth is None or b.outcomes.truth is None or not a.classes or not b.classes:
        return None
    _, left, right = np.intersect1d(
        a.outcomes.examples, b.outcomes.examples, assume_unique=True, return_indices=True
    )
    # A version may have more classes, or other numbers for them.
    names = list(dict.fromkeys([*a.classes, *b.classes]))
    one = _renumbered(a.outcomes.take(left), a.classes, names)
    other = _renumbered(b.outcomes.take(right), b.classes, names)
    same = np.flatnonzero(one.truth == other.truth)
    return one.take(same), other.take(same)


def _renumbered(outcomes: Outcomes, classes: list[str], names: list[str]) -> Outcomes:
    """The same with the classes' places in names for their numbers."""
    numbers = np.array([names.index(one) for one in classes])
    assert outcomes.truth is not None
    answer = None if outcomes.answer is None else numbers[outcomes.answer]
    return replace(outcomes, truth=numbers[outcomes.truth], answer=answer)
