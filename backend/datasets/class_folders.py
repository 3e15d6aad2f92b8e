"""Examples as files in one folder per class, from a zip archive or from disk; used by imports."""

import os
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.datasets.encodings import decode_text
from backend.datasets.images import decode_image
from backend.datasets.skips import Skips, cleaned, shown
from backend.datasets.splits import TEST, TRAIN, UNASSIGNED, VALIDATION
from backend.datasets.store import StoreWriter
from backend.errors import DataError

MAX_DEPTH = 32
MAX_CLASSES = 1000
PICTURES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff")
TEXTS = (".txt",)
TABLES = (".csv", ".tsv", ".xlsx", ".parquet", ".jsonl")
SPLIT_FOLDERS = {
    "train": TRAIN, "training": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
WINDOW_BYTES = 32_000_000
"""How much may wait to be decoded: the pictures themselves need memory as well."""
SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path for the user, the path's parts, its bytes, and the source's own key."""

    path: str
    parts: tuple[str, ...]
    size: int
    key: Any


class Source(Protocol):
    """Where files come from."""

    name: str
    entries: list[Entry]

    def read(self, entry: Entry) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A file with its class and, where its folder names one, its split."""

    entry: Entry
    label: str
    split: int


Decoding = tuple[Placed, "Future[NDArray[np.uint8] | DataError]"]


class FolderSource:
    """The files of a folder on disk; links are not followed."""

    def __init__(self, folder: Path, name: str, limit: int, skips: Skips) -> None:
        """List the files; raises DataError beyond `limit` files or MAX_DEPTH folders."""
        self.name = name
        self.entries: list[Entry] = []
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
                self.entries.append(Entry(where, (*parts, file_name), path.stat().st_size, path))
            if len(self.entries) > limit:
                raise DataError(f"{name} holds more than {limit:,} files.")

    def read(self, entry: Entry) -> bytes:
        return Path(entry.key).read_bytes()


def is_system_file(parts: Sequence[str]) -> bool:
    """Files that computers leave in folders: __MACOSX, .DS_Store, Thumbs.db, hidden ones."""
    return (
        parts[-1].lower() in SYSTEM_FILES
        or "__MACOSX" in parts
        or any(part.startswith(".") for part in parts)
    )


def place_entries(
    source: Source, suffixes: tuple[str, ...], kind: str, skips: Skips
) -> list[Placed]:
    """Find the level of folders that names the classes, and sort the files into them.

    A folder around everything is passed over; folders named train, validation or test above the
    classes give the splits; deeper folders belong to the class above them. Raises DataError where
    there are fewer than two classes.
    """
    wanted = []
    for entry in source.entries:
        if is_system_file(entry.parts):
            skips.add(shown(entry.path), "It is a file of the system, not data.", "system file")
        elif not entry.parts[-1].lower().endswith(suffixes):
            skips.add(shown(entry.path), f"It is not a {kind}.", f"not a {kind}")
        else:
            wanted.append(entry)
    if not wanted:
        for entry in source.entries:
            if entry.path.lower().endswith(TABLES) and not is_system_file(entry.parts):
                raise DataError(
                    f"{source.name} holds a table, {shown(entry.path)}. Unpack it and bring in the "
                    "table itself, as CSV."
                )
        raise DataError(
            f"{source.name} holds no {kind}s ({', '.join(suffixes)}). Put them into one folder per "
            f"class.{skips.summary()}"
        )
    level = _class_level(wanted)
    placed = []
    for entry in wanted:
        split, depth = UNASSIGNED, level.depth
        if level.splits and len(entry.parts) > depth:
            split = SPLIT_FOLDERS.get(entry.parts[depth].lower(), UNASSIGNED)
            depth += 1
        if len(entry.parts) < depth + 2:
            skips.add(shown(entry.path), "It does not lie in the folder of a class.", "no class")
            continue
        placed.append(Placed(entry, _class_name(entry.parts[depth]), split))
    _check_classes(source.name, [item.label for item in placed], kind)
    return sorted(placed, key=lambda item: item.entry.path)


@dataclass(frozen=True, slots=True)
class _Level:
    depth: int  # how many folders lie above the classes (or above the splits)
    splits: bool


def _class_level(entries: Iterable[Entry]) -> _Level:
    folders = [entry.parts[:-1] for entry in entries]
    depth = 0
    while True:
        names = {parts[depth] for parts in folders if len(parts) > depth}
        deeper = [parts for parts in folders if len(parts) > depth + 1]
        splits = {SPLIT_FOLDERS.get(name.lower()) for name in names}
        if TRAIN in splits and None not in splits and deeper:
            return _Level(depth, splits=True)
        if len(names) != 1 or not deeper:
            return _Level(depth, splits=False)
        depth += 1


def _class_name(folder: str) -> str:
    # macOS stores an umlaut as two signs, Windows as one: the same name to everybody.
    return unicodedata.normalize("NFC", cleaned(folder).strip()) or "(blank)"


def _check_classes(name: str, labels: list[str], kind: str) -> None:
    classes = sorted(set(labels))
    if not classes:
        raise DataError(f"{name} holds {kind}s but no folders. Put them into one folder per class.")
    if len(classes) == 1:
        raise DataError(
            f"{name} has only one class, {classes[0]!r}. A classifier needs at least two: one "
            "folder for each."
        )
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f"{name} has {len(classes):,} folders; at most {MAX_CLASSES:,} classes are possible."
        )


def read_pictures(
    source: Source, writer: StoreWriter, skips: Skips, progress: Progress | None = None
) -> None:
    """Decode every picture into the writer; those that cannot be read are skipped."""
    placed = place_entries(source, PICTURES, "picture", skips)

    def decode(data: bytes) -> NDArray[np.uint8] | DataError:
        try:
            return decode_image(data)
        except DataError as error:
            return error

    # zlib and libjpeg let go of Python's lock: decoding is what takes the time.
    threads = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        window: deque[Decoding] = deque()

        def take() -> None:
            item, future = window.popleft()
            result = future.result()
            if isinstance(result, DataError):
                skips.add(shown(item.entry.path), str(result), "picture that cannot be read")
            else:
                writer.add_image(result, item.label, item.split)

        for item, data in _read_all(source, placed, progress):
            window.append((item, pool.submit(decode, data)))
            while len(window) > 2 * threads or _waiting_bytes(window) > WINDOW_BYTES:
                take()
        while window:
            take()
    _check_left(source.name, writer, placed, skips, "picture")


def _waiting_bytes(window: Iterable[Decoding]) -> int:
    return sum(item.entry.size for item, _ in window)


def read_text_files(
    source: Source, writer: StoreWriter, skips: Skips, progress: Progress | None = None
) -> None:
    """One text file is one example; those that are blank or not text are skipped."""
    placed = place_entries(source, TEXTS, "text file", skips)
    for item, data in _read_all(source, placed, progress):
        try:
            text = decode_text(data, "It").strip()
        except DataError as error:
            skips.add(shown(item.entry.path), str(error), "not a text")
            continue
        if text:
            writer.add_text(text, item.label, item.split)
        else:
            skips.add(shown(item.entry.path), "The text is empty.", "empty text")
    _check_left(source.name, writer, placed, skips, "text")


def _read_all(
    source: Source, placed: list[Placed], progress: Progress | None
) -> Iterator[tuple[Placed, bytes]]:
    for number, item in enumerate(placed):
        if progress and number % 50 == 0:
            progress(f"Reading file {number + 1:,} of {len(placed):,}", number / len(placed))
        yield item, source.read(item.entry)


def _check_left(
    name: str, writer: StoreWriter, placed: list[Placed], skips: Skips, kind: str
) -> None:
    """Refuse where reading left fewer than two classes."""
    lost = Counter(item.label for item in placed).keys() - set(writer.class_names)
    if writer.class_count < 2:
        raise DataError(
            f"No {kind} of {name} in the class {sorted(lost)[0]!r} could be read.{skips.summary()}"
        )
