"""Boxes as YOLO writes them: a text file beside each picture, a line per box, shares of its sides.

Format and folders: https://docs.ultralytics.com/datasets/detect/; Darknet's are read as well.
"""

from typing import Any

from backend.datasets.encodings import decode_text
from backend.datasets.incoming.sources import Entry, Source
from backend.datasets.readers.boxes import Annotated, Corners
from backend.datasets.readers.columns import as_number
from backend.datasets.readers.table_parts import split_in_path
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import UNASSIGNED
from backend.errors import ArchiveError, DataError

TITLE = "YOLO"
MAX_LABEL_FILE = 10_000_000
MAX_CLASSES_FILE = 200_000
CLASS_LISTS = ("classes.txt", "obj.names", "labels.txt", "predefined_classes.txt")
NO_LABELS = ("train.txt", "val.txt", "valid.txt", "test.txt", "readme.txt", *CLASS_LISTS)
"""Text files beside the labels that are none: lists of pictures and of classes."""
BOX, POINTS = 4, 6
"""Numbers of a box after its class, and the least that an outline has."""


def is_label(source: Source, entry: Entry) -> bool:
    """Whether a text file begins like a label: a class number and some shares."""
    if entry.size > MAX_LABEL_FILE:
        return False
    words = source.read(entry)[:1000].split(b"\n", 1)[0].split()
    return not words or (len(words) > BOX and words[0].isdigit() and b"." in b"".join(words))


def read_yolo(
    source: Source, texts: list[Entry], settings: list[Entry], pictures: list[Entry], skips: Skips
) -> tuple[list[Annotated], list[str]]:
    """Each picture with its boxes, and notes on what was supposed.

    texts: the label files. settings: data.yaml, classes.txt and the like. A picture without a label
    file shows none of the things, as Ultralytics has it. Raises DataError where no label belongs to
    a picture.
    """
    classes, has_points = _read_classes(source, settings, skips)
    labels = {_place(entry): entry for entry in texts}
    found, unlabelled = [], 0
    for picture in pictures:
        label = labels.pop(_place(picture), None)
        unlabelled += label is None
        boxes = _read_label(source, label, classes, has_points, skips) if label else []
        split = split_in_path("/".join(picture.parts[:-1]))
        found.append(
            Annotated(picture, UNASSIGNED if split is None else split, boxes, relative=True)
        )
    for entry in labels.values():
        skips.add(shown(entry.path), "No picture belongs to it.", "label without picture")
    if unlabelled == len(pictures):
        raise DataError(
            f"No label file of {source.name} belongs to a picture. Give both the same name, such "
            f"as images/1.jpg and labels/1.txt.{skips.summary()}"
        )
    notes = []
    if unlabelled:
        notes.append(f"{unlabelled:,} pictures have no label file: they count as showing nothing.")
    if classes is None:
        notes.append("No data.yaml or classes.txt names the classes: they go by their numbers.")
    return found, notes


def _place(entry: Entry) -> tuple[str, ...]:
    """A path without the ending and without the folder that tells pictures from labels."""
    folders = [part.casefold() for part in entry.parts[:-1]]
    for name in ("images", "labels"):
        if name in folders:
            folders.reverse()
            folders.remove(name)  # the last one
            folders.reverse()
            break
    return (*folders, entry.stem.casefold())


def _read_classes(
    source: Source, settings: list[Entry], skips: Skips
) -> tuple[dict[str, str] | None, bool]:
    """The names of the classes by number, and whether the labels hold points of a body too."""
    classes: dict[str, str] | None = None
    has_points = False
    for entry in sorted(settings, key=lambda entry: len(entry.parts)):
        if entry.size > MAX_CLASSES_FILE:
            skips.add(shown(entry.path), "It is too large to name classes.", "not an annotation")
            continue
        text = decode_text(source.read(entry), shown(entry.path))
        if entry.suffix in ("yaml", "yml"):
            record = _load_yaml(text, entry)
            names = _named(record.get("names"))
            has_points = has_points or "kpt_shape" in record
        else:
            lines = [" ".join(line.split()) for line in text.splitlines()]
            names = {str(number): line for number, line in enumerate(lines) if line}
        classes = classes or names or None
    return classes, has_points


def _load_yaml(text: str, entry: Entry) -> dict[str, Any]:
    import yaml

    try:
        # BaseLoader makes texts of everything: a class called "no" is no truth value.
        record = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(
            f"{shown(entry.path)} is not valid YAML. Mend it or leave it out."
        ) from error
    return record if isinstance(record, dict) else {}


def _named(names: Any) -> dict[str, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    return {
        str(number): " ".join(name.split())
        for number, name in (names.items() if isinstance(names, dict) else ())
        if isinstance(name, str) and name.strip()
    }


def _read_label(
    source: Source, entry: Entry, classes: dict[str, str] | None, has_points: bool, skips: Skips
) -> list[tuple[str, Corners]]:
    boxes = []
    try:
        if entry.size > MAX_LABEL_FILE:
            raise DataError("It is too large for a label.")
        text = decode_text(source.read(entry), "It")
    except ArchiveError:
        raise
    except DataError as error:
        skips.add(shown(entry.path), str(error), "label that cannot be read")
        return []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            box = _read_line(line.split(), classes, has_points)
            if isinstance(box, str):
                skips.add(f"{shown(entry.path)}, line {number}", box, "box that cannot be used")
            else:
                boxes.append(box)
    return boxes


def _read_line(
    words: list[str], classes: dict[str, str] | None, has_points: bool
) -> tuple[str, Corners] | str:
    """A class and corners as shares: of a box (with a score or points behind it), or an outline."""
    number = words[0].removesuffix(".0")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return f"It begins with {shown(words[0])!r} instead of the number of a class."
    number = str(int(number))
    if classes is not None and number not in classes:
        return f"Its class {number} is not among the {len(classes):,} that are named."
    values = [as_number(word) for word in words[1:]]
    if None in values or len(values) < BOX:
        return "It is not a class and four numbers."
    shares = [value for value in values if value is not None]
    name = classes[number] if classes is not None else number
    if len(shares) >= POINTS and len(shares) % 2 == 0 and not has_points:
        return name, (min(shares[::2]), min(shares[1::2]), max(shares[::2]), max(shares[1::2]))
    x, y, width, height = shares[:BOX]
    if max(shares[:BOX]) > 2:
        return "Its numbers are no shares from 0 to 1."
    return name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
