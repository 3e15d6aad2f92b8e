"""The files that keep what a run's test gave, example by example, and what its training part did.

One compressed file of plain arrays below the run's folder, beside what no array holds as JSON.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes
from storage import files

COLUMNS = ("weights", "truth", "answer", "truth_share", "answer_share", "examples")
FACTS, VALUE = "facts", "value/"
TEST, TRAINING = files.test_results, files.training_labels
"""Where they are kept: of the test, written by the worker once; of what votes say of the rest."""


@dataclass(frozen=True, slots=True)
class TestResults:
    """What the test of a run gave.

    outcomes: None where the task has none for single examples. naive: None where there is no
    naive guess. classes: their names in the order of their numbers. step: of the tested model.
    versions: of the packages that computed it.
    """

    __test__ = False  # pytest: this is no test

    step: int
    outcomes: Outcomes | None = None
    naive: Naive | None = None
    classes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def save_results(run_id: int, results: TestResults, where: Callable[[int], Path] = TEST) -> None:
    """Write a run's results in place of earlier ones, whole or not at all."""
    path = where(run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {
        "step": results.step,
        "classes": results.classes,
        "versions": results.versions,
        "naive": None,
    }
    if results.naive is not None:
        facts["naive"] = {"words": results.naive.words, "metrics": dict(results.naive.metrics)}
    arrays: dict[str, Any] = {FACTS: np.array(json.dumps(facts))}
    if results.outcomes is not None:
        found = {name: getattr(results.outcomes, name) for name in COLUMNS}
        arrays |= {name: column for name, column in found.items() if column is not None}
        arrays |= {f"{VALUE}{name}": column for name, column in results.outcomes.values.items()}
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_results(run_id: int, where: Callable[[int], Path] = TEST) -> TestResults | None:
    """What a run's test gave; None before it, or where the file is gone or damaged."""
    try:
        return _read(where(run_id))
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error):
        return None


def written_at(run_id: int, where: Callable[[int], Path] = TEST) -> int:
    """When results were written, in nanoseconds; 0 where there are none."""
    try:
        return where(run_id).stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> TestResults:
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(str(file[FACTS]))
        values = {
            name.removeprefix(VALUE): file[name] for name in file.files if name.startswith(VALUE)
        }
        columns = {name: file[name] for name in COLUMNS if name in file.files}
    naive = facts["naive"]
    return TestResults(
        step=int(facts["step"]),
        outcomes=Outcomes(values, **columns) if values else None,
        naive=None if naive is None else Naive(naive["words"], naive["metrics"]),
        classes=[str(name) for name in facts["classes"]],
        versions=dict(facts["versions"]),
    )
