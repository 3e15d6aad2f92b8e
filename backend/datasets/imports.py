"""Brings a user's own file in: chooses the reader, checks, writes, publishes; behind the door."""

import errno
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backend import settings
from backend.datasets import archives, catalog, class_folders, tables
from backend.datasets.class_folders import Progress, Source
from backend.datasets.skips import Skips, shown
from backend.datasets.store import Kind, StoreWriter
from backend.errors import DataError, DiskFullError, UsageError
from storage.records import Dataset

INPUT_KINDS: dict[str, Kind] = {"image-classification": "image", "text-classification": "text"}
MAX_LABELS = 1000
MAX_LABEL = 200
PROGRESS_ROWS = 5000


def import_dataset(
    path: Path,
    *,
    task: str,
    name: str,
    text_column: str | None = None,
    label_column: str | None = None,
    original_name: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Bring in a CSV or TSV file, a zip archive or a folder with one folder per class.

    original_name: what the user calls the file, where path is a temporary copy. progress(message,
    share) is called now and then. Raises UsageError, DataError or ArchiveError with a sentence;
    then nothing is kept.
    """
    if task not in INPUT_KINDS:
        raise UsageError(
            f"No data can be brought in for {shown(task)!r}. Known tasks: {', '.join(INPUT_KINDS)}."
        )
    name = catalog.check_name(name)
    catalog.check_name_is_free(name)
    file_name = shown(original_name or path.name or str(path))
    _check_path(path, file_name)
    catalog.remove_leftovers()
    skips = Skips()
    kind = INPUT_KINDS[task]
    with _disk_errors(), StoreWriter(kind) as writer:
        details: dict[str, object] = {"file": file_name}
        if path.is_file() and kind == "text" and not _looks_like_archive(path, file_name):
            details |= _read_table(
                path, file_name, writer, skips, text_column, label_column, progress
            )
        else:
            _read_folders(path, file_name, writer, skips, progress)
        if progress:
            progress("Saving", 1.0)
        return catalog.publish(
            writer,
            name=name,
            task=task,
            source=file_name,
            licence="your own",
            skips=skips,
            details=details,
        )


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFullError(
                "The disk is full, so the data set was not kept. Free some space and try again."
            ) from error
        raise


def _check_path(path: Path, name: str) -> None:
    """A plain file or a folder, not too large for the disk; raises UsageError or DataError."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        hint = "Bring it in again." if path.name != name else "Give the path of one that exists."
        raise UsageError(f"There is no file or folder {name!r}. {hint}") from None
    if stat.S_ISDIR(status.st_mode):
        return
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{name} is neither a file nor a folder.")
    limit = settings.MAX_UPLOAD_MB.value() * 1e6
    if status.st_size > limit:
        raise DataError(
            f"{name} has {status.st_size / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB are allowed."
        )
    catalog.check_disk_space(status.st_size)


def _looks_like_archive(path: Path, name: str) -> bool:
    return name.lower().endswith(".zip") or archives.is_zip(path)


def _read_folders(
    path: Path, name: str, writer: StoreWriter, skips: Skips, progress: Progress | None
) -> None:
    """Fill the writer from a folder or from a zip archive."""
    reader: Callable[[Source, StoreWriter, Skips, Progress | None], None] = (
        class_folders.read_pictures if writer.kind == "image" else class_folders.read_text_files
    )
    if path.is_dir():
        limit = int(settings.MAX_ARCHIVE_FILES.value())
        reader(class_folders.FolderSource(path, name, limit, skips), writer, skips, progress)
        return
    archives.check_format(path, name)
    with archives.open_zip(path, name) as source:
        reader(source, writer, skips, progress)


def _read_table(
    path: Path,
    name: str,
    writer: StoreWriter,
    skips: Skips,
    text_column: str | None,
    label_column: str | None,
    progress: Progress | None,
) -> dict[str, object]:
    """Fill the writer from the rows of a table; returns details on how it was read."""
    layout = tables.detect_layout(path, name)
    text_place, label_place = tables.choose_columns(layout, name, text_column, label_column)
    label_name = layout.columns[label_place]
    rows = ragged = 0
    limit = int(settings.MAX_ROWS.value())
    width = len(layout.columns)
    with tables.open_table(path, layout.encoding) as file:
        reader = tables.read_rows(file, layout.separator)
        if layout.has_header:
            next(reader, None)
        for rows, row in enumerate(reader, 1):
            if rows > limit:
                raise DataError(
                    f"{name} has more than {limit:,} rows. Bring in a part of it, or set "
                    f"{settings.MAX_ROWS.variable} higher."
                )
            if progress and rows % PROGRESS_ROWS == 0:
                progress(f"Reading row {rows:,}", tables.position(file))
            # Programs that write a separator at the end of each row mean no further cell.
            cells = row.cells if len(row.cells) <= width else _without_blanks(row.cells, width)
            if row.problem or len(cells) != width:
                ragged += 1
                reason = row.problem or f"It has {len(row.cells)} cells instead of {width}."
                skips.add(f"line {row.line}", reason, "row that does not fit")
                continue
            _add_row(writer, skips, row.line, cells[text_place], cells[label_place])
            if writer.class_count > MAX_LABELS:
                raise DataError(
                    f"The column {shown(label_name)!r} of {name} has more than {MAX_LABELS:,} "
                    "different values, so it can hardly be a label. Choose another column."
                )
    _check_table(name, label_name, rows, ragged, writer, skips)
    return {
        "text_column": layout.columns[text_place],
        "label_column": label_name,
        "encoding": layout.encoding,
        "separator": layout.separator,
    }


def _without_blanks(cells: list[str], width: int) -> list[str]:
    return cells if any(cell.strip() for cell in cells[width:]) else cells[:width]


def _add_row(writer: StoreWriter, skips: Skips, line: int, text: str, label: str) -> None:
    # A letter with its accent is one sign or two, depending on the program: one class all the same.
    text, label = text.strip(), unicodedata.normalize("NFC", " ".join(label.split()))
    if not text:
        skips.add(f"line {line}", "The text is empty.", "empty text")
    elif not label:
        skips.add(f"line {line}", "The label is empty.", "empty label")
    elif len(label) > MAX_LABEL:
        skips.add(f"line {line}", f"The label is longer than {MAX_LABEL} characters.", "long label")
    else:
        writer.add_text(text, label)


def _check_table(
    name: str, label_name: str, rows: int, ragged: int, writer: StoreWriter, skips: Skips
) -> None:
    """Refuse a table from which nothing useful was read."""
    if rows == 0:
        raise DataError(f"{name} has a header but no rows below it.")
    if ragged > rows / 2:
        raise DataError(
            f"{ragged:,} of the {rows:,} rows of {name} do not fit its header.{skips.summary()} "
            "Put texts that hold the separator into quotation marks."
        )
    if len(writer) == 0:
        raise DataError(f"No row of {name} has both a text and a label.{skips.summary()}")
    classes = writer.class_names
    if len(classes) == 1:
        raise DataError(
            f"All rows of {name} have the same label, {shown(classes[0])!r}, in the column "
            f"{shown(label_name)!r}. A classifier needs at least two."
        )
    if len(classes) > max(10, len(writer) / 2):
        raise DataError(
            f"The column {shown(label_name)!r} of {name} has {len(classes):,} different values in "
            f"{len(writer):,} rows, so it can hardly be a label. Choose another column."
        )
