"""What every table gives, whatever file it comes from, and which reader opens which file."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from backend.datasets.formats import TABLES
from backend.datasets.incoming.choices import Choices
from backend.errors import DataError

SAMPLE = 200
"""Rows that are looked at to find out what the columns are."""
MAX_COLUMNS = 2000
MAX_CELL = 1_000_000
"""Characters; a longer cell is a mistake in the file, such as a quotation mark never closed."""

Cell = Any
"""A text; of Parquet files also bytes, where a cell is a whole picture or recording."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line (or number) it begins on, and its cells, or why it cannot be read."""

    line: int
    cells: list[Cell]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """How a table was read: what a form shows and lets be corrected."""

    kind: str  # CSV, JSON, Parquet, Excel
    encoding: str = ""
    separator: str = ""
    header: bool | None = None  # None where headers are no question
    sheets: list[str] = field(default_factory=list)
    sheet: str = ""
    unit: str = "line"  # what its rows are counted in


class Table(Protocol):
    """A table that was opened: columns, the first rows, and all rows as often as needed."""

    facts: Facts
    columns: list[str]
    sample: list[Row]

    def rows(self, places: list[int]) -> Iterator[Row]:
        """The rows below the header; cells outside the places may be left empty."""
        ...

    def position(self) -> float:
        """The share that has been read, 0 to 1."""
        ...

    def close(self) -> None: ...


def open_table(
    path: Path, name: str, choices: Choices, *, least: int = 2
) -> AbstractContextManager[Table]:
    """The table in a file, by what its bytes are; raises DataError where it is none.

    name: what the user calls it. least: how many columns it must have.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise DataError(f"{name} is empty (0 bytes).")
    table = _reader(head, name)(path, name, choices, least)
    if len(table.columns) > MAX_COLUMNS:
        table.close()
        raise DataError(
            f"{name} has {len(table.columns):,} columns; at most {MAX_COLUMNS:,} are possible."
        )
    return closing(table)


def _reader(head: bytes, name: str) -> Any:
    suffix = name.rpartition(".")[2].lower()
    if head.startswith((b"PAR1", b"PARE")):
        from backend.datasets.readers.parquet import ParquetTable

        return ParquetTable
    from backend.datasets.readers.workbook import MARKS, WorkbookTable

    if head.startswith(MARKS):
        return WorkbookTable
    if suffix in ("json", "jsonl", "ndjson"):
        from backend.datasets.readers.json_rows import JsonTable

        return JsonTable
    from backend.datasets.readers.delimited import DelimitedTable

    return DelimitedTable


def is_table(name: str) -> bool:
    """Whether a file's ending is that of a table."""
    return name.rpartition(".")[2].lower() in TABLES


def unique_names(header: list[str]) -> list[str]:
    """Column names that can be chosen by: none empty, none twice."""
    names: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate(header, 1):
        base = " ".join(cell.split()) or f"column {number}"
        name, copy = base, 2
        while name in taken:
            name, copy = f"{base} ({copy})", copy + 1
        taken.add(name)
        names.append(name)
    return names


def has_header(rows: list[list[str]]) -> bool:
    """False where a cell of the first row is a value that its column repeats: a label."""
    first, rest = rows[0], [cells for cells in rows[1:] if len(cells) == len(rows[0])]
    for place, cell in enumerate(first):
        values = [cells[place] for cells in rest]
        if values.count(cell) >= 2 and len(set(values)) <= len(values) / 2:
            return False
    return True
