"""Reads JSON as a table: one record per line, a list of records, or one record of lists."""

import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from backend.datasets.encodings import chosen_encoding
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.cells import as_text
from backend.datasets.readers.tables import MAX_CELL, SAMPLE, Facts, Row, unique_names
from backend.errors import DataError

CHUNK = 1 << 20
FIRST_LINES = 20
MAX_RECORD = 4 * MAX_CELL
"""Characters of one record."""
MAX_WHOLE = 100_000_000
"""Bytes of a file that is a single record, which has to be read as a whole."""
NOT_JSON = "It is not valid JSON."
TOO_DEEP = "It is nested too deeply."
_SPACE = re.compile(r"[ \t\r\n,]*")


class Twice(str):
    """Stands for a record that names the same field twice: the field's name."""

    __slots__ = ()


def _record(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                return Twice(name)
            seen.add(name)
    return found


def _as_written(number: str) -> str:
    return number


_decoder = json.JSONDecoder(
    object_pairs_hook=_record,
    # Numbers stay as they are written: 1.0 is not 1, and there is none too large.
    parse_float=_as_written,
    parse_int=_as_written,
    parse_constant=lambda name: None,  # NaN and infinity: no value
)


class JsonTable:
    """Records with fields; a field of a field is a column of its own, named a.b."""

    def __init__(self, path: Path, name: str, choices: Choices, least: int) -> None:
        """Find out which kind it is; raises DataError where it holds no records."""
        self._path, self._name = path, name
        self._file: IO[str] | None = None
        self._encoding = chosen_encoding(choices, path, name)
        self._whole: list[Any] | None = None
        self._lines = self._is_lines()
        self._by_place = False
        first = list(islice(self._values(), SAMPLE))
        records = [value for _, value, problem in first if not problem]
        if len(records) < 2 and self._may_be_whole(records):
            self._whole, self._lines = self._read_whole(), False
            first = list(islice(self._values(), SAMPLE))
            records = [value for _, value, problem in first if not problem]
        self.columns = self._find_columns(records, least)
        self.sample = [self._row(*value) for value in first]
        self.facts = Facts("JSON", self._encoding, unit="line" if self._lines else "row")

    def rows(self, places: list[int]) -> Iterator[Row]:
        for value in self._values():
            yield self._row(*value)

    def position(self) -> float:
        if self._file is None or self._file.closed:
            return 0.0
        size = os.fstat(self._file.fileno()).st_size
        return os.lseek(self._file.fileno(), 0, os.SEEK_CUR) / max(1, size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> IO[str]:
        return self._path.open(encoding=self._encoding, errors="replace")

    def _is_lines(self) -> bool:
        """Whether one of the first lines is a record of its own; a list begins otherwise."""
        with self._open() as file:
            lines = (line for line in iter(lambda: file.readline(MAX_RECORD), "") if line.strip())
            for number, line in enumerate(islice(lines, FIRST_LINES)):
                try:
                    value = _decoder.decode(line)
                except (ValueError, RecursionError):
                    if number == 0 and line.lstrip().startswith("["):
                        return False
                    continue
                return isinstance(value, dict | Twice) or _is_flat(value)
        return False

    def _may_be_whole(self, records: list[Any]) -> bool:
        """Whether the file is a single value that may hold the records."""
        if not self._lines or not records:
            return not self._lines
        only = records[0]
        has_lists = isinstance(only, dict) and any(isinstance(v, list) for v in only.values())
        return isinstance(only, list) or has_lists

    def _values(self) -> Iterator[tuple[int, Any, str]]:
        """Number, value and problem of each record."""
        if self._whole is not None:
            yield from ((number, value, "") for number, value in enumerate(self._whole, 1))
            return
        with self._open() as self._file:
            yield from _each_line(self._file) if self._lines else self._each_item(self._file)

    def _each_item(self, file: IO[str]) -> Iterator[tuple[int, Any, str]]:
        """The items of a list, or records one after the other, however they are laid out."""
        text, place, number, ended = file.read(CHUNK), 0, 0, False
        place = _skip(text, 0)
        if text[place : place + 1] == "[":
            place += 1
        while True:
            place = _skip(text, place)
            if not ended and len(text) - place < CHUNK // 2:
                more = file.read(CHUNK)
                ended, text, place = not more, text[place:] + more, 0
                continue
            if place >= len(text) or text[place] == "]":
                return
            try:
                value, place = _decoder.raw_decode(text, place)
            except RecursionError:
                raise self._broken(number, TOO_DEEP) from None
            except ValueError:
                if ended or len(text) - place > MAX_RECORD:
                    raise self._broken(number, NOT_JSON) from None
                more = file.read(MAX_RECORD)
                ended, text, place = not more, text[place:] + more, 0
                continue
            number += 1
            yield number, value, ""

    def _broken(self, number: int, what: str) -> DataError:
        after = f" after record {number:,}" if number else ""
        return DataError(
            f"{self._name} cannot be read{after}: {what[0].lower()}{what[1:]} Check it with the "
            "program that wrote it, or save the table as CSV."
        )

    def _read_whole(self) -> list[Any]:
        """The records in a file that is one record: a list in it, or lists of equal length."""
        if self._path.stat().st_size > MAX_WHOLE:
            raise DataError(f"{self._name} is a single record. Save it with one record per line.")
        with self._open() as file:
            try:
                value = _decoder.decode(file.read())
            except RecursionError:
                raise self._broken(0, TOO_DEEP) from None
            except ValueError:
                raise self._broken(0, NOT_JSON) from None
        return _inner_records(value)

    def _find_columns(self, records: list[Any], least: int) -> list[str]:
        if records and all(isinstance(record, list) for record in records):
            self._by_place = True
            width = max(len(record) for record in records)
            names = unique_names([""] * width)
        elif records and all(type(record) is str for record in records):
            self._by_place, names = True, ["text"]
        else:
            found: dict[str, None] = {}
            for record in records:
                if isinstance(record, dict):
                    found |= dict.fromkeys(_flat(record))
            names = list(found)
        if len(names) < least:
            fields = f"only the field {names[0][:40]!r}" if names else "no records with fields"
            raise DataError(
                f"{self._name} holds {fields}. It needs {least}: write one record per line, such "
                'as {"text": "...", "label": "..."}.'
            )
        return names

    def _row(self, number: int, value: Any, problem: str) -> Row:
        if problem:
            return Row(number, [], problem)
        if isinstance(value, Twice):
            return Row(number, [], f"It names the field {value[:40]!r} twice.")
        if self._by_place and isinstance(value, list):
            return Row(number, [_as_text(item) for item in value])
        if self._by_place and isinstance(value, str):
            return Row(number, [value])
        if not isinstance(value, dict):
            return Row(number, [], "It is no record with named fields.")
        flat = _flat(value)
        cells = [_as_text(flat.get(name)) for name in self.columns]
        if any(len(cell) > MAX_CELL for cell in cells):
            return Row(number, [], f"A cell is longer than {MAX_CELL:,} characters.")
        return Row(number, cells)


def _each_line(file: IO[str]) -> Iterator[tuple[int, Any, str]]:
    number = 0
    while line := file.readline(MAX_RECORD):
        number += 1
        if len(line) >= MAX_RECORD and not line.endswith("\n"):
            while (rest := file.readline(MAX_RECORD)) and not rest.endswith("\n"):
                pass
            yield number, None, f"The line is longer than {MAX_RECORD:,} characters."
        elif line.strip():
            try:
                yield number, _decoder.decode(line), ""
            except RecursionError:
                yield number, None, TOO_DEEP
            except ValueError:
                yield number, None, NOT_JSON


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Fields of fields as fields of their own: {"a": {"b": 1}} becomes {"a.b": 1}."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": deep for inner, deep in value.items()}
        else:
            found[name] = value
    return found


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else as_text(value)


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)


def _inner_records(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    lists = {name: inner for name, inner in value.items() if isinstance(inner, list)}
    records = [inner for inner in lists.values() if inner and isinstance(inner[0], dict)]
    if records:
        return max(records, key=len)
    if lists and len({len(inner) for inner in lists.values()}) == 1:
        return [dict(zip(lists, items, strict=True)) for items in zip(*lists.values(), strict=True)]
    return [value]


def _skip(text: str, place: int) -> int:
    """Where the next value begins."""
    match = _SPACE.match(text, place)
    return match.end() if match else place
