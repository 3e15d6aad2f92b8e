"""Boxes as COCO writes them: one JSON file for many pictures (https://cocodataset.org/#format-data)."""

import json
from typing import Any

from backend.datasets.incoming.sources import MAX_FILE_BYTES, Entry, Source, name_parts
from backend.datasets.readers.boxes import Annotated, Corners
from backend.datasets.readers.listed_files import FileNames
from backend.datasets.readers.table_parts import split_in_path
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import UNASSIGNED
from backend.errors import DataError

TITLE = "COCO"
NEEDED = {
    "images", "annotations", "categories", "id", "file_name", "width", "height", "image_id",
    "category_id", "bbox", "iscrowd", "name",
}  # fmt: skip
"""All other fields, such as the outlines of things, are forgotten while reading."""

Record = dict[str, Any]


def find_coco(source: Source, files: list[Entry], skips: Skips) -> list[tuple[Entry, Record]]:
    """The JSON files that have COCO's lists, read; raises DataError where one cannot be read."""
    found = []
    for entry in files:
        record = _load(source, entry)
        if isinstance(record, dict) and {"images", "annotations"} <= record.keys():
            found.append((entry, record))
        else:
            skips.add(shown(entry.path), "It is no COCO file.", "not an annotation")
    return found


def read_coco(
    source: Source, files: list[tuple[Entry, Record]], pictures: list[Entry], skips: Skips
) -> list[Annotated]:
    """The pictures that came along with their boxes; what does not fit together is skipped.

    Raises DataError where none of the pictures came along.
    """
    names = FileNames(pictures)
    found: dict[str, Annotated] = {}
    listed = 0
    for entry, record in files:
        images = _Images(entry, record, names, skips)
        listed += images.count
        for one in images.annotated(record):
            if one.entry.path in found:
                skips.add(shown(one.entry.path), "It is annotated twice.", "picture named twice")
            else:
                found[one.entry.path] = one
    if listed and not found:
        raise DataError(
            f"None of the {listed:,} pictures that the annotations of {source.name} name came "
            f"along. Put them into the same zip or folder.{skips.summary()}"
        )
    for entry in pictures:
        if entry.path not in found:
            skips.add(shown(entry.path), "No annotation names it.", "picture without annotation")
    return list(found.values())


class _Images:
    """The pictures that one file lists, by their numbers."""

    def __init__(self, entry: Entry, record: Record, names: FileNames, skips: Skips) -> None:
        self._path, self._skips = shown(entry.path), skips
        self._split = split_in_path(entry.path)
        self._files: dict[Any, tuple[Entry, tuple[float, float] | None]] = {}
        self._boxes: dict[Any, list[tuple[str, Corners]]] = {}
        images = _records(record.get("images"))
        self.count = len(images)
        for image in images:
            name, number = str(image.get("file_name", "")), _key(image.get("id"))
            found = names.find_path((*entry.parts[:-1], *name_parts(name)))
            where = shown(name) or f"picture {number}"
            if len(found) != 1:
                what = "Several files have its name." if found else "It did not come along."
                skips.add(where, what, "picture that is missing")
            elif number is None or number in self._files:
                skips.add(where, "Its number is missing or used twice.", "picture without number")
            else:
                self._files[number] = (found[0], _size(image))
                self._boxes[number] = []
        self._known = {_key(image.get("id")) for image in images} - {None}

    def annotated(self, record: Record) -> list[Annotated]:
        """Each picture with its boxes."""
        classes = {
            _key(one.get("id")): " ".join(str(one["name"]).split())
            for one in _records(record.get("categories"))
            if one.get("name")
        }
        for number, annotation in enumerate(_records(record.get("annotations")), 1):
            reason = self._add(annotation, classes)
            if reason:
                where = f"annotation {number} of {self._path}"
                self._skips.add(where, reason, "annotation that does not fit")
        return [
            Annotated(
                entry,
                self._split if self._split is not None else _folder_split(entry),
                self._boxes[number],
                size,
            )
            for number, (entry, size) in self._files.items()
        ]

    def _add(self, annotation: Record, classes: dict[Any, str]) -> str:
        """Put a box to its picture; the reason where it cannot be, "" also for missing pictures."""
        image = _key(annotation.get("image_id"))
        label = classes.get(_key(annotation.get("category_id")), "")
        if image not in self._known:
            return f"It belongs to picture {shown(str(image))}, which is not listed."
        if not label:
            return f"Its class {shown(str(annotation.get('category_id')))} is not listed."
        if annotation.get("iscrowd") in (1, True):
            return "It marks a crowd, not one thing."
        corners = _corners(annotation.get("bbox"))
        if corners is None:
            return "Its box is missing, or is not four numbers."
        if image in self._boxes:
            self._boxes[image].append((label, corners))
        return ""


def _corners(box: Any) -> Corners | None:
    """x1, y1, x2, y2 from x, y, width, height."""
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        return None
    x, y, width, height = (float(value) for value in box)
    return x, y, x + width, y + height


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30


def _size(image: Record) -> tuple[float, float] | None:
    width, height = image.get("width", 0), image.get("height", 0)
    if _is_number(width) and _is_number(height) and width > 0 and height > 0:
        return float(width), float(height)
    return None


def _folder_split(entry: Entry) -> int:
    split = split_in_path("/".join(entry.parts[:-1]))
    return UNASSIGNED if split is None else split


def _key(value: Any) -> Any:
    """A number by which others refer to it; None where it is none. 7 and "7" are the same."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _records(value: Any) -> list[Record]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _needed(pairs: list[tuple[str, Any]]) -> Record:
    found: Record = {}
    for name, value in pairs:
        if name in NEEDED:
            if name in found:
                raise ValueError(f"names {name!r} twice in one record")
            found[name] = value
    return found


def _load(source: Source, entry: Entry) -> Any:
    """A JSON file without what is not needed; raises DataError where it is none."""
    if entry.size > MAX_FILE_BYTES:
        raise DataError(
            f"{shown(entry.path)} is larger than {MAX_FILE_BYTES / 1e6:,.0f} MB. Divide it into "
            "several, or leave the outlines of things out."
        )
    try:
        return json.loads(source.read(entry), object_pairs_hook=_needed)
    except RecursionError:
        raise DataError(f"{shown(entry.path)} is nested too deeply to be read.") from None
    except ValueError as error:  # also of bytes that are no text
        what = str(error) if "twice" in str(error) else "is not valid JSON"
        raise DataError(f"{shown(entry.path)} cannot be read: it {what}.") from None
