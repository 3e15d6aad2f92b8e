"""Where files come from: a folder, what a browser sent, one file; archives.py has zip archives."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from backend.datasets.skips import Skips, cleaned, shown
from backend.errors import DataError

MAX_DEPTH = 32
MAX_FILE_BYTES = 100_000_000
"""A picture of the largest size allowed, uncompressed, is smaller; tables may be larger."""
SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")
# Not there on Windows, where a folder's links need rights that few have.
NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path for the user, the path's parts, its bytes, and the source's own key."""

    path: str
    parts: tuple[str, ...]
    size: int
    key: Any

    @property
    def suffix(self) -> str:
        """The ending of its name without the dot, in small letters; "" where there is none."""
        return self.parts[-1].rpartition(".")[2].lower() if "." in self.parts[-1] else ""

    @property
    def stem(self) -> str:
        """Its name without the ending."""
        return self.parts[-1].rpartition(".")[0] or self.parts[-1]

    @property
    def is_system_file(self) -> bool:
        """Files that computers leave in folders: __MACOSX, .DS_Store, Thumbs.db, hidden ones."""
        return (
            self.parts[-1].lower() in SYSTEM_FILES
            or "__MACOSX" in self.parts
            or any(part.startswith(".") for part in self.parts)
        )


class Source(Protocol):
    """Files that were checked by name and size, and are read one at a time."""

    name: str
    entries: list[Entry]

    def read(self, entry: Entry) -> bytes: ...

    def on_disk(self, entry: Entry) -> Path:
        """A plain file with an entry's bytes, for readers that jump about in it."""
        ...


class DiskSource:
    """Files on disk under names of their own."""

    def __init__(self, name: str, entries: list[Entry]) -> None:
        """The key of each entry is its path on disk."""
        self.name = name
        self.entries = entries

    def read(self, entry: Entry) -> bytes:
        """A file's bytes; raises DataError where it is too large, went away or became a link."""
        if entry.size > MAX_FILE_BYTES:
            raise DataError(f"It is larger than {MAX_FILE_BYTES / 1e6:,.0f} MB.")
        try:
            with open(os.open(entry.key, os.O_RDONLY | NO_LINKS), "rb") as file:
                return file.read()
        except OSError as error:
            raise DataError("It can no longer be read.") from error

    def on_disk(self, entry: Entry) -> Path:
        return Path(entry.key)


def one_file(path: Path, name: str) -> DiskSource:
    """A source of a single file, which the user calls by a name."""
    return DiskSource(name, [Entry(name, name_parts(name), path.stat().st_size, path)])


def folder_files(folder: Path, name: str, limit: int, skips: Skips) -> DiskSource:
    """The files of a folder; links are not followed.

    Raises DataError beyond `limit` files or MAX_DEPTH folders.
    """
    entries: list[Entry] = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        parts = Path(here).relative_to(folder).parts
        if len(parts) > MAX_DEPTH:
            raise DataError(f"{name} has folders more than {MAX_DEPTH} deep.")
        for file_name in sorted(names):
            path = Path(here, file_name)
            where = "/".join((*parts, file_name))
            if path.is_symlink() or not path.is_file():
                skips.add(shown(where), "It is a link or a device, not a file.", "link")
                continue
            entries.append(Entry(where, (*parts, file_name), path.stat().st_size, path))
        if len(entries) > limit:
            raise DataError(f"{name} holds more than {limit:,} files.")
    return DiskSource(name, entries)


class JoinedSource:
    """Several sources as one, such as two archives; each is a folder of its own."""

    def __init__(self, name: str, sources: Sequence[tuple[tuple[str, ...], Source]]) -> None:
        """sources: the folders above each, and the source."""
        self.name = name
        self.entries = [
            Entry("/".join((*above, entry.path)), (*above, *entry.parts), entry.size, (part, entry))
            for above, part in sources
            for entry in part.entries
        ]

    def read(self, entry: Entry) -> bytes:
        source, inner = entry.key
        return source.read(inner)

    def on_disk(self, entry: Entry) -> Path:
        source, inner = entry.key
        return source.on_disk(inner)


def name_parts(name: str) -> tuple[str, ...]:
    """The folders and the name in a path that a browser or a table wrote; never leads upwards."""
    path = cleaned(name.split("\0")[0].replace("\\", "/"))
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return tuple(parts[-MAX_DEPTH:]) or ("file",)
