"""Brings what a user gave in: reads it all, writes, publishes; behind the package's door."""

import errno
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backend import settings
from backend.datasets import catalog
from backend.datasets.formats import DataFormat, get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.opening import open_path
from backend.datasets.incoming.sources import Source
from backend.datasets.readers.reading import Progress
from backend.datasets.readers.recognise import recognise
from backend.datasets.skips import Skips, shown
from backend.datasets.writer import StoreWriter
from backend.errors import DataError, DiskFullError, UsageError
from storage.records import Dataset

OWN = "your own"
"""The licence of what users bring themselves."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is kept about where a data set came from."""

    source: str
    licence: str = OWN
    note: str = ""


def import_dataset(
    path: Path,
    *,
    task: str,
    name: str,
    text_column: str | None = None,
    label_column: str | None = None,
    columns: Mapping[str, str] | None = None,
    choices: Choices | None = None,
    original_name: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Bring in a file, a zip archive or a folder for a task, in this process.

    columns: role -> column; text_column and label_column are two of them. original_name: what the
    user calls the file, where path is a temporary copy. progress(message, share) is called now and
    then. Raises UsageError, DataError or ArchiveError with a sentence; then nothing is kept.
    """
    from backend.tasks import get_task

    data_format = get_task(task).formats[0]
    named = {"text": text_column, "label": label_column, **(columns or {})}
    chosen = choices or Choices()
    wanted = {role: column for role, column in named.items() if column is not None}
    chosen = replace(chosen, columns={**chosen.columns, **wanted})
    file_name = shown(original_name or path.name or str(path))
    check_path(path, file_name)
    skips = Skips()
    with open_path(path, file_name, skips) as source:
        return bring_in(
            source, get_format(data_format), chosen, skips,
            name=name, task=task, origin=Origin(file_name), progress=progress,
        )  # fmt: skip


def bring_in(
    source: Source,
    data_format: DataFormat,
    choices: Choices,
    skips: Skips,
    *,
    name: str,
    task: str,
    origin: Origin,
    progress: Progress | None = None,
) -> Dataset:
    """Read a source into a new data set; skips may hold what was left out so far.

    Raises UsageError, DataError or ArchiveError with a sentence; then nothing is kept.
    """
    name = catalog.check_name(name)
    catalog.check_name_is_free(name)
    catalog.remove_leftovers()
    with _disk_errors(), StoreWriter(data_format.name) as writer:
        noted = Skips(writer.folder)
        noted.extend(skips)
        with recognise(source, data_format, choices, noted) as reading:
            reading.read(writer, noted, progress)
            details = {"file": origin.source, **reading.details()}
        noted.close()
        if origin.note:
            details["source_note"] = origin.note
        if progress:
            progress("Saving", 1.0)
        return catalog.publish(
            writer,
            name=name,
            task=task,
            source=origin.source,
            licence=origin.licence,
            skips=noted,
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


def check_path(path: Path, name: str) -> None:
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
    check_size(status.st_size, name)
    catalog.check_disk_space(status.st_size)


def check_size(size: int, name: str) -> None:
    """Raise DataError where a file has more bytes than are allowed."""
    limit = settings.MAX_UPLOAD_MB.value() * 1e6
    if size > limit:
        raise DataError(
            f"{name} has {size / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB are allowed."
        )
