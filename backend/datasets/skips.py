"""What an import left out, listed and counted; filled by the readers, stored with the data set."""

import csv
from collections import Counter
from pathlib import Path
from typing import IO, Any

from backend.spreadsheets import as_csv, safe_cell
from storage import files
from storage.records import Dataset

MAX_LISTED = 1000
MAX_SHOWN = 120
JOINERS = "\u200c\u200d"
"""Invisible, but part of Persian words and of emoji."""
SKIPPED_FILE = "skipped.csv"
"""Where a data set's folder lists all that was left out, for a spreadsheet."""


class Skips:
    """Rows or files that were not taken, each with where it stood and why."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: where to list all of them; without one only the first 1,000 are kept."""
        self.listed: list[dict[str, str]] = []
        self.kinds: Counter[str] = Counter()
        self._folder = folder
        self._file: IO[str] | None = None

    def add(self, where: str, reason: str, kind: str) -> None:
        """Note one; `kind` is what it is counted under. Beyond the first 1,000 only in the file."""
        self.kinds[kind] += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append({"where": where, "reason": reason})
        if self._folder is not None:
            if self._file is None:
                path = self._folder / SKIPPED_FILE
                self._file = path.open("w", encoding="utf-8-sig", newline="")
                csv.writer(self._file).writerow(("where", "reason"))
            csv.writer(self._file).writerow((safe_cell(where), safe_cell(reason)))

    def extend(self, other: "Skips") -> None:
        """Note what another list has, as far as it is listed there."""
        for entry in other.listed:
            self.add(entry["where"], entry["reason"], "other")
        self.kinds.subtract({"other": len(other.listed)})
        self.kinds.update(other.kinds)
        self.kinds = +self.kinds

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def count(self) -> int:
        return self.kinds.total()

    def details(self) -> dict[str, Any]:
        """For a data set's details: the whole number, and the number of each kind."""
        return {"skipped_count": self.count, "skipped_kinds": dict(self.kinds)}

    def summary(self) -> str:
        """The first reason in words, for a refusal; empty where nothing was skipped."""
        if not self.listed:
            return ""
        first = self.listed[0]
        more = f" (and {self.count - 1:,} more)" if self.count > 1 else ""
        return f" {first['where']}: {first['reason'].removesuffix('.')}{more}."


def skipped_csv(dataset: Dataset) -> bytes:
    """Everything that an import left out, as a CSV file for a spreadsheet."""
    path = files.dataset_dir(dataset.id) / SKIPPED_FILE
    if path.is_file():
        return path.read_bytes()
    rows = [(one["where"], one["reason"]) for one in dataset.skipped]
    return as_csv(("where", "reason"), rows).encode("utf-8-sig")


def cleaned(name: str) -> str:
    """A user's name on one line, without signs that cannot be seen or that turn the line around."""
    return "".join(
        sign if sign.isprintable() or sign in JOINERS else "\N{REPLACEMENT CHARACTER}"
        for sign in name
    )


def shown(name: str) -> str:
    """A user's file or column name, fit for a sentence: one line, not too long."""
    line = cleaned(name)
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN // 2]}...{line[-40:]}"
