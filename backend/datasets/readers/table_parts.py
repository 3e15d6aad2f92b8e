"""The tables in what was given: several files or sheets as one, and the splits of their names."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import Entry, Source
from backend.datasets.readers.columns import SPLIT_WORDS
from backend.datasets.readers.tables import Table, open_table
from backend.datasets.readers.workbook import is_workbook, largest_sheet, read_sheets
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import TRAIN, UNASSIGNED

_WORDS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One file or sheet: its table, what it is called, the split that its name says."""

    name: str
    split: int
    table: Table


@contextmanager
def open_parts(
    source: Source, entries: list[Entry], choices: Choices, skips: Skips, *, least: int
) -> Iterator[list[Part]]:
    """The tables that belong together, the one that the others must resemble first.

    Those whose columns are others are skipped. Raises DataError where a file is no table.
    """
    with ExitStack() as stack:
        found = []
        for entry, sheet, name in _pieces(source, entries, choices, skips, least):
            title = source.name if entry.path == source.name else shown(entry.path)
            chosen = replace(choices, sheet=sheet)
            table = stack.enter_context(
                open_table(source.on_disk(entry), title, chosen, least=least)
            )
            found.append((entry, name, table))
        splits = _splits([name for _, name, _ in found]) if choices.keep_splits else None
        parts = [
            Part(name, UNASSIGNED if splits is None else splits[place], table)
            for place, (_, name, table) in enumerate(found)
        ]
        yield _alike(parts, [entry.size for entry, _, _ in found], skips)


def _pieces(
    source: Source, entries: list[Entry], choices: Choices, skips: Skips, least: int
) -> Iterator[tuple[Entry, str, str]]:
    """File, sheet and name of each table; of a workbook one sheet, or those named for splits."""
    for entry in entries:
        path = source.on_disk(entry)
        if choices.sheet or not is_workbook(path):
            yield entry, choices.sheet, entry.path
            continue
        sheets = read_sheets(path, shown(entry.path))
        named = [sheet for sheet in sheets if split_in_path(sheet) is not None]
        if len(entries) > 1 or _splits(named) is None:
            named = [largest_sheet(path, shown(entry.path), least)]
        for sheet in sheets:
            if sheet in named:
                yield entry, sheet, sheet if len(named) > 1 else entry.path
            else:
                skips.add(f"sheet {shown(sheet)}", "Another sheet is read.", "sheet")


def _splits(names: list[str]) -> list[int] | None:
    """The split of each name, such as reviews_train.csv; None where they are not named so."""
    found = [split_in_path(name) for name in names]
    if None in found or TRAIN not in found or len(set(found)) < 2:
        return None
    return [split for split in found if split is not None]


def split_in_path(path: str) -> int | None:
    """The split that a path names: its last part that holds such a word decides."""
    for part in reversed(path.lower().split("/")):
        for word in _WORDS.split(part):
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
    return None


def _alike(parts: list[Part], sizes: list[int], skips: Skips) -> list[Part]:
    """The parts with the columns that most bytes have; the others are skipped."""
    weights: Counter[tuple[str, ...]] = Counter()
    for part, size in zip(parts, sizes, strict=True):
        weights[tuple(part.table.columns)] += size + 1
    columns = set(weights.most_common(1)[0][0]) if weights else set()
    chosen = []
    for part in parts:
        # One that lacks a column may still have those that are needed; one with others has not.
        if len(columns & set(part.table.columns)) * 2 > len(columns):
            chosen.append(part)
        else:
            skips.add(shown(part.name), "Its columns are others than those of the rest.", "table")
    chosen.sort(key=lambda part: set(part.table.columns) != columns)
    return chosen
