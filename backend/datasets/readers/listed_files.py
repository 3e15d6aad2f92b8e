"""Pictures or recordings that a table names, or contains, with the class of each in a column."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from backend.datasets.formats import DataFormat
from backend.datasets.images import decode_image
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import Entry, Source, name_parts
from backend.datasets.readers.class_folders import KINDS, store_files
from backend.datasets.readers.files import Piece, decode_all, some_of_each
from backend.datasets.readers.placing import Placed
from backend.datasets.readers.reading import Progress, Sink, Understood
from backend.datasets.readers.sounds import decode_sound
from backend.datasets.readers.table_parts import Part
from backend.datasets.readers.table_rows import (
    ChosenRows,
    check_labels,
    clean_label,
    describe_table,
    label_problem,
)
from backend.datasets.readers.tables import Cell
from backend.datasets.skips import Skips, shown
from backend.errors import DataError

MAX_CONTENT = 100_000_000
"""Bytes of a picture or recording that is a cell of the table."""


class FileNames:
    """Finds the file that a cell names, however much of its path is written there."""

    def __init__(self, entries: list[Entry]) -> None:
        self._by_name: dict[str, list[Entry]] = defaultdict(list)
        self._by_stem: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self._by_name[entry.parts[-1].casefold()].append(entry)
            self._by_stem[entry.stem.casefold()].append(entry)

    def find(self, cell: Cell) -> list[Entry]:
        """The files whose path ends as the cell says; one without an ending may stand for it."""
        if not isinstance(cell, str) or not cell.strip():
            return []
        return self.find_path(name_parts(cell.strip()))

    def find_path(self, path: Sequence[str]) -> list[Entry]:
        """The same from the folders and the name."""
        parts = tuple(part.casefold() for part in path)
        found = self._by_name.get(parts[-1]) or self._by_stem.get(parts[-1], [])
        if len(found) <= 1:
            return found
        # Of several with this name those that share the most folders with the cell.
        best = max(_agreement(entry, parts) for entry in found)
        return [entry for entry in found if _agreement(entry, parts) == best]

    def has(self, cell: Cell) -> bool:
        return bool(self.find(cell))


def _agreement(entry: Entry, parts: tuple[str, ...]) -> int:
    """How many folders above a file are those that the cell names."""
    count = 0
    for own, named in zip(reversed(entry.parts[:-1]), reversed(parts[:-1]), strict=False):
        if own.casefold() != named:
            break
        count += 1
    return count


class ListedReading:
    """Files with a row of a table each."""

    def __init__(
        self,
        source: Source,
        parts: list[Part],
        files: list[Entry],
        data_format: DataFormat,
        choices: Choices,
        skips: Skips,
    ) -> None:
        """Choose the columns; raises UsageError on unknown ones."""
        self._source, self._item, self._count = source, data_format.item, len(parts)
        self._kind = KINDS[data_format.item][1]
        self._names = FileNames(files)
        self._files = files
        self._rows = ChosenRows(
            source.name, parts, data_format, choices, skips, is_file=self._names.has
        )
        sample = [row.cells for row in self._rows.first.sample]
        place = self._rows.first.columns.index(self._rows.names["file"])
        self._has_content = any(
            isinstance(cells[place], bytes) for cells in sample if len(cells) > place
        )
        self._placed: list[Placed] | None = None

    def understood(self) -> Understood:
        found = describe_table(self._rows, self._count, "listed")
        if not self._has_content:
            placed = self._place(Skips())
            found.sentence += f" It names the {self._kind}s and their classes."
            found.count = len(placed)
            found.classes = dict(Counter(item.label for item in placed).most_common())
            found.splits = dict(Counter(item.split for item in placed))
        return found

    def details(self) -> dict[str, Any]:
        return {f"{role}_column": name for role, name in self._rows.names.items()}

    def read(
        self, sink: Sink, skips: Skips, progress: Progress | None = None, limit: int | None = None
    ) -> float:
        if self._has_content:
            self._read_content(sink, skips, progress, limit)
            share = self._rows.share()
        else:
            placed = self._place(skips)
            chosen = some_of_each(placed, limit)
            share = len(chosen) / max(1, len(placed))
            store_files(self._source, chosen, self._item, sink, skips, progress)
        if len(sink) == 0:
            raise DataError(
                f"No row of {self._source.name} has both a {self._kind} and a class."
                f"{skips.summary()}"
            )
        check_labels(self._source.name, shown(self._rows.names["label"]), sink)
        return share

    def _place(self, skips: Skips) -> list[Placed]:
        """The file of each row; rows without one and files without a row are skipped."""
        placed: dict[str, Placed] = {}
        for part, row, (cell, label), split in self._rows.taken(skips, None, None):
            where, name = self._rows.where(part, row), clean_label(str(label))
            problem = label_problem(name)
            found = self._names.find(cell)
            if len(found) != 1:
                what = f"names {shown(str(cell or ''))!r}, which "
                what += "is several of the files." if found else "did not come along."
                skips.add(where, f"It {what}", "row without a file")
            elif problem:
                skips.add(where, *problem)
            elif found[0].path in placed:
                skips.add(where, f"It names {shown(found[0].path)} again.", "file named twice")
            else:
                placed[found[0].path] = Placed(found[0], name, split)
        for entry in self._files:
            if entry.path not in placed:
                skips.add(shown(entry.path), "No row of the table names it.", "file without a row")
        return list(placed.values())

    def _read_content(
        self, sink: Sink, skips: Skips, progress: Progress | None, limit: int | None
    ) -> None:
        pieces = self._contents(skips, progress, limit)
        if self._item == "image":
            for piece, image in decode_all(pieces, decode_image, skips, self._kind):
                sink.add_image(image, piece.target, piece.split)
        else:
            for piece, sound in decode_all(pieces, decode_sound, skips, self._kind):
                sink.add_sound(sound, piece.target, piece.split)

    def _contents(
        self, skips: Skips, progress: Progress | None, limit: int | None
    ) -> Iterator[Piece]:
        for part, row, (content, label), split in self._rows.taken(skips, progress, limit):
            where, name = self._rows.where(part, row), clean_label(str(label))
            problem = label_problem(name)
            if not isinstance(content, bytes) or not 0 < len(content) <= MAX_CONTENT:
                skips.add(where, f"It holds no {self._kind}.", "row without a file")
            elif problem:
                skips.add(where, *problem)
            else:
                yield Piece(where, name, split, content)
