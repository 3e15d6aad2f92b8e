"""Runs all checks on a version of a data set, tells how far it is, and keeps what they found."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend import datasets
from backend.datasets import versions
from backend.datasets.doctor.finding import SEVERITIES, Finding
from backend.datasets.doctor.registry import Check, list_checks
from backend.datasets.doctor.reports import Report, read_report, save_report
from backend.datasets.doctor.subject import Subject
from backend.datasets.preview import read_example
from backend.datasets.splits import DROPPED, SPLITS
from backend.datasets.store import Store
from backend.errors import DataError
from storage.records import Dataset

EXAMPLES = 12
"""Kept of each finding as text; the numbers of all are kept."""
LONGEST = 300

Tell = Callable[[str, float], None]
log = logging.getLogger(__name__)


def examine(dataset: Dataset, tell: Tell | None = None, *, again: bool = False) -> Report:
    """The report on a version: the kept one, or a new one.

    tell(words, share) is called now and then. Raises DataError where the data set's files cannot
    be read, or are deleted meanwhile.
    """
    stamp = versions.ensure_sha256(dataset)
    known = None if again else read_report(dataset, stamp)
    if known is not None:
        return known
    report, groups = _run(Subject(dataset), tell or (lambda words, share: None))
    try:
        save_report(dataset, stamp, report, groups)
    except FileNotFoundError as error:
        raise DataError(f"{dataset.name} was deleted while it was looked at.") from error
    return report


def examine_errand(arguments: dict[str, Any], folder: Path, progress: Tell) -> dict[str, Any]:
    """The same as an errand's work (backend/jobs/errand_worker.py); the report is its answer."""
    dataset = datasets.get_dataset(arguments["dataset"], arguments["version"])
    report = examine(dataset, progress)
    return {"findings": len(report.findings)}


def _run(subject: Subject, say: Tell) -> tuple[Report, NDArray[np.int64] | None]:
    began, found, skipped = time.monotonic(), [], []
    checks = [one for one in list_checks() if one.fits(subject)]
    for number, check in enumerate(checks):
        share = number / len(checks)

        def tick(part: float, check: Check = check, share: float = share) -> None:
            say(check.title, share + part / len(checks))

        tick(0.0)
        subject.tick = tick
        try:
            found += list(check.look(subject))
        except (DataError, MemoryError):
            raise
        # A check that fails must not take the others' findings away.
        except Exception:
            log.exception("The check %s failed on %s", check.name, subject.dataset.id)
            skipped.append(check.title)
    found.sort(key=lambda one: SEVERITIES.index(one.severity))
    examples = [_examples(subject, one) for one in found]
    return Report(found, examples, time.monotonic() - began, skipped), _groups(subject)


def _groups(subject: Subject) -> NDArray[np.int64] | None:
    """Near copies as numbers in the store, of all its items."""
    if subject.store.kind == "rating":
        return None
    groups = np.arange(len(subject.store))
    groups[subject.present] = subject.present[subject.groups.near]
    return groups


def _examples(subject: Subject, finding: Finding) -> list[dict[str, Any]]:
    """The first few, as plain JSON: where there are no examples, the rows that tell of it."""
    if not len(finding.flagged):
        return [dict(row) for row in finding.rows[:EXAMPLES]]
    return [
        describe(subject.dataset, subject.store, int(index)) for index in finding.flagged[:EXAMPLES]
    ]


def describe(dataset: Dataset, store: Store, index: int) -> dict[str, Any]:
    """One example in a few words, as JSON: its number, part, label and text, where it has them."""
    split = int(store.splits[index])
    found: dict[str, Any] = {
        "index": index, "split": "left out" if split == DROPPED else SPLITS[split]
    }  # fmt: skip
    if store.target == "class" and store.labels[index] >= 0:
        found["label"] = dataset.classes[store.labels[index]]
    if store.kind in ("text", "rating"):
        example = read_example(dataset, store, index)
        found["text"] = (example.text or "")[:LONGEST]
        if example.target is not None:
            found["target"] = example.target[:LONGEST]
    if store.kind == "image":
        height, width, _ = store.shapes()[index].tolist()
        found["size"] = f"{width} x {height}"
    return found
