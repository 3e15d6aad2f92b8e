"""The packed, memory-mapped files of a data set, read by tasks and previews (writer.py writes).

A folder holds items.bin (UTF-8 texts, raw pixels, sound or ratings, one after the other),
offsets.npy (int64 [n + 1], where each item begins), shapes.npy (int32 [n, 3], height, width,
channels; [0, 3] where the items are no pictures), labels.npy (int64 [n], the class where there
are classes), splits.npy (uint8 [n]) and contents.json, which says what the items are. Where more
than a class belongs to an item, targets.bin and target_offsets.npy hold it: a text, or boxes.

Later versions share all that. A file below versions/ holds what one of them has of its own, and
nothing where it has the first one's: labels, splits, and texts or targets that stand in place of
stored ones (overlay.py). An example that was dropped keeps its number in every version.
"""

import json
import mmap
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.formats import ItemKind, TargetKind
from backend.datasets.overlay import Overlay
from backend.datasets.splits import DROPPED, SPLITS
from backend.errors import DataError
from storage import datasets, files
from storage.records import Dataset

SAMPLE_RATE = 16_000
"""Samples per second of every stored recording: what speech models expect."""
RATING = np.dtype([("user", "<i4"), ("item", "<i4"), ("value", "<f4")])
"""One rating: who (a number of names.json), what (likewise), how much."""
BOX = np.dtype([("corners", "<f4", 4), ("label", "<i4")])
"""One box: x1, y1, x2, y2 in pixels, and its class."""
KINDS, NAMES = "contents.json", "names.json"
_most: ContextVar[int | None] = ContextVar("most", default=None)


@contextmanager
def sampling(most: int) -> Iterator[None]:
    """Within this block every split seems to hold at most so many examples, evenly chosen.

    For measuring large data on a part of it; whatever is kept must not be made in here.
    """
    token = _most.set(most)
    try:
        yield
    finally:
        _most.reset(token)


class Store:
    """A data set opened for reading; nothing is read from disk before it is asked for."""

    def __init__(self, folder: Path, version: Path | None = None) -> None:
        """Open a folder, as of a version's file where it has one.

        Raises DataError where a file is missing or does not fit the others.
        """
        self._path, self._folder = folder / "items.bin", folder
        try:
            self.kind, self.target = _read_kinds(folder)
            self.labels: NDArray[np.int64] = _load(folder / "labels.npy", np.int64, 1)
            self.splits: NDArray[np.uint8] = _load(folder / "splits.npy", np.uint8, 1)
            self._offsets: NDArray[np.int64] = _load(folder / "offsets.npy", np.int64, 1)
            self._shapes: NDArray[np.int32] = _load(folder / "shapes.npy", np.int32, 2)
            self._items = _map(self._path)
            self.item_edits = self.target_edits = Overlay.empty()
            self._targets: mmap.mmap | bytes = b""
            self._target_offsets: NDArray[np.int64] = np.zeros(len(self.labels) + 1, np.int64)
            if self.target in ("text", "boxes"):
                self._target_offsets = _load(folder / "target_offsets.npy", np.int64, 1)
                self._targets = _map(folder / "targets.bin")
            if version is not None:
                self._apply(version)
            self._check()
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(
                "The files of this data set are missing or damaged. Delete the data set and bring "
                "it in again."
            ) from error

    @classmethod
    def open(cls, dataset: Dataset | str) -> "Store":
        """The files of a data set, as of its record's version; by id: the current one.

        Raises DataError where they are missing or damaged.
        """
        if isinstance(dataset, str):
            known = datasets.get_dataset(dataset)
            key, number = (known.id, known.version) if known else (dataset, 1)
        else:
            key, number = dataset.id, dataset.version
        version = files.dataset_version_file(key, number)
        # The first one has a file only where something was erased from it.
        return cls(files.dataset_dir(key), version if number > 1 or version.exists() else None)

    def __len__(self) -> int:
        """How many items are stored, those that the version has dropped among them."""
        return len(self.labels)

    def indices(self, split: str) -> NDArray[np.int64]:
        """The numbers of the examples in train, validation or test, in stored order."""
        found = np.flatnonzero(self.splits == SPLITS.index(split))
        most = _most.get()
        if most is None or len(found) <= most:
            return found
        return found[np.linspace(0, len(found) - 1, most).round().astype(np.int64)]

    def present(self) -> NDArray[np.int64]:
        """The numbers of all examples that the version has, in stored order."""
        return np.flatnonzero(self.splits != DROPPED)

    def text(self, index: int) -> str:
        edited = self.item_edits.get(index) if len(self.item_edits) else None
        if edited is not None:
            return edited.decode("utf-8")
        start, end = self._offsets[index], self._offsets[index + 1]
        return self._items[start:end].decode("utf-8")

    def raw(self) -> tuple[mmap.mmap | bytes, NDArray[np.int64]]:
        """All items as they are stored, edits aside: bytes, and where each begins, [n + 1]."""
        return self._items, self._offsets

    def raw_targets(self) -> tuple[mmap.mmap | bytes, NDArray[np.int64]]:
        """The same of what belongs to the items."""
        return self._targets, self._target_offsets

    def shapes(self) -> NDArray[np.int32]:
        """Height, width and channels of each picture, [n, 3]; [0, 3] where there are none."""
        return self._shapes

    def target_text(self, index: int) -> str:
        """The text that belongs to an item: its translation, its summary."""
        return self._target(index).decode("utf-8")

    def boxes(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The boxes of a picture: corners x1, y1, x2, y2 in pixels, [k, 4], and classes, [k]."""
        found = np.frombuffer(self._target(index), BOX)
        return found["corners"].astype(np.float32), found["label"].astype(np.int64)

    def all_boxes(self, edits: Overlay | None = None) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The boxes of all pictures, structured as BOX, [k], and the number of each one's picture.

        edits: in place of the version's own. Boxes of edited pictures come last.
        """
        edits = self.target_edits if edits is None else edits
        found = np.frombuffer(self._targets, BOX)
        owners = np.repeat(np.arange(len(self)), np.diff(self._target_offsets) // BOX.itemsize)
        if not len(edits):
            return found, owners
        kept = ~np.isin(owners, edits.indices)
        sizes = np.diff(edits.offsets) // BOX.itemsize
        return (
            np.concatenate([found[kept], np.frombuffer(edits.data, BOX)]),
            np.concatenate([owners[kept], np.repeat(edits.indices, sizes)]),
        )

    def contents(self) -> NDArray[np.uint64] | None:
        """A hash of each stored item, equal where the contents are; None in older folders."""
        path = self._folder / "contents.npy"
        return _load(path, np.uint64, 1) if path.exists() else None

    def sound(self, index: int) -> NDArray[np.int16]:
        """One recording, mono, SAMPLE_RATE samples a second; a read-only view."""
        start, end = int(self._offsets[index]), int(self._offsets[index + 1])
        return np.frombuffer(self._items, "<i2", (end - start) // 2, start)

    def ratings(self) -> NDArray[Any]:
        """All ratings, structured as RATING, [n]; a read-only view."""
        return np.frombuffer(self._items, RATING)

    def names(self) -> dict[str, list[str]]:
        """Of ratings: {"users": names, "items": names}, in the order of their numbers."""
        return json.loads((self._folder / NAMES).read_text(encoding="utf-8"))

    def _target(self, index: int) -> bytes:
        edited = self.target_edits.get(index) if len(self.target_edits) else None
        if edited is not None:
            return edited
        return self._targets[self._target_offsets[index] : self._target_offsets[index + 1]]

    def image(self, index: int) -> NDArray[np.uint8]:
        """One picture, uint8 [height, width, channels]; a read-only view."""
        height, width, channels = (int(side) for side in self._shapes[index])
        pixels = np.frombuffer(
            self._items, np.uint8, height * width * channels, int(self._offsets[index])
        )
        return pixels.reshape(height, width, channels)

    def stacked(self) -> NDArray[np.uint8] | None:
        """All pictures as one memory map, uint8 [n, h, w, c]; None where their shapes differ."""
        if self.kind != "image" or (self._shapes != self._shapes[0]).any():
            return None
        shape = (len(self), *(int(side) for side in self._shapes[0]))
        return np.memmap(self._path, np.uint8, "r", shape=shape)

    def _apply(self, path: Path) -> None:
        """Take over what a version has of its own."""
        with np.load(path, allow_pickle=False) as file:
            if "labels" in file:
                self.labels = file["labels"].astype(np.int64)
            if "splits" in file:
                self.splits = file["splits"].astype(np.uint8)
            self.item_edits = Overlay.load(file, "item")
            self.target_edits = Overlay.load(file, "target")

    def _check(self) -> None:
        n, offsets = len(self.labels), self._offsets
        good = (
            n > 0
            and len(offsets) == n + 1
            and offsets[0] == 0
            and offsets[-1] == len(self._items)
            and bool((np.diff(offsets) > 0).all())
            and len(self.splits) == n
            and int(self.labels[self.splits != DROPPED].min(initial=0)) >= 0
            and int(self.splits.max()) <= DROPPED
        )
        if good and self.target in ("text", "boxes"):
            ends = self._target_offsets
            good = (
                len(ends) == n + 1
                and ends[0] == 0
                and ends[-1] == len(self._targets)
                and bool((np.diff(ends) >= 0).all())
            )
        if good and self.kind == "image":
            good = self._shapes.shape == (n, 3) and bool(
                (self._shapes.astype(np.int64).prod(axis=1) == np.diff(offsets)).all()
            )
        if not good:
            raise ValueError("the files do not fit together")


def _map(path: Path) -> mmap.mmap | bytes:
    """A file mapped into memory; an empty one cannot be mapped and is just empty."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _read_kinds(folder: Path) -> tuple[ItemKind, TargetKind]:
    """What the items are and what belongs to them; older folders hold texts or pictures."""
    path = folder / KINDS
    if path.exists():
        kinds = json.loads(path.read_text(encoding="utf-8"))
        return kinds["item"], kinds["target"]
    shapes = np.load(folder / "shapes.npy", mmap_mode="r", allow_pickle=False)
    return ("image" if len(shapes) else "text"), "class"


def _load(path: Path, dtype: type, dimensions: int) -> NDArray[Any]:
    """A memory-mapped array; raises ValueError where its type is another."""
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.dtype != dtype or values.ndim != dimensions:
        raise ValueError(f"{path.name} holds something else")
    # A plain view: indexing a memmap object costs several times as much.
    return np.asarray(values)
