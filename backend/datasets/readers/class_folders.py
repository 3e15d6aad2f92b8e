"""Files in one folder per class: pictures, recordings or texts; one file is one example."""

from collections import Counter
from typing import Any

from backend.datasets.encodings import decode_text
from backend.datasets.formats import PICTURES, SOUNDS, TEXTS, DataFormat
from backend.datasets.images import decode_image
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import Source
from backend.datasets.readers.files import decode_all, read_placed, some_of_each
from backend.datasets.readers.placing import BY_NAME, Placed, Places, wanted_entries
from backend.datasets.readers.reading import Progress, Sink, Understood
from backend.datasets.readers.sounds import decode_sound
from backend.datasets.skips import Skips
from backend.errors import DataError

KINDS = {
    "image": (PICTURES, "picture"),
    "audio": (SOUNDS, "recording"),
    "text": (TEXTS, "text file"),
}
"""By what an example is: the endings of its files, and what people call one."""


class FolderReading:
    """The files of a source, each with a class."""

    def __init__(
        self, source: Source, data_format: DataFormat, choices: Choices, skips: Skips
    ) -> None:
        """Sort the files into classes; raises DataError where there are fewer than two."""
        self._source, self._item = source, data_format.item
        endings, self._kind = KINDS[data_format.item]
        entries = wanted_entries(source, endings, self._kind, skips)
        self._places = Places(source, entries, self._kind, choices)
        self._placed = self._places.place(skips)

    def understood(self) -> Understood:
        places = self._places
        where = "The beginnings of the names are" if places.depth == BY_NAME else "The folders are"
        classes = Counter(item.label for item in self._placed)
        return Understood(
            form="folders",
            sentence=f"{where} the classes.",
            count=len(self._placed),
            classes=dict(classes.most_common()),
            splits=dict(Counter(item.split for item in self._placed)),
            split_by="the folders" if places.has_splits else "",
            levels=places.levels,
            level=places.depth,
        )

    def details(self) -> dict[str, Any]:
        return {}

    def read(
        self, sink: Sink, skips: Skips, progress: Progress | None = None, limit: int | None = None
    ) -> float:
        placed = some_of_each(self._placed, limit)
        store_files(self._source, placed, self._item, sink, skips, progress)
        if limit is None:
            check_classes_left(self._source.name, sink, placed, skips, self._kind)
        return len(placed) / len(self._placed)


def store_files(
    source: Source,
    placed: list[Placed],
    item: str,
    sink: Sink,
    skips: Skips,
    progress: Progress | None,
) -> None:
    """Decode every file into the sink; those that cannot be read are skipped."""
    pieces = read_placed(source, placed, skips, progress)
    if item == "image":
        for piece, image in decode_all(pieces, decode_image, skips, "picture"):
            sink.add_image(image, piece.target, piece.split)
    elif item == "audio":
        for piece, sound in decode_all(pieces, decode_sound, skips, "recording"):
            sink.add_sound(sound, piece.target, piece.split)
    else:
        for piece in pieces:
            try:
                text = decode_text(piece.data, "It").strip()
            except DataError as error:
                skips.add(piece.where, str(error), "not a text")
                continue
            if text:
                sink.add_text(text, piece.target, piece.split)
            else:
                skips.add(piece.where, "The text is empty.", "empty text")


def check_classes_left(
    name: str, sink: Sink, placed: list[Placed], skips: Skips, kind: str
) -> None:
    """Refuse where reading left fewer than two classes."""
    if sink.class_count < 2:
        lost = Counter(item.label for item in placed).keys() - set(sink.class_names)
        raise DataError(
            f"No {kind.removesuffix(' file')} of {name} in the class {sorted(lost)[0]!r} could be "
            f"read.{skips.summary()}"
        )
