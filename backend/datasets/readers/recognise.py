"""Recognises how what was given is meant, and hands it to the reader that knows."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from backend.datasets.formats import PICTURES, TABLES, TEXTS, DataFormat
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import Entry, Source
from backend.datasets.readers import coco, voc, yolo
from backend.datasets.readers.boxes import BoxReading
from backend.datasets.readers.class_folders import KINDS, FolderReading
from backend.datasets.readers.listed_files import FileNames, ListedReading
from backend.datasets.readers.plain_texts import TextReading
from backend.datasets.readers.reading import Reading
from backend.datasets.readers.table_parts import Part, open_parts
from backend.datasets.readers.table_rows import TableReading
from backend.datasets.readers.tables import SAMPLE
from backend.datasets.skips import Skips, shown
from backend.errors import DataError, UsageError

FORMS = {
    "table": "Rows of a table",
    "listed": "A table that names the files",
    "folders": "Folders (or file names) that name the classes",
    "texts": "Text files",
    "coco": "Boxes: COCO",
    "yolo": "Boxes: YOLO",
    "voc": "Boxes: Pascal VOC",
}
"""How files can be meant, and how a form says it."""
NAMED = 0.5
"""The share of a table's first rows that must name files, for the table to be meant."""


@contextmanager
def recognise(
    source: Source, data_format: DataFormat, choices: Choices, skips: Skips
) -> Iterator[Reading]:
    """The reader for a source; raises DataError where it holds nothing of the format."""
    if choices.form and choices.form not in FORMS:
        raise UsageError(f"There is no form {shown(choices.form)!r}. Known: {', '.join(FORMS)}.")
    if data_format.target == "boxes":
        yield _boxes(source, choices, skips)
    elif data_format.is_files:
        with _files(source, data_format, choices, skips) as reading:
            yield reading
    else:
        with _rows_or_texts(source, data_format, choices, skips) as reading:
            yield reading


def possible_forms(source: Source, data_format: DataFormat) -> list[str]:
    """The forms between which there is a choice; fewer than two where there is none."""
    if data_format.target == "boxes":
        kinds = {"coco": ("json",), "voc": ("xml",), "yolo": ("txt",)}
        return [form for form, endings in kinds.items() if _of_kind(source, endings)]
    tables = _of_kind(source, TABLES)
    if data_format.is_files:
        files = _of_kind(source, KINDS[data_format.item][0])
        return ["folders", "listed"] if tables and files else []
    if data_format.name in ("text", "text-class") and tables and _of_kind(source, TEXTS):
        return ["table", "texts" if data_format.name == "text" else "folders"]
    return []


def _of_kind(source: Source, endings: tuple[str, ...]) -> list[Entry]:
    return [
        entry for entry in source.entries if not entry.is_system_file and entry.suffix in endings
    ]


@contextmanager
def _rows_or_texts(
    source: Source, data_format: DataFormat, choices: Choices, skips: Skips
) -> Iterator[Reading]:
    """Tables where there are any; else text files, as examples or in folders that are classes."""
    tables, texts = _of_kind(source, TABLES), _of_kind(source, TEXTS)
    is_plain = data_format.target == "none" and data_format.item == "text"
    if len(source.entries) == 1 and not tables and not (is_plain and texts):
        tables = source.entries  # a table has any ending: its bytes tell
    if choices.form in ("texts", "folders") or not tables:
        if is_plain:
            yield TextReading(source, choices, skips)
        elif data_format.name == "text-class":
            yield FolderReading(source, data_format, choices, skips)
        else:
            raise DataError(
                f"{source.name} holds no table ({', '.join(TABLES)}), which this kind of data "
                "comes in."
            )
        return
    _skip_others(source, tables, skips)
    with open_parts(source, tables, choices, skips, least=_least(data_format)) as parts:
        yield TableReading(source.name, parts, data_format, choices, skips)


def _least(data_format: DataFormat) -> int:
    """How many columns its tables must have."""
    return sum(not column.optional for column in data_format.columns)


def _skip_others(source: Source, used: list[Entry], skips: Skips) -> None:
    paths = {entry.path for entry in used}
    for entry in source.entries:
        if entry.path not in paths:
            if entry.is_system_file:
                skips.add(shown(entry.path), "It is a file of the system, not data.", "system file")
            else:
                skips.add(shown(entry.path), "It is not a table.", "not a table")


@contextmanager
def _files(
    source: Source, data_format: DataFormat, choices: Choices, skips: Skips
) -> Iterator[Reading]:
    """Files that a table names or contains, else files in folders."""
    endings, kind = KINDS[data_format.item]
    tables, files = _of_kind(source, TABLES), _of_kind(source, endings)
    with ExitStack() as stack:
        reading: Reading | None = None
        if tables and choices.form != "folders":
            noted = Skips()
            parts = _open_tables(stack, source, tables, choices, noted, is_needed=not files)
            meant = choices.form == "listed" or _names_files(parts, files)
            if parts and (meant or _has_content(parts)):
                skips.extend(noted)
                _skip_others(source, [*tables, *files], skips)
                reading = ListedReading(source, parts, files, data_format, choices, skips)
            elif not files:
                raise DataError(
                    f"{source.name} holds a table, but none of the {kind}s that it names. Put both "
                    "into the same zip or folder."
                )
        yield reading or FolderReading(source, data_format, choices, skips)


def _open_tables(
    stack: ExitStack,
    source: Source,
    tables: list[Entry],
    choices: Choices,
    skips: Skips,
    *,
    is_needed: bool,
) -> list[Part]:
    """The tables beside files; none where they cannot be read and the files are enough."""
    try:
        return stack.enter_context(open_parts(source, tables, choices, skips, least=2))
    except DataError:
        if is_needed or choices.form == "listed":
            raise
        return []


def _names_files(parts: list[Part], files: list[Entry]) -> bool:
    """Whether a column of the first table names files that came along.

    Names with an ending leave no doubt; numbers may name files by chance, so they must name half
    of the files, or of so many as there are rows.
    """
    if not parts or not files:
        return False
    names = FileNames(files)
    rows = [row.cells for row in parts[0].table.sample]
    columns = [[row[place] for row in rows if len(row) > place]
               for place in range(len(parts[0].table.columns))]  # fmt: skip
    for cells in columns:
        named = [cell for cell in cells if len(names.find(cell)) == 1]
        whole = sum("." in cell for cell in named)
        enough = len(files) if len(rows) < SAMPLE else len(rows)
        if whole > NAMED * len(rows) or len(named) > NAMED * enough:
            return True
    return False


def _has_content(parts: list[Part]) -> bool:
    return any(isinstance(cell, bytes) for row in parts[0].table.sample for cell in row.cells)


def _boxes(source: Source, choices: Choices, skips: Skips) -> Reading:
    """Pictures with annotations of the kind that came along: COCO, Pascal VOC or YOLO."""
    pictures = _of_kind(source, PICTURES)
    if not pictures:
        raise DataError(
            f"{source.name} holds no pictures ({', '.join(PICTURES)}), only other files. Put the "
            "pictures and their annotations into the same zip or folder."
        )
    texts = _of_kind(source, ("txt",))
    annotations, xmls = _of_kind(source, ("json",)), _of_kind(source, ("xml",))
    form = choices.form
    notes: list[str] = []
    files = coco.find_coco(source, annotations, skips) if form in ("", "coco") else []
    if files:
        title, found = coco.TITLE, coco.read_coco(source, files, pictures, skips)
        form = "coco"
    elif xmls and form in ("", "voc"):
        title, found = voc.TITLE, voc.read_voc(source, xmls, texts, pictures, skips)
        form = "voc"
    else:
        labels = [one for one in texts if one.parts[-1].lower() not in yolo.NO_LABELS]
        named = [one for one in texts if one.parts[-1].lower() in yolo.CLASS_LISTS]
        named += _of_kind(source, ("yaml", "yml", "names"))
        if not labels:
            raise DataError(
                f"{source.name} holds pictures but no annotations. They come as JSON (COCO), XML "
                "(Pascal VOC) or a text file per picture (YOLO)."
            )
        title, form = yolo.TITLE, "yolo"
        found, notes = yolo.read_yolo(source, labels, named, pictures, skips)
    return BoxReading(source, form, title, found, notes)
