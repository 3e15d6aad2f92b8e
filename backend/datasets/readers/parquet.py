"""Reads Parquet files batch by batch, and what the Hugging Face Hub writes into their schema."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend import settings
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.cells import as_text
from backend.datasets.readers.tables import MAX_CELL, SAMPLE, Facts, Row, unique_names
from backend.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH, BATCH_OF_FILES = 2000, 16
"""Rows that are held at a time; fewer where a cell is a whole picture."""


class ParquetTable:
    """Columns of one type each; a field of a record is a column of its own, named a.b."""

    def __init__(self, path: Path, name: str, choices: Choices, least: int) -> None:
        """Read the footer and the first rows; raises DataError where it is damaged."""
        import pyarrow.parquet as pq

        self._name, self._read, self._total = name, 0, 1
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
            self._total = max(1, self._file.metadata.num_rows)
            schema = self._file.schema_arrow
        # Arrow raises what its many layers meet: ArrowInvalid, OSError, KeyError, ...
        except Exception as error:
            raise self._damaged() from error
        limit = int(settings.MAX_ROWS.value())
        if self._total > limit:
            raise DataError(
                f"{name} has {self._total:,} rows, more than the {limit:,} that are allowed. Bring "
                f"in a part of it, or set {settings.MAX_ROWS.variable} higher."
            )
        self.labels = hub_labels(schema)
        self._columns = [column for field in schema for column in _columns_of(field, self.labels)]
        self.columns = unique_names([column.name for column in self._columns])
        if len(self.columns) < least:
            raise DataError(f"{name} has only one column. It needs two.")
        self.facts = Facts("Parquet", unit="row")
        self.sample = list(islice(self.rows(list(range(len(self.columns)))), SAMPLE))

    def rows(self, places: list[int]) -> Iterator[Row]:
        width, number = len(self.columns), 0
        chosen = {place: self._columns[place] for place in places}
        fields = sorted({column.field for column in chosen.values()})
        holds_files = any(column.is_file for column in chosen.values())
        try:
            for batch in self._file.iter_batches(
                BATCH_OF_FILES if holds_files else BATCH, columns=fields, use_threads=False
            ):
                values = {place: column.cells(batch) for place, column in chosen.items()}
                for offset in range(batch.num_rows):
                    number += 1
                    self._read = number
                    cells: list[Any] = [""] * width
                    for place, column in values.items():
                        cells[place] = column[offset]
                    yield _row(number, cells)
        except (MemoryError, DataError):
            raise
        except Exception as error:
            raise self._damaged() from error

    def position(self) -> float:
        return self._read / self._total

    def close(self) -> None:
        self._file.close()

    def _damaged(self) -> DataError:
        return DataError(
            f"{self._name} is a Parquet file that is damaged or of a kind that cannot be read. "
            "Write it again, or save the table as CSV."
        )


class _Column:
    """A leaf of the schema: which field it is in, and how its values become cells."""

    def __init__(
        self, name: str, field: str, inside: str = "", *, is_file: bool = False,
        labels: list[str] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.field, self.inside = name, field, inside
        self.is_file = is_file
        self.labels = labels or []

    def cells(self, batch: "pa.RecordBatch") -> list[Any]:
        column = batch.column(self.field)
        if self.inside:
            column = column.field(self.inside)
        values = column.to_pylist()
        if self.is_file:
            return values
        if self.labels:
            return [self._label(value) for value in values]
        return [value if isinstance(value, str) else as_text(value) for value in values]

    def _label(self, value: Any) -> str:
        known = isinstance(value, int) and 0 <= value < len(self.labels)
        return self.labels[value] if known else as_text(value if value != -1 else None)


def _columns_of(field: "pa.Field", labels: dict[str, list[str]]) -> list[_Column]:
    import pyarrow as pa

    name, kind = field.name, field.type
    if not pa.types.is_struct(kind):
        is_file = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        return [_Column(name, name, is_file=is_file, labels=labels.get(name))]
    inner = [kind.field(place).name for place in range(kind.num_fields)]
    if "bytes" in inner:  # how the Hub stores pictures and recordings
        return [_Column(name, name, "bytes", is_file=True)]
    return [_Column(f"{name}.{each}", name, each) for each in inner]


def hub_labels(schema: "pa.Schema") -> dict[str, list[str]]:
    """The names of the classes that the Hub stores as numbers, by column."""
    try:
        record = json.loads((schema.metadata or {})[b"huggingface"])
        features = record["info"]["features"].items()
        return {
            str(column): [str(name) for name in feature["names"]]
            for column, feature in features
            if isinstance(feature, dict) and isinstance(feature.get("names"), list)
        }
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}


def _row(number: int, cells: list[Any]) -> Row:
    if any(isinstance(cell, str) and len(cell) > MAX_CELL for cell in cells):
        return Row(number, [], f"A cell is longer than {MAX_CELL:,} characters.")
    return Row(number, cells)
