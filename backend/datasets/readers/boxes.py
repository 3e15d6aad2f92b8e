"""Pictures with boxes: from what annotation files say to boxes in the picture as it is stored."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backend.datasets.images import Picture, decode_picture
from backend.datasets.incoming.sources import Entry, Source
from backend.datasets.readers.files import Piece, decode_all, read_placed
from backend.datasets.readers.placing import MAX_CLASSES, Placed
from backend.datasets.readers.reading import Box, Progress, Sink, Understood
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import TRAIN, UNASSIGNED
from backend.errors import DataError

SAME_SHAPE = 0.02
"""By how much two ratios of width to height may differ and still mean the same picture."""
LEAST = 1.0
"""Pixels: a box that is narrower or lower is empty."""

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Annotated:
    """A picture's file and the boxes that belong to it, as its annotation file says.

    boxes: class and corners x1, y1, x2, y2. size: width and height that the corners refer to, None
    where that is not said. relative: the corners are shares of the upright picture's sides.
    """

    entry: Entry
    split: int
    boxes: list[tuple[str, Corners]]
    size: tuple[float, float] | None = None
    relative: bool = False


class BoxReading:
    """Pictures whose annotation files were read already."""

    def __init__(
        self, source: Source, form: str, title: str, annotated: list[Annotated], notes: list[str]
    ) -> None:
        """Raises DataError where there are no boxes, or too many classes."""
        self._source, self._form, self._title, self._notes = source, form, title, notes
        self._annotated = _sure_splits(annotated)
        self._classes = Counter(name for one in annotated for name, _ in one.boxes)
        if not self._classes:
            raise DataError(f"The annotations of {source.name} ({title}) hold no boxes.")
        if len(self._classes) > MAX_CLASSES:
            raise DataError(
                f"{source.name} has boxes of {len(self._classes):,} classes; at most "
                f"{MAX_CLASSES:,} are possible."
            )

    def understood(self) -> Understood:
        splits = Counter(one.split for one in self._annotated)
        return Understood(
            form=self._form,
            sentence=f"Boxes as {self._title} writes them: {self._classes.total():,} in "
            f"{len(self._annotated):,} pictures.",
            count=len(self._annotated),
            classes=dict(self._classes.most_common()),
            splits=dict(splits),
            split_by="" if set(splits) == {UNASSIGNED} else "the folders and files",
            notes=self._notes,
        )

    def details(self) -> dict[str, Any]:
        return {"annotations": self._title}

    def read(
        self, sink: Sink, skips: Skips, progress: Progress | None = None, limit: int | None = None
    ) -> float:
        chosen = self._annotated
        if limit is not None and len(chosen) > limit:
            # Pictures with boxes show more; evenly from all of them, not the first ones.
            filled = [one for one in chosen if one.boxes] or chosen
            chosen = filled[:: max(1, len(filled) // limit)][:limit]
        for piece, picture in decode_all(
            self._pieces(chosen, skips, progress), decode_picture, skips, "picture"
        ):
            boxes = _fit_all(piece, picture, skips)
            if boxes is not None:
                sink.add_boxes(picture.pixels, boxes, piece.split)
        if sink.class_count == 0:
            raise DataError(f"No box of {self._source.name} can be used.{skips.summary()}")
        return len(chosen) / len(self._annotated)

    def _pieces(
        self, chosen: list[Annotated], skips: Skips, progress: Progress | None
    ) -> Iterator[Piece]:
        boxes = {one.entry.path: one for one in chosen}
        placed = [Placed(one.entry, "", one.split) for one in chosen]
        for piece in read_placed(self._source, placed, skips, progress):
            yield Piece(piece.where, boxes[piece.where], piece.split, piece.data)


def _sure_splits(annotated: list[Annotated]) -> list[Annotated]:
    """Splits that are named for a part only, or without a train split, are none."""
    splits = {one.split for one in annotated}
    if TRAIN in splits and len(splits - {UNASSIGNED}) > 1:
        return annotated
    return [
        Annotated(one.entry, UNASSIGNED, one.boxes, one.size, one.relative) for one in annotated
    ]


def _fit_all(piece: Piece, picture: Picture, skips: Skips) -> list[Box] | None:
    """A picture's boxes in its stored pixels; None where it had some and none can be used."""
    one: Annotated = piece.target
    boxes = []
    for number, (label, corners) in enumerate(one.boxes, 1):
        fitted = fit_box(corners, picture, one.size, relative=one.relative)
        if isinstance(fitted, str):
            skips.add(f"{shown(piece.where)}, box {number}", fitted, "box that cannot be used")
        else:
            boxes.append((label, *fitted))
    if one.boxes and not boxes:
        skips.add(shown(piece.where), "None of its boxes can be used.", "picture without boxes")
        return None
    return boxes


def fit_box(
    corners: Corners, picture: Picture, size: tuple[float, float] | None, *, relative: bool
) -> Corners | str:
    """A box in the stored picture's pixels, clipped to it, or the sentence why it cannot be one.

    Shares of the sides refer to the upright picture, as in Ultralytics. Pixels refer to the picture
    as it lies in its file, and are turned along, unless the size beside them is that of the upright
    one; a size that is neither but of the same shape is that of a copy, and scaled from.
    """
    if not all(map(math.isfinite, corners)):
        return "A corner is no number."
    x1, y1, x2, y2 = corners
    if x2 < x1 or y2 < y1:
        return "Its corners are the wrong way round."
    lying = float(picture.width), float(picture.height)
    upright = lying[::-1] if picture.orientation >= 5 else lying
    if relative:
        box: Corners = (x1 * upright[0], y1 * upright[1], x2 * upright[0], y2 * upright[1])
    elif size is None or size == lying:
        box = _turn(corners, lying, picture.orientation)
    elif size == upright:
        box = corners
    else:
        frame = lying if _same_shape(size, lying) else upright
        if not _same_shape(size, frame):
            return (
                f"It was made for a picture of {size[0]:g} x {size[1]:g} pixels, and this one has "
                f"{lying[0]:g} x {lying[1]:g}."
            )
        across, down = frame[0] / size[0], frame[1] / size[1]
        box = (x1 * across, y1 * down, x2 * across, y2 * down)
        box = _turn(box, lying, picture.orientation) if frame == lying else box
    return _clip(box, upright, picture)


def _same_shape(one: tuple[float, float], other: tuple[float, float]) -> bool:
    if min(*one, *other) <= 0:
        return False
    return abs(one[0] / one[1] * other[1] / other[0] - 1) < SAME_SHAPE


def _turn(box: Corners, size: tuple[float, float], orientation: int) -> Corners:
    """A box after the turn that an EXIF orientation asks for; size: width, height before it."""
    (x1, y1, x2, y2), (width, height) = box, size
    if orientation in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    return (y1, x1, y2, x2) if orientation >= 5 else (x1, y1, x2, y2)


def _clip(box: Corners, upright: tuple[float, float], picture: Picture) -> Corners | str:
    width, height = upright
    if box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0:
        return "It lies outside of the picture."
    x1, y1 = max(0.0, box[0]), max(0.0, box[1])
    x2, y2 = min(width, box[2]), min(height, box[3])
    if x2 - x1 < LEAST or y2 - y1 < LEAST:
        return "It is empty: less than a pixel wide or high."
    across, down = picture.pixels.shape[1] / width, picture.pixels.shape[0] / height
    return x1 * across, y1 * down, x2 * across, y2 * down
