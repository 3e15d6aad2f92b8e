"""Takes in what a browser sends, under a generated name; used by the import page."""

from pathlib import Path
from typing import IO

from backend import settings
from backend.datasets import catalog
from backend.datasets.skips import shown
from backend.errors import DataError
from storage import files

CHUNK = 1 << 20


def save_upload(name: str, stream: IO[bytes]) -> Path:
    """Copy an uploaded file into a temporary folder of the home; returns its path.

    name: what the user calls it, for messages only. Raises DataError where it is too large or
    the disk has no room; then nothing is kept. What nobody imports is deleted after ten minutes.
    """
    limit = int(settings.MAX_UPLOAD_MB.value() * 1e6)
    size = stream.seek(0, 2)
    stream.seek(0)
    if size > limit:
        raise DataError(
            f"{shown(name)} has {size / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB are allowed."
        )
    catalog.check_disk_space(size)
    folder = files.temporary_dir()
    try:
        path = folder / "upload"
        with path.open("wb") as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
    except BaseException:
        files.remove_folder(folder)
        raise
    return path


def forget_upload(path: Path) -> None:
    """Delete an uploaded file that was imported or is no longer wanted."""
    files.remove_folder(path.parent)
