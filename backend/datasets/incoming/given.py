"""What a user gave and has not brought in yet: files under generated names, kept for a while."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from backend import settings
from backend.datasets import catalog
from backend.datasets.incoming import archives
from backend.datasets.incoming.imports import OWN, Origin, check_path, check_size
from backend.datasets.incoming.opening import is_archive, open_path
from backend.datasets.incoming.sources import DiskSource, Entry, JoinedSource, Source, name_parts
from backend.datasets.skips import Skips, shown
from backend.errors import DataError, NotFoundError, UsageError
from storage import files

CHUNK = 1 << 20
RECORD = "given.json"
"""Written last: a folder without it is what was cut off."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """One file: what the user calls it, its bytes, and the number it is stored under."""

    name: str
    size: int
    number: int


@dataclass(frozen=True, slots=True)
class Given:
    """Everything that was given together.

    title: what to call it. path: where it lies on this computer, "" where it was copied; root: the
    folder that it may not lie outside of. source and licence: where it came from, as the data set
    will say it.
    """

    id: str
    title: str
    files: list[GivenFile] = field(default_factory=list)
    path: str = ""
    root: str = ""
    source: str = ""
    licence: str = OWN
    note: str = ""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def origin(self) -> Origin:
        return Origin(self.source or shown(self.title), self.licence, self.note)


def give(title: str, streams: Sequence[tuple[str, IO[bytes]]], **more: Any) -> Given:
    """Copy files into a temporary folder of the home.

    streams: what the user calls each file, and its bytes. more: other fields of Given. Raises
    DataError where they are too large, too many, or the disk has no room; then nothing is kept.
    """
    most = int(settings.MAX_ARCHIVE_FILES.value())
    if len(streams) > most:
        raise DataError(f"These are more than {most:,} files. Divide them into several.")
    check_size(sum(_size(stream) for _, stream in streams), shown(title))
    catalog.check_disk_space(sum(_size(stream) for _, stream in streams))
    folder = files.temporary_dir()
    try:
        found = [
            GivenFile(name, _copy(stream, folder / str(number)), number)
            for number, (name, stream) in enumerate(streams)
        ]
        return _write(Given(folder.name, title, found, **more))
    except BaseException:
        files.remove_folder(folder)
        raise


def give_path(path: Path, title: str, root: Path | None = None) -> Given:
    """Something on this computer, which stays where it is.

    root: an allowed folder, inside of which it must lie, also when it is opened.
    """
    above = str(root) if root else ""
    return _write(
        Given(files.temporary_dir().name, title, path=str(path), root=above, source=shown(title))
    )


def add_file(given: Given, name: str, stream: IO[bytes]) -> Given:
    """One more file, such as the next photograph."""
    number = max((file.number for file in given.files), default=-1) + 1
    check_size(given.size + _size(stream), shown(given.title))
    size = _copy(stream, given_folder(given.id) / str(number))
    return _write(replace(given, files=[*given.files, GivenFile(name, size, number)]))


def remove_file(given: Given, number: int) -> Given:
    """One file less."""
    (given_folder(given.id) / str(number)).unlink(missing_ok=True)
    left = [file for file in given.files if file.number != number]
    return _write(replace(given, files=left))


def read_file(given: Given, number: int) -> bytes:
    """The bytes of a file that was given."""
    return (given_folder(given.id) / str(int(number))).read_bytes()


def find_given(given_id: str) -> Given:
    """What was given under this id, kept for some more minutes; raises NotFoundError."""
    path = given_folder(given_id) / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        path.touch()
    except (OSError, ValueError):
        raise NotFoundError(
            "What you gave is not here any more: it is cleared away after ten minutes. Give it "
            "again."
        ) from None
    return Given(**{**record, "files": [GivenFile(**one) for one in record["files"]]})


def forget_given(given_id: str) -> None:
    """Delete what was brought in or is no longer wanted."""
    files.remove_folder(given_folder(given_id))


def given_folder(given_id: str) -> Path:
    """Where it lies or would lie; raises NotFoundError where the id is none."""
    if not (given_id.isascii() and given_id.isalnum()):
        raise NotFoundError("Nothing was given under that name.")
    return files.home() / "tmp" / given_id


@contextmanager
def open_given(given: Given, skips: Skips) -> Iterator[Source]:
    """The files that were given; archives among several are opened too, each as a folder."""
    title, folder = shown(given.title), given_folder(given.id)
    with ExitStack() as stack:
        if given.path:
            path = Path(given.path)
            check_path(path, title)
            if given.root and Path(given.root) not in [path.resolve(), *path.resolve().parents]:
                raise UsageError(f"{title} lies outside of the folders that may be brought in.")
            yield stack.enter_context(open_path(path, title, skips))
            return
        if len(given.files) == 1 and "/" not in given.files[0].name:
            only = given.files[0]
            path = folder / str(only.number)
            yield stack.enter_context(open_path(path, shown(only.name), skips))
            return
        loose, parts = [], []
        for file in given.files:
            path, name = folder / str(file.number), shown(file.name)
            above = name_parts(file.name)
            if is_archive(path, file.name):
                archives.check_format(path, name)
                inside = stack.enter_context(archives.open_zip(path, name))
                parts.append(((*above[:-1], above[-1].rpartition(".")[0] or above[-1]), inside))
            else:
                loose.append(Entry("/".join(above), above, file.size, path))
        plain = DiskSource(title, loose)
        yield JoinedSource(title, [((), plain), *parts]) if parts else plain


def _size(stream: IO[bytes]) -> int:
    size = stream.seek(0, 2)
    stream.seek(0)
    return size


def _copy(stream: IO[bytes], path: Path) -> int:
    with path.open("wb") as file:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
        return file.tell()


def _write(given: Given) -> Given:
    write_record(given, given_folder(given.id))
    return given


def write_record(given: Given, folder: Path) -> None:
    """Say what a folder holds; from then on it counts as given."""
    part = folder / f"{RECORD}.{time.monotonic_ns()}"
    part.write_text(json.dumps(asdict(given)), encoding="utf-8")
    part.replace(folder / RECORD)
