"""What an import left out, listed and counted; filled by the readers, stored with the data set."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MAX_LISTED = 1000
MAX_SHOWN = 120
JOINERS = "\u200c\u200d"
"""Invisible, but part of Persian words and of emoji."""


@dataclass(slots=True)
class Skips:
    """Rows or files that were not taken, each with where it stood and why."""

    listed: list[dict[str, str]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, where: str, reason: str, kind: str) -> None:
        """Note one; `kind` is what it is counted under. Beyond the first 1,000 only counted."""
        self.kinds[kind] += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append({"where": where, "reason": reason})

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
