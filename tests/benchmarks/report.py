"""Tables of measurements: printed, and kept in docs/benchmarks.md; every benchmark ends here."""

import argparse
import os
import platform
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"


@dataclass
class Table:
    """One table: rows of cells as they are shown, and sentences that explain it."""

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.rows.append([str(cell) for cell in cells])

    def markdown(self) -> str:
        lines = [f"## {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|---" + "|---:" * (len(self.columns) - 1) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        for note in self.notes:
            lines += ["", note]
        lines += ["", f"_{time.strftime('%Y-%m-%d')}, {machine()}._", ""]
        return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on, in one line."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    parts = [f"{cores} cores, {memory:.0f} GB, {platform.system()}"]
    parts.append(f"Python {platform.python_version()}")
    parts += [f"{name} {version(name)}" for name in ("torch", "streamlit")]
    return ", ".join(parts)


def publish(table: Table, *, keep: bool) -> None:
    """Print a table; with keep, put it in place of its former self in docs/benchmarks.md."""
    print(table.markdown(), flush=True)
    if not keep:
        return
    start, end = f"<!-- {table.name} -->", f"<!-- /{table.name} -->"
    block = f"{start}\n{table.markdown()}{end}"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(page):
        page = pattern.sub(lambda _: block, page)
    else:
        page = page.rstrip() + f"\n\n{block}\n"
    PAGE.write_text(page, encoding="utf-8")


def options_parser(name: str, about: str | None) -> argparse.ArgumentParser:
    """The options that most benchmarks have: some cases only, and whether to keep the table."""
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument("--only", action="append", help="a task, data set or model", default=[])
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    return parser


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median and range: 84,000 (81,000 to 86,000)."""
    middle, low, high = (f"{v:,.{digits}f}" for v in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"
