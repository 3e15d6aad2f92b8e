"""What the doctor found, kept per version of a data set; numbers of examples as arrays."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import SEVERITIES, Cure, Finding
from storage import files
from storage.records import Dataset

VERSION = 1
"""Raised when checks change, so that what an older Trainroom found is looked for again."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings on a version, the worst first; seconds that it took; what was not looked at.

    examples: for each finding a few examples as JSON, as the command line prints them.
    """

    findings: list[Finding]
    examples: list[list[dict[str, Any]]]
    seconds: float
    skipped: list[str] = field(default_factory=list)

    def find(self, kind: str) -> Finding | None:
        """The finding of a kind, or None."""
        return next((one for one in self.findings if one.kind == kind), None)

    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        return {name: sum(one.severity == name for one in self.findings) for name in SEVERITIES}


def report_path(dataset: Dataset) -> Path:
    """The file with a version's report."""
    return _folder(dataset) / f"{dataset.version}.npz"


def _folder(dataset: Dataset) -> Path:
    return files.dataset_dir(dataset.id) / "doctor"


def save_report(
    dataset: Dataset, stamp: str, report: Report, groups: NDArray[np.int64] | None
) -> None:
    """Keep a report whole or not at all.

    stamp: the sum of what was looked at. groups: for each stored item the first one that it is
    nearly the same as, [n].
    """
    arrays: dict[str, NDArray[Any]] = {}
    if groups is not None:
        arrays["groups"] = groups
    rows = []
    for number, finding in enumerate(report.findings):
        arrays[f"flagged{number}"] = finding.flagged
        if finding.cure is not None:
            arrays[f"indices{number}"] = finding.cure.indices
            arrays[f"splits{number}"] = finding.cure.splits
        rows.append(_as_json(finding, report.examples[number]))
    head = {
        "version": VERSION, "stamp": stamp, "seconds": report.seconds,
        "skipped": report.skipped, "findings": rows,
    }  # fmt: skip
    arrays["head"] = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), np.uint8)
    path = report_path(dataset)
    if files.dataset_dir(dataset.id).is_dir():
        path.parent.mkdir(exist_ok=True)
    part = path.with_name(f"{path.stem}.{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_report(dataset: Dataset, stamp: str) -> Report | None:
    """The report on a version, or None where there is none on just this content."""
    try:
        with np.load(report_path(dataset), allow_pickle=False) as file:
            head = json.loads(file["head"].tobytes())
            if head["version"] != VERSION or head["stamp"] != stamp:
                return None
            findings = [_finding(row, number, file) for number, row in enumerate(head["findings"])]
    except (OSError, ValueError, KeyError, EOFError):
        return None
    examples = [row["examples"] for row in head["findings"]]
    return Report(findings, examples, head["seconds"], head["skipped"])


def near_groups(dataset: Dataset) -> NDArray[np.int64] | None:
    """For each stored item the first one that it is nearly the same as, [n]; None if not known."""
    try:
        with np.load(report_path(dataset), allow_pickle=False) as file:
            return file["groups"].astype(np.int64) if "groups" in file else None
    except (OSError, ValueError, EOFError):
        return None


def _as_json(finding: Finding, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cure = finding.cure
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "sentence": finding.sentence,
        "count": finding.count,
        "rows": list(finding.rows),
        "examples": list(examples),
        "cure": {
            "kind": cure.kind,
            "button": cure.button,
            "result": cure.result,
            "values": dict(cure.values),
        }
        if cure
        else None,
    }


def _finding(row: Mapping[str, Any], number: int, file: Mapping[str, NDArray[Any]]) -> Finding:
    cure = row["cure"]
    return Finding(
        row["kind"],
        row["severity"],
        row["sentence"],
        row["count"],
        file[f"flagged{number}"].astype(np.int64),
        row["rows"],
        Cure(
            cure["kind"],
            cure["button"],
            cure["result"],
            file[f"indices{number}"].astype(np.int64),
            file[f"splits{number}"].astype(np.uint8),
            cure["values"],
        )
        if cure
        else None,
    )
