"""Rows of tables as examples: texts with labels, pairs, plain texts, ratings."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from backend import settings
from backend.datasets.encodings import name_encoding
from backend.datasets.formats import DataFormat
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.columns import IsFile, as_number, choose_columns, split_of
from backend.datasets.readers.delimited import SEPARATORS
from backend.datasets.readers.reading import Progress, Sink, Understood
from backend.datasets.readers.table_parts import Part
from backend.datasets.readers.tables import Cell, Row
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import UNASSIGNED
from backend.errors import DataError

MAX_LABELS = 1000
MAX_LABEL = 200
MAX_NAME = 500
PROGRESS_ROWS = 5000
PREVIEW_ROWS = 20
LIKES = 1.0
"""What a rating is where the table has none: it says that somebody chose something."""

Refusal = tuple[str, str] | None
"""Why a row is not taken, and what it is counted under."""
Taker = Callable[[Sink, list[str], int], Refusal]


def clean_label(text: str) -> str:
    """A label as it is stored: one line, single spaces, an accented letter as one sign."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def label_problem(label: str) -> Refusal:
    """Why a label cannot be one, or None."""
    if not label:
        return "The label is empty.", "empty label"
    if len(label) > MAX_LABEL:
        return f"The label is longer than {MAX_LABEL} characters.", "long label"
    return None


def _take_labelled(sink: Sink, values: list[str], split: int) -> Refusal:
    text, label = values[0].strip(), clean_label(values[1])
    if not text:
        return "The text is empty.", "empty text"
    problem = label_problem(label)
    if problem is None:
        sink.add_text(text, label, split)
    return problem


def _take_pair(sink: Sink, values: list[str], split: int) -> Refusal:
    source, target = values[0].strip(), values[1].strip()
    if not source or not target:
        return f"The {'second' if source else 'first'} text is empty.", "empty text"
    sink.add_pair(source, target, split)
    return None


def _take_text(sink: Sink, values: list[str], split: int) -> Refusal:
    text = values[0].strip()
    if not text:
        return "The text is empty.", "empty text"
    sink.add_text(text, "", split)
    return None


def _take_rating(sink: Sink, values: list[str], split: int) -> Refusal:
    user, item = clean_label(values[0]), clean_label(values[1])
    if not user or not item:
        return f"The {'thing' if user else 'person'} is missing.", "missing name"
    if len(user) > MAX_NAME or len(item) > MAX_NAME:
        return f"A name is longer than {MAX_NAME} characters.", "long name"
    value: float | None = LIKES
    if len(values) > 2:
        value = as_number(values[2])
        if value is None:
            return (
                f"The rating {shown(values[2].strip())!r} is no number.",
                "rating that is no number",
            )
    sink.add_rating(user, item, value if value is not None else LIKES, split)
    return None


TAKERS: dict[str, Taker] = {
    "text-class": _take_labelled,
    "text-pair": _take_pair,
    "text": _take_text,
    "rating": _take_rating,
}


class ChosenRows:
    """Rows of several tables, of which only the cells are left that play a role."""

    def __init__(
        self,
        name: str,
        parts: list[Part],
        data_format: DataFormat,
        choices: Choices,
        skips: Skips,
        is_file: IsFile | None = None,
    ) -> None:
        """Choose the columns; raises UsageError where they are unknown or two roles want one."""
        self.first = parts[0].table
        places = choose_columns(
            self.first.columns, self.first.sample, data_format, choices.columns, name, is_file
        )
        self.names = {role: self.first.columns[place] for role, place in places.items()}
        if not choices.keep_splits:
            self.names.pop("split", None)
        self._name = name
        self._roles = [one.role for one in data_format.columns if one.role in self.names]
        self._parts = [part for part in parts if self._fits(part, skips)]
        self.rows = self.ragged = 0
        self._done = 0

    @property
    def split_by(self) -> str:
        """What names the splits, as words in a sentence; "" where nothing does."""
        if "split" in self.names:
            return f"the column {shown(self.names['split'])!r}"
        named = any(part.split != UNASSIGNED for part in self._parts)
        return "the names of the tables" if named else ""

    def taken(
        self, skips: Skips, progress: Progress | None, limit: int | None
    ) -> Iterator[tuple[Part, Row, list[Cell], int]]:
        """Each row that fits: its table, itself, its cells in the order of the roles, its split.

        Those that do not fit are skipped. Raises DataError beyond the rows that are allowed.
        """
        most = int(settings.MAX_ROWS.value())
        self.rows = self.ragged = 0
        for done, part in enumerate(self._parts):
            self._done = done
            columns = part.table.columns
            places = [columns.index(self.names[role]) for role in self._roles]
            split_place = columns.index(self.names["split"]) if "split" in self.names else None
            wanted = places if split_place is None else [*places, split_place]
            for row in part.table.rows(wanted):
                if limit is not None and self.rows >= limit:
                    return
                self.rows += 1
                if self.rows > most:
                    raise DataError(
                        f"{self._name} has more than {most:,} rows. Bring in a part of it, or set "
                        f"{settings.MAX_ROWS.variable} higher."
                    )
                if progress and self.rows % PROGRESS_ROWS == 0:
                    progress(f"Reading row {self.rows:,}", self.share())
                if row.problem or len(row.cells) != len(columns):
                    self.ragged += 1
                    reason = (
                        row.problem or f"It has {len(row.cells)} cells instead of {len(columns)}."
                    )
                    skips.add(self.where(part, row), reason, "row that does not fit")
                    continue
                split = part.split
                if split_place is not None:
                    own = split_of(str(row.cells[split_place] or ""))
                    if own is None:
                        word = shown(str(row.cells[split_place]))
                        reason = f"Its split {word!r} is none of train, validation and test."
                        skips.add(self.where(part, row), reason, "unknown split")
                        continue
                    split = part.split if own == UNASSIGNED else own
                yield part, row, [row.cells[place] for place in places], split
        self._done = len(self._parts)

    def where(self, part: Part, row: Row) -> str:
        """Where a row stands, in words."""
        place = f"{part.table.facts.unit} {row.line}"
        return f"{place} of {shown(part.name)}" if len(self._parts) > 1 else place

    def share(self) -> float:
        """How much of everything has been read, 0 to 1."""
        if self._done >= len(self._parts):
            return 1.0
        return min(1.0, (self._done + self._parts[self._done].table.position()) / len(self._parts))

    def _fits(self, part: Part, skips: Skips) -> bool:
        missing = [name for name in self.names.values() if name not in part.table.columns]
        if missing:
            skips.add(shown(part.name), f"It has no column {shown(missing[0])!r}.", "table")
        return not missing


class TableReading:
    """Tables whose rows are the examples."""

    def __init__(
        self, name: str, parts: list[Part], data_format: DataFormat, choices: Choices, skips: Skips
    ) -> None:
        self._name, self._format = name, data_format
        self._rows = ChosenRows(name, parts, data_format, choices, skips)
        self._count = len(parts)

    def understood(self) -> Understood:
        return describe_table(self._rows, self._count, "table")

    def details(self) -> dict[str, Any]:
        facts = self._rows.first.facts
        columns = {f"{role}_column": name for role, name in self._rows.names.items()}
        return {**columns, "encoding": facts.encoding, "separator": facts.separator}

    def read(
        self, sink: Sink, skips: Skips, progress: Progress | None = None, limit: int | None = None
    ) -> float:
        take, chosen = TAKERS[self._format.name], self._rows
        has_bytes = any(
            isinstance(cell, bytes | None) for row in chosen.first.sample for cell in row.cells
        )
        for part, row, cells, split in chosen.taken(skips, progress, limit):
            values = [_as_string(cell) for cell in cells] if has_bytes else cells
            refusal = take(sink, values, split)
            if refusal is not None:
                skips.add(chosen.where(part, row), *refusal)
            elif sink.class_count > MAX_LABELS:
                raise DataError(
                    f"The column {shown(chosen.names['label'])!r} of {self._name} has more than "
                    f"{MAX_LABELS:,} different values, so it can hardly be a label. Choose another "
                    "column."
                )
        self._check(sink, skips)
        return chosen.share()

    def _check(self, sink: Sink, skips: Skips) -> None:
        """Refuse tables from which nothing useful was read."""
        name, rows, ragged = self._name, self._rows.rows, self._rows.ragged
        if rows == 0:
            raise DataError(f"{name} has a header but no rows below it.")
        if ragged > rows / 2:
            raise DataError(
                f"{ragged:,} of the {rows:,} rows of {name} do not fit its header."
                f"{skips.summary()} Put texts that hold the separator into quotation marks."
            )
        if len(sink) == 0:
            needed = [column.role for column in self._format.columns if not column.optional]
            both = f"both a {' and a '.join(needed)}" if len(needed) > 1 else f"a {needed[0]}"
            raise DataError(f"No row of {name} has {both}.{skips.summary()}")
        if self._format.target == "class":
            check_labels(name, shown(self._rows.names["label"]), sink)


def check_labels(name: str, column: str, sink: Sink) -> None:
    """Refuse labels that nothing can be learned from: one for all, or one for each."""
    classes = sink.class_names
    if len(classes) == 1:
        raise DataError(
            f"All rows of {name} have the same label, {shown(classes[0])!r}, in the column "
            f"{column!r}. A classifier needs at least two."
        )
    if len(classes) > max(10, len(sink) / 2):
        raise DataError(
            f"The column {column!r} of {name} has {len(classes):,} different values in "
            f"{len(sink):,} rows, so it can hardly be a label. Choose another column."
        )


def describe_table(rows: ChosenRows, count: int, form: str) -> Understood:
    """What is said of tables before all of their rows are read."""
    table, facts = rows.first, rows.first.facts
    several = f"{count} tables" if count > 1 else {"CSV": "A table", "Excel": "A sheet"}.get(
        facts.kind, f"A {facts.kind} file"
    )  # fmt: skip
    parts = [f"{several} with {len(table.columns)} columns"]
    if len(table.columns) == 1:
        parts = [f"{several} with one column"]
    if facts.separator in SEPARATORS:
        parts.append(f"separated by {SEPARATORS[facts.separator]}")
    if facts.encoding:
        parts.append(f"in {name_encoding(facts.encoding)}")
    width = len(table.columns)
    fitting = [row.cells for row in table.sample if len(row.cells) == width]
    return Understood(
        form=form,
        sentence=", ".join(parts) + ".",
        split_by=rows.split_by,
        facts=facts,
        columns=table.columns,
        roles=rows.names,
        first_rows=[
            [_as_string(cell)[:MAX_NAME] for cell in row] for row in fitting[:PREVIEW_ROWS]
        ],
        notes=[] if facts.header in (True, None) else ["Its first row is an example already."],
    )


def _as_string(cell: Cell) -> str:
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return cell if isinstance(cell, str) else ""
