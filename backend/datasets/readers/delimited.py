"""Reads CSV and TSV files row by row: encoding, separator, header; opened by tables.py."""

import csv
import os
from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import IO

from backend.datasets.encodings import chosen_encoding
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.tables import (
    MAX_CELL,
    SAMPLE,
    Facts,
    Row,
    has_header,
    unique_names,
)
from backend.datasets.skips import shown
from backend.errors import DataError
from backend.spreadsheets import plain_cell

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "upright strokes"}
ALONE = "\x1f"
"""The separator of a table with a single column: a sign that no text holds."""
MAX_LINE = 2 * MAX_CELL
MAX_QUOTED_LINES = 1000
EVEN = 0.9
"""Of a table that may have a single column, the share of rows that must have equally many cells."""


class DelimitedTable:
    """Rows of cells with a separator between them."""

    def __init__(self, path: Path, name: str, choices: Choices, least: int) -> None:
        """Find out how it is written; raises DataError where it is empty or has too few columns."""
        self._path = path
        self._file: IO[str] | None = None
        encoding = chosen_encoding(choices, path, name)
        separator, rows = self._divide(encoding, name, choices.separator, least)
        first = rows[0].cells
        header = has_header([row.cells for row in rows]) if choices.header is None else None
        header = choices.header if header is None else header
        self.columns = unique_names(first if header else [""] * len(first))
        self.sample = rows[1:] if header else rows
        self.facts = Facts("CSV", encoding, separator, header)

    def _divide(self, encoding: str, name: str, chosen: str, least: int) -> tuple[str, list[Row]]:
        """The separator that makes the most even rows, and the first rows."""
        best: tuple[float, int, str, list[Row]] = (0.0, 0, "", [])
        for separator in (chosen,) if chosen else SEPARATORS:
            rows = self._first_rows(encoding, separator)
            if not rows:
                raise DataError(f"{name} holds no rows, only blank lines.")
            width = len(rows[0].cells)
            # The share of rows that are as wide as the first one; a header alone counts.
            even = sum(len(row.cells) == width for row in rows) / len(rows)
            if width > 1 and (even, width) > best[:2]:
                best = (even, width, separator, rows)
        even, _, separator, rows = best
        if least == 1 and even < EVEN:
            return ALONE, self._first_rows(encoding, ALONE)
        if not separator:
            raise DataError(
                f"{name} has only one column. It needs two: one with texts, one with labels, "
                "separated by commas, semicolons or tabs."
                if least > 1 and not chosen
                else f"{name} has only one column where {SEPARATORS.get(chosen, shown(chosen))} "
                "separate them."
            )
        return separator, rows

    def _first_rows(self, encoding: str, separator: str) -> list[Row]:
        with open_text(self._path, encoding) as file:
            numbered = zip(read_rows(file, separator), range(SAMPLE), strict=False)
            return [row for row, _ in numbered]

    def rows(self, places: list[int]) -> Iterator[Row]:
        width = len(self.columns)
        with open_text(self._path, self.facts.encoding) as self._file:
            reader = read_rows(self._file, self.facts.separator)
            if self.facts.header:
                next(reader, None)
            for row in reader:
                if len(row.cells) > width and not any(cell.strip() for cell in row.cells[width:]):
                    # Programs that write a separator at the end of each row mean no further cell.
                    del row.cells[width:]
                for place in places:
                    # The quote that spreadsheets, and our own exports, put before a formula.
                    if place < len(row.cells) and row.cells[place][:1] == "'":
                        row.cells[place] = plain_cell(row.cells[place])
                yield row

    def position(self) -> float:
        """To within a buffer."""
        if self._file is None or self._file.closed:
            return 0.0
        size = os.fstat(self._file.fileno()).st_size
        return os.lseek(self._file.fileno(), 0, os.SEEK_CUR) / max(1, size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def open_text(path: Path, encoding: str) -> IO[str]:
    """A text file; what its encoding cannot say becomes a mark."""
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
