"""Reads CSV and TSV files row by row: encoding, separator, header, columns; used by imports."""

import csv
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import IO

from backend.datasets.encodings import detect_encoding
from backend.datasets.skips import shown
from backend.errors import DataError, UsageError

SEPARATORS = (",", ";", "\t", "|")
MAX_CELL = 1_000_000
"""Characters; a longer cell is a mistake in the file, such as a quotation mark never closed."""
MAX_LINE = 2 * MAX_CELL
MAX_QUOTED_LINES = 1000
SAMPLE = 200
PREVIEW_ROWS = 20
TEXT_NAMES = (
    "text", "sentence", "content", "message", "review", "comment", "body", "tweet", "question",
    "utterance", "description", "headline", "title", "input", "prompt",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "target", "sentiment", "topic", "intent", "emotion",
    "language", "lang", "tag", "genre", "type", "answer", "output", "y",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, and its cells, or why it cannot be read."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written: found out once, then used to read it."""

    encoding: str
    separator: str
    columns: list[str]
    has_header: bool
    sample: list[Row]  # the first rows below the header


@dataclass(frozen=True, slots=True)
class TablePreview:
    """What a form shows before an import; text_column and label_column are guesses."""

    columns: list[str]
    text_column: str
    label_column: str
    rows: list[dict[str, str]]
    encoding: str
    separator: str


def inspect_table(path: Path, original_name: str | None = None) -> TablePreview:
    """A table's columns, first rows and guesses; raises DataError where it is not a table."""
    layout = detect_layout(path, shown(original_name or path.name))
    text, label = guess_columns(layout)
    width = len(layout.columns)
    good = [row.cells for row in layout.sample if len(row.cells) == width]
    return TablePreview(
        columns=layout.columns,
        text_column=layout.columns[text],
        label_column=layout.columns[label],
        rows=[dict(zip(layout.columns, cells, strict=True)) for cells in good[:PREVIEW_ROWS]],
        encoding=layout.encoding,
        separator=layout.separator,
    )


def detect_layout(path: Path, name: str) -> Layout:
    """How the table is written; raises DataError where it is empty or has a single column."""
    if path.stat().st_size == 0:
        raise DataError(f"{name} is empty (0 bytes).")
    encoding = detect_encoding(path, name)
    best: tuple[float, int, str, list[Row]] = (0.0, 0, "", [])
    for separator in SEPARATORS:
        with open_table(path, encoding) as file:
            rows = [row for row, _ in zip(read_rows(file, separator), range(SAMPLE), strict=False)]
        if not rows:
            raise DataError(f"{name} holds no rows, only blank lines.")
        width = len(rows[0].cells)
        # The share of rows that are as wide as the first one; a header alone counts.
        even = sum(len(row.cells) == width for row in rows) / len(rows)
        if width > 1 and (even, width) > best[:2]:
            best = (even, width, separator, rows)
    _, _, separator, rows = best
    if not separator:
        raise DataError(
            f"{name} has only one column. It needs two: one with texts, one with labels, "
            "separated by commas, semicolons or tabs."
        )
    has_header = _has_header([row.cells for row in rows])
    first = rows[0].cells if has_header else [""] * len(rows[0].cells)
    return Layout(encoding, separator, _unique(first), has_header, rows[1:] if has_header else rows)


def choose_columns(
    layout: Layout, name: str, text_column: str | None, label_column: str | None
) -> tuple[int, int]:
    """The places of both columns, guessed where not named; raises UsageError on unknown names."""
    guesses = guess_columns(layout)
    places = []
    for wanted, guess in zip((text_column, label_column), guesses, strict=True):
        if wanted is not None and wanted not in layout.columns:
            known = ", ".join(shown(column) for column in layout.columns[:30])
            raise UsageError(f"{name} has no column {shown(wanted)!r}. Its columns: {known}.")
        places.append(guess if wanted is None else layout.columns.index(wanted))
    text, label = places
    if text == label:
        if text_column is not None and label_column is not None:
            raise UsageError("The texts and the labels must be two different columns.")
        # One was named and the guess for the other fell on it: take the next best.
        free = guess_columns(layout, taken=text)
        text, label = (text, free[1]) if text_column is not None else (free[0], label)
    return text, label


def guess_columns(layout: Layout, taken: int | None = None) -> tuple[int, int]:
    """The places of the text and of the label column: by name, else by what the cells hold."""
    width = len(layout.columns)
    rows = [row.cells for row in layout.sample if len(row.cells) == width]
    places = [place for place in range(width) if place != taken]
    names = [column.casefold().strip() for column in layout.columns]

    def by_name(known: tuple[str, ...]) -> int | None:
        return next((names.index(n) for n in known if n in names and names.index(n) != taken), None)

    def length(place: int) -> int:
        return sum(len(cells[place]) for cells in rows)

    def variety(place: int) -> tuple[bool, int]:
        values = {cells[place] for cells in rows}
        return (len(values) < 2, len(values))

    text, label = by_name(TEXT_NAMES), by_name(LABEL_NAMES)
    if text is None:
        text = max((p for p in places if p != label or len(places) == 1), key=length)
    if label is None:
        # Of columns with equal variety the last: labels mostly stand behind the texts.
        others = [p for p in reversed(places) if p != text] or [text]
        label = min(others, key=variety)
    return text, label


def open_table(path: Path, encoding: str) -> IO[str]:
    return path.open(encoding=encoding, errors="replace", newline=None)


def read_rows(file: IO[str], separator: str) -> Iterator[Row]:
    """The rows of an open table that are not blank, the header first.

    A quotation mark that is never closed costs its own row only, not the rest of the file.
    """
    csv.field_size_limit(MAX_CELL)
    for line, text, problem in _records(file, separator):
        if problem:
            yield Row(line, [], problem)
            continue
        text = text.rstrip("\n")
        if not text.strip() or (line == 1 and text.lower() == f"sep={separator}"):
            continue
        try:
            if '"' in text:
                cells = next(csv.reader([text], delimiter=separator, skipinitialspace=True))
            else:
                cells = text.split(separator)
        except csv.Error:
            yield Row(line, [], f"A cell is longer than {MAX_CELL:,} characters.")
            continue
        if len(text) > MAX_CELL and any(len(cell) > MAX_CELL for cell in cells):
            yield Row(line, [], f"A cell is longer than {MAX_CELL:,} characters.")
            continue
        yield Row(line, cells)


class _Quote(Enum):
    CLOSED = auto()
    OPEN = auto()
    STRAY = auto()  # a mark that closes in the middle of a cell: the opening one was a mistake


def _records(file: IO[str], separator: str) -> Iterator[tuple[int, str, str]]:
    """Line number, text and problem of each record, which quotes may stretch over lines."""
    waiting: deque[str] = deque()

    def read() -> str:
        return waiting.popleft() if waiting else file.readline(MAX_LINE)

    number = 0
    while line := read():
        number += 1
        if len(line) >= MAX_LINE and not line.endswith("\n"):
            while (rest := read()) and not rest.endswith("\n"):
                pass
            yield number, "", f"The line is longer than {MAX_LINE:,} characters."
            continue
        if '"' not in line or _scan(line, separator, inside=False) is _Quote.CLOSED:
            yield number, line, ""
            continue
        lines, state, size = [line], _Quote.OPEN, len(line)
        while state is _Quote.OPEN and len(lines) < MAX_QUOTED_LINES and size <= MAX_LINE:
            if not (more := read()):
                break
            lines.append(more)
            size += len(more)
            state = _scan(more, separator, inside=True) if '"' in more else state
        if state is _Quote.CLOSED:
            yield number, "".join(lines), ""
            number += len(lines) - 1
        else:
            waiting.extendleft(reversed(lines[1:]))
            yield number, "", "A quotation mark is opened and never closed."


def _scan(line: str, separator: str, *, inside: bool) -> _Quote:
    """Whether a quoted cell is still open at the end of a line."""
    place, began_inside = 0, inside
    while True:
        if not inside:
            while line[place : place + 1] == " ":
                place += 1
            if line[place : place + 1] != '"':
                place = line.find(separator, place) + 1
                if place == 0:
                    return _Quote.CLOSED
                continue
            place += 1
        mark = line.find('"', place)
        if mark < 0:
            return _Quote.OPEN
        after = line[mark + 1 : mark + 2]
        if after == '"':
            place, inside = mark + 2, True
        elif after in ("", "\n"):
            return _Quote.CLOSED
        elif after == separator:
            place, inside, began_inside = mark + 2, False, False
        elif began_inside:
            return _Quote.STRAY
        else:
            place, inside = line.find(separator, mark) + 1, False
            if place == 0:
                return _Quote.CLOSED


def _has_header(rows: list[list[str]]) -> bool:
    """False where a cell of the first row is a value that its column repeats: a label."""
    first, rest = rows[0], [cells for cells in rows[1:] if len(cells) == len(rows[0])]
    for place, cell in enumerate(first):
        values = [cells[place] for cells in rest]
        if values.count(cell) >= 2 and len(set(values)) <= len(values) / 2:
            return False
    return True


def _unique(header: list[str]) -> list[str]:
    """Column names that can be chosen by: none empty, none twice."""
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        base = " ".join(cell.split()) or f"column {number}"
        name, copy = base, 2
        while name in names:
            name, copy = f"{base} ({copy})", copy + 1
        names.append(name)
    return names


def position(file: IO[str]) -> float:
    """The share of an open table that has been read, 0 to 1, to within a buffer."""
    size = os.fstat(file.fileno()).st_size
    return os.lseek(file.fileno(), 0, os.SEEK_CUR) / max(1, size)
