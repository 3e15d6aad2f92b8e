"""Boxes as Pascal VOC writes them: an XML file for each picture, and lists of pictures per split.

Format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from backend.datasets.encodings import decode_text
from backend.datasets.incoming.sources import Entry, Source, name_parts
from backend.datasets.readers.boxes import Annotated, Corners
from backend.datasets.readers.columns import SPLIT_WORDS, as_number
from backend.datasets.readers.listed_files import FileNames
from backend.datasets.readers.table_parts import split_in_path
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import UNASSIGNED
from backend.errors import ArchiveError, DataError

TITLE = "Pascal VOC"
MAX_FILE = 10_000_000
MAX_DEPTH = 50
MAX_TEXT = 1000
CORNERS = ("xmin", "ymin", "xmax", "ymax")
PICTURE_FOLDERS = ("JPEGImages", "images", "Images")


@dataclass(slots=True)
class Annotation:
    """What is needed of one XML file: texts as they are written."""

    file_name: str = ""
    size: dict[str, str] = field(default_factory=dict)
    things: list[dict[str, str]] = field(default_factory=list)


def parse_annotation(data: bytes) -> Annotation:
    """The boxes in an XML file; raises DataError where it is damaged or not an annotation.

    Declarations of entities are refused, so nothing is expanded and nothing else is opened
    (https://docs.python.org/3/library/xml.html#xml-vulnerabilities).
    """
    found, path = Annotation(), []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(tag)
        if len(path) == 1 and tag != "annotation":
            raise DataError("It is no annotation of Pascal VOC.")
        if len(path) > MAX_DEPTH:
            raise DataError("It is nested too deeply.")
        if path == ["annotation", "object"]:
            found.things.append({})

    def end(tag: str) -> None:
        path.pop()

    def text(words: str) -> None:
        if path == ["annotation", "filename"]:
            found.file_name = (found.file_name + words)[:MAX_TEXT]
        elif path[:2] == ["annotation", "size"] and len(path) == 3:
            found.size[path[2]] = (found.size.get(path[2], "") + words)[:MAX_TEXT]
        elif path[:2] == ["annotation", "object"] and _is_wanted(path[2:]):
            thing = found.things[-1]
            thing[path[-1]] = (thing.get(path[-1], "") + words)[:MAX_TEXT]

    def refuse(*_: object) -> int:
        raise DataError("It declares entities, which Trainroom does not read.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DataError("It is damaged: no valid XML.") from error
    return found


def _is_wanted(inside: list[str]) -> bool:
    """The name of a thing and the corners of its own box, not those of its parts."""
    return inside == ["name"] or (inside[:1] == ["bndbox"] and len(inside) == 2)


def read_voc(
    source: Source,
    annotations: list[Entry],
    lists: list[Entry],
    pictures: list[Entry],
    skips: Skips,
) -> list[Annotated]:
    """The pictures that came along with their boxes; what does not fit together is skipped.

    lists: the text files of ImageSets/Main. Raises DataError where no picture came along.
    """
    names = FileNames(pictures)
    splits = _read_lists(source, lists)
    found: dict[str, Annotated] = {}
    for entry in annotations:
        try:
            if entry.size > MAX_FILE:
                raise DataError("It is too large for an annotation.")
            one = parse_annotation(source.read(entry))
        except ArchiveError:
            raise
        except DataError as error:
            skips.add(shown(entry.path), str(error), "annotation that cannot be read")
            continue
        picture = _find_picture(entry, one, names)
        if picture is None:
            skips.add(shown(entry.path), "Its picture did not come along.", "label without picture")
        elif picture.path in found:
            skips.add(shown(entry.path), "Its picture is annotated twice.", "picture named twice")
        else:
            split = splits.get(entry.stem.casefold(), split_in_path("/".join(entry.parts[:-1])))
            boxes = _boxes(one, entry, skips)
            found[picture.path] = Annotated(
                picture, UNASSIGNED if split is None else split, boxes, _size(one)
            )
    if not found:
        raise DataError(
            f"No annotation of {source.name} belongs to a picture that came along. Put both into "
            f"the same zip or folder.{skips.summary()}"
        )
    for entry in pictures:
        if entry.path not in found:
            skips.add(
                shown(entry.path), "No annotation belongs to it.", "picture without annotation"
            )
    return list(found.values())


def _read_lists(source: Source, lists: list[Entry]) -> dict[str, int]:
    """The split of each picture by the name of its file without the ending."""
    splits = {}
    for entry in lists:
        # There are lists for each class too (cat_train.txt), which say the same.
        split = SPLIT_WORDS.get(entry.stem.casefold())
        if split is not None and entry.size <= MAX_FILE:
            for line in decode_text(source.read(entry), shown(entry.path)).splitlines():
                if line.strip():
                    splits[line.split()[0].casefold()] = split
    return splits


def _find_picture(entry: Entry, one: Annotation, names: FileNames) -> Entry | None:
    """The picture of an annotation: by the name in it, else by its own; beside it or near by."""
    above = entry.parts[:-1]
    folders = [above, *((*above[:-1], name) for name in PICTURE_FOLDERS)]
    for name in (one.file_name.strip(), entry.stem):
        if not name:
            continue
        last = name_parts(name)[-1]
        for folder in folders:
            found = names.find_path((*folder, last))
            if len(found) == 1:
                return found[0]
    return None


def _boxes(one: Annotation, entry: Entry, skips: Skips) -> list[tuple[str, Corners]]:
    boxes = []
    for number, thing in enumerate(one.things, 1):
        name = " ".join(thing.get("name", "").split())
        values = [as_number(thing.get(corner, "")) for corner in CORNERS]
        x1, y1, x2, y2 = values
        if not name or x1 is None or y1 is None or x2 is None or y2 is None:
            where = f"{shown(entry.path)}, object {number}"
            skips.add(where, "It has no name or not four corners.", "box that cannot be used")
            continue
        # VOC counts pixels from 1, and its last pixel belongs to the box: as Detectron2 reads it.
        boxes.append((name, (x1 - 1, y1 - 1, x2, y2)))
    return boxes


def _size(one: Annotation) -> tuple[float, float] | None:
    width, height = (as_number(one.size.get(side, "")) for side in ("width", "height"))
    return (width, height) if width and height and width > 0 and height > 0 else None
