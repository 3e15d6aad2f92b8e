"""Reads Excel and OpenDocument workbooks (.xlsx, .xls, .ods), one sheet as one table."""

import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend import settings
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.cells import as_text
from backend.datasets.readers.compound_file import is_sound
from backend.datasets.readers.tables import MAX_CELL, SAMPLE, Facts, Row, has_header, unique_names
from backend.datasets.skips import shown
from backend.errors import DataError, UsageError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

MAX_UNPACKED = 800_000_000
"""Bytes that a workbook, which is a zip archive, may have in all."""
MAX_CELLS = 12_000_000
"""Cells between the first and the last used row and column: the reader holds them all."""
CHUNK = 1 << 20
MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_CELL = re.compile(rb"""\sr=["']([A-Z]{1,3})(\d{1,7})["']""")
_LONGEST = 24  # bytes of what _CELL finds
SAVE_AS = "Open it in the program that wrote it, and save it again or as CSV."


class WorkbookTable:
    """One sheet of a workbook: as many columns as its header and its first rows fill."""

    def __init__(self, path: Path, name: str, choices: Choices, least: int) -> None:
        """Read a sheet; raises DataError where there is none that holds a table."""
        self._name = name
        book = open_book(path, name)
        sheets = sheet_names(book)
        wanted = choices.sheet or largest_sheet(path, name, least)
        self._sheet = self._find_sheet(book, sheets, wanted)
        self._above, rows = self._find_top(least)
        header = choices.header
        if header is None:
            header = has_header([row.cells for row in rows[:SAMPLE]])
        first = rows[0].cells
        self.columns = unique_names(first if header else [""] * len(first))
        self.sample = rows[1:] if header else rows
        self.facts = Facts("Excel", header=header, sheets=sheets, sheet=wanted, unit="row")
        self._read = 0

    def rows(self, places: list[int]) -> Iterator[Row]:
        width = len(self.columns)
        skipped = self._above + bool(self.facts.header)
        for row in islice(self._all_rows(), skipped, None):
            self._read = row.line
            cells = row.cells
            if any(len(cell) > MAX_CELL for cell in cells):
                yield Row(row.line, [], f"A cell is longer than {MAX_CELL:,} characters.")
                continue
            more = any(cell.strip() for cell in cells[width:])
            yield Row(row.line, cells if more else cells[:width])

    def position(self) -> float:
        return self._read / max(1, self._sheet.total_height)

    def close(self) -> None:
        """Nothing is open: the sheet is in memory."""

    def _find_sheet(
        self, book: "CalamineWorkbook", sheets: list[str], wanted: str
    ) -> "CalamineSheet":
        if wanted not in sheets:
            known = ", ".join(shown(sheet) for sheet in sheets[:20])
            raise UsageError(f"{self._name} has no sheet {shown(wanted)!r}. Its sheets: {known}.")
        return _guarded(self._name, lambda: book.get_sheet_by_name(wanted))

    def _find_top(self, least: int) -> tuple[int, list[Row]]:
        """How many rows stand above the table (a title, notes), and its first rows."""
        rows = list(islice(self._all_rows(), SAMPLE + 1))
        filled = [sum(bool(cell.strip()) for cell in row.cells) for row in rows]
        wide = max(filled, default=0)
        if wide == 0:
            raise DataError(f"The sheet {shown(self._sheet.name)!r} of {self._name} is empty.")
        if wide < least:
            raise DataError(
                f"The sheet {shown(self._sheet.name)!r} of {self._name} has only one column. It "
                f"needs {least}."
            )
        top = next(place for place, count in enumerate(filled) if count > wide / 2)
        rows = rows[top:]
        width = max(
            place + 1 for row in rows for place, cell in enumerate(row.cells) if cell.strip()
        )
        return top, [Row(row.line, row.cells[:width]) for row in rows]

    def _all_rows(self) -> Iterator[Row]:
        """Every row that is not blank, with its number in the sheet."""
        for number, values in enumerate(self._sheet.iter_rows(), 1):
            # A truth value is written in capitals there.
            cells = [
                as_text(value) if not isinstance(value, bool) else str(value).upper()
                for value in values
            ]
            if any(cell and not cell.isspace() for cell in cells):
                yield Row(number, cells)


def is_workbook(path: Path) -> bool:
    """Whether a file begins like a workbook, whatever its name."""
    with path.open("rb") as file:
        return file.read(8).startswith(MARKS)


def open_book(path: Path, name: str) -> "CalamineWorkbook":
    """A workbook whose size was checked; raises DataError where it is none or is protected."""
    import python_calamine as calamine

    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed:
        _check_packed(path, name)
    elif not is_sound(path):
        raise DataError(f"{name} is a damaged workbook, or too large. {SAVE_AS}")
    return _guarded(name, lambda: calamine.load_workbook(str(path)))


def sheet_names(book: "CalamineWorkbook") -> list[str]:
    """The sheets that a person sees and that hold cells, in their order."""
    import python_calamine as calamine

    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == calamine.SheetVisibleEnum.Visible
        and sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    return names or list(book.sheet_names)


def read_sheets(path: Path, name: str) -> list[str]:
    """The names of a workbook's sheets."""
    return sheet_names(open_book(path, name))


def largest_sheet(path: Path, name: str, least: int) -> str:
    """The sheet with the most cells of those that have enough columns; else the first one."""
    book = open_book(path, name)
    names = sheet_names(book)
    if len(names) == 1:
        return names[0]
    best, most = names[0], 0
    for sheet_name in names:
        sheet = _guarded(name, lambda n=sheet_name: book.get_sheet_by_name(n))
        if sheet.width >= least and sheet.height * sheet.width > most:
            best, most = sheet_name, sheet.height * sheet.width
    return best


def _guarded(name: str, read: Any) -> Any:
    import python_calamine as calamine

    try:
        return read()
    except calamine.PasswordError:
        raise DataError(
            f"{name} is protected with a password. Save it without one, and try again."
        ) from None
    except MemoryError:
        raise
    # Its Rust parts raise errors of several kinds, and a PanicException that is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise DataError(f"{name} is no workbook that can be read, or damaged. {SAVE_AS}") from None


def _check_packed(path: Path, name: str) -> None:
    """Unpack a workbook once, keeping nothing, to know that what it says of its size is true.

    Raises DataError where it is damaged, is no workbook, or would need too much memory.
    """
    limit, total = min(MAX_UNPACKED, settings.MAX_UPLOAD_MB.value() * 1e6), 0
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if not {"[Content_Types].xml", "content.xml"} & set(names):
                raise DataError(f"{name} is a zip archive, not a table. Call it .zip.")
            for info in archive.infolist():
                used = _Used() if "/worksheets/" in info.filename else None
                with archive.open(info) as member:
                    while chunk := member.read(CHUNK):
                        total += len(chunk)
                        if total > limit:
                            raise _too_large(name)
                        if used and used.add(chunk) > MAX_CELLS:
                            raise _too_large(name)
    # zipfile and the decompressors raise whatever they meet, also OSError for a place in the file.
    except Exception as error:
        if isinstance(error, DataError | MemoryError):
            raise
        raise DataError(f"{name} is a damaged workbook. {SAVE_AS}") from error


class _Used:
    """The size of a sheet: the last row times the last column that a cell stands in."""

    def __init__(self) -> None:
        self._rest = b""
        self._columns: set[bytes] = set()
        self._last_row = 0

    def add(self, chunk: bytes) -> int:
        """The cells between the first and the last one met so far."""
        text = self._rest + chunk
        for column, row in _CELL.findall(text):
            self._columns.add(column)
            if len(row) >= 7 or int(row) > self._last_row:
                self._last_row = max(self._last_row, int(row))
        self._rest = text[-_LONGEST:]
        return self._last_row * max(map(_number, self._columns), default=0)


def _number(letters: bytes) -> int:
    """A column's number from its letters: A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _too_large(name: str) -> DataError:
    return DataError(
        f"{name} spans too many rows and columns, or is too large, to be read as a workbook. "
        "Delete the empty ones at its end, or save the table as CSV."
    )
