"""Opens what was given as a source of files: a folder, a zip archive, or a single file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend import settings
from backend.datasets.incoming import archives
from backend.datasets.incoming.sources import Source, folder_files, one_file
from backend.datasets.skips import Skips
from backend.errors import DataError

WORKBOOKS = (".xlsx", ".xlsm", ".ods")
"""Tables that are zip archives inside."""
OFFICE_MEMBERS = ("[Content_Types].xml", "_rels/", "docProps/", "xl/", "mimetype")


@contextmanager
def open_path(path: Path, name: str, skips: Skips) -> Iterator[Source]:
    """The files in a folder, an archive or a file that the user calls by this name.

    Raises DataError (an ArchiveError for archives) where a rule is broken.
    """
    if path.is_dir():
        yield folder_files(path, name, int(settings.MAX_ARCHIVE_FILES.value()), skips)
        return
    if path.stat().st_size == 0:
        raise DataError(f"{name} is empty (0 bytes).")
    if not is_archive(path, name):
        archives.check_no_other_archive(path, name)
        yield one_file(path, name)
        return
    archives.check_format(path, name)
    with archives.open_zip(path, name) as source:
        yield source


def is_archive(path: Path, name: str) -> bool:
    """Whether a file is to be opened as a zip archive: by its name, else by its first bytes."""
    if name.lower().endswith(".zip"):
        return True
    if name.lower().endswith(WORKBOOKS) or not archives.is_zip(path):
        return False
    with path.open("rb") as file:
        head = file.read(30 + 40)
    return not head[30:].startswith(tuple(member.encode() for member in OFFICE_MEMBERS))
