"""The packed, memory-mapped files of a data set: written by imports, read by tasks and previews.

A folder holds items.bin (UTF-8 texts or raw pixels, one after the other), offsets.npy (int64
[n + 1], where each item begins), shapes.npy (int32 [n, 3], height, width, channels; [0, 3] for
texts), labels.npy (int64 [n]) and splits.npy (uint8 [n]).
"""

import hashlib
import mmap
import os
from array import array
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from backend.datasets.splits import SPLITS, UNASSIGNED, Copies, assign_splits, find_copies
from backend.errors import DataError
from storage import files

Kind = Literal["text", "image"]
WRITER_LOCK = "writing.lock"
UNPUBLISHED = "unpublished"
"""A file that marks a folder whose data set has no row yet."""
BORDER_SAMPLE = 2000
"""How many pictures are looked at to tell a dark background from a light one."""
DARK = 0.3 * 255


class Store:
    """A data set opened for reading; nothing is read from disk before it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Open a folder; raises DataError where a file is missing or does not fit the others."""
        self._path = folder / "items.bin"
        try:
            self.labels: NDArray[np.int64] = _load(folder / "labels.npy", np.int64, 1)
            self.splits: NDArray[np.uint8] = _load(folder / "splits.npy", np.uint8, 1)
            self._offsets: NDArray[np.int64] = _load(folder / "offsets.npy", np.int64, 1)
            self._shapes: NDArray[np.int32] = _load(folder / "shapes.npy", np.int32, 2)
            with self._path.open("rb") as file:
                self._items = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._check()
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                "The files of this data set are missing or damaged. Delete the data set and bring "
                "it in again."
            ) from error

    @classmethod
    def open(cls, dataset_id: str) -> "Store":
        """The files of a data set by id; raises DataError."""
        return cls(files.dataset_dir(dataset_id))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def kind(self) -> Kind:
        return "image" if len(self._shapes) else "text"

    def indices(self, split: str) -> NDArray[np.int64]:
        """The numbers of the examples in train, validation or test, in stored order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))

    def text(self, index: int) -> str:
        start, end = self._offsets[index], self._offsets[index + 1]
        return self._items[start:end].decode("utf-8")

    def image(self, index: int) -> NDArray[np.uint8]:
        """One picture, uint8 [height, width, channels]; a read-only view."""
        height, width, channels = (int(side) for side in self._shapes[index])
        pixels = np.frombuffer(
            self._items, np.uint8, height * width * channels, int(self._offsets[index])
        )
        return pixels.reshape(height, width, channels)

    def stacked(self) -> NDArray[np.uint8] | None:
        """All pictures as one memory map, uint8 [n, h, w, c]; None where their shapes differ."""
        if self.kind == "text" or (self._shapes != self._shapes[0]).any():
            return None
        shape = (len(self), *(int(side) for side in self._shapes[0]))
        return np.memmap(self._path, np.uint8, "r", shape=shape)

    def _check(self) -> None:
        n, offsets = len(self.labels), self._offsets
        good = (
            n > 0
            and len(self.splits) == n
            and len(offsets) == n + 1
            and offsets[0] == 0
            and offsets[-1] == len(self._items)
            and bool((np.diff(offsets) > 0).all())
            and int(self.labels.min()) >= 0
            and int(self.splits.max()) < len(SPLITS)
        )
        if good and len(self._shapes):
            good = self._shapes.shape == (n, 3) and bool(
                (self._shapes.astype(np.int64).prod(axis=1) == np.diff(offsets)).all()
            )
        if not good:
            raise ValueError("the files do not fit together")


def _load(path: Path, dtype: type, dimensions: int) -> NDArray[Any]:
    """A memory-mapped array; raises ValueError where its type is another."""
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.dtype != dtype or values.ndim != dimensions:
        raise ValueError(f"{path.name} holds something else")
    # A plain view: indexing a memmap object costs several times as much.
    return np.asarray(values)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a StoreWriter wrote: the part of a data set's record that comes from its examples."""

    rows: int
    classes: list[str]
    splits: dict[str, int]
    bytes: int
    copies: Copies
    counts: dict[str, dict[str, int]]  # class -> split -> examples
    details: dict[str, Any]


class StoreWriter:
    """Collects examples in a temporary folder; a context manager that leaves nothing behind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.folder = files.temporary_dir()
        # Held while the writer lives, so that leftovers of a dead one can be told apart.
        self._lock = FileLock(self.folder / WRITER_LOCK)
        self._lock.acquire()
        self._items = (self.folder / "items.bin").open("wb")
        self._sha256 = hashlib.sha256()
        self._classes: dict[str, int] = {}
        self._labels = array("q")
        self._splits = array("B")
        self._sizes = array("q")
        self._contents = array("Q")
        self._shapes = array("i")
        self._borders: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._items.close()
        self._lock.release()
        if self.folder.exists():
            files.remove_folder(self.folder)

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def class_count(self) -> int:
        return len(self._classes)

    @property
    def class_names(self) -> list[str]:
        """The classes met so far, in the order of their first example."""
        return list(self._classes)

    def add_text(self, text: str, label: str, split: int = UNASSIGNED) -> None:
        """Append a text that is not empty."""
        # Texts that differ in case or white space only are copies as far as splits go.
        self._append(
            text.encode("utf-8", "replace"),
            _digest(" ".join(text.casefold().split())),
            label,
            split,
        )

    def add_image(self, image: NDArray[np.uint8], label: str, split: int = UNASSIGNED) -> None:
        """Append a picture, uint8 [height, width, channels]."""
        pixels = np.ascontiguousarray(image).tobytes()
        self._append(pixels, _digest(f"{image.shape}", pixels), label, split)
        self._shapes.extend(image.shape)
        if len(self._borders) < BORDER_SAMPLE:
            self._borders.append(_border_mean(image))

    def _append(self, data: bytes, content: int, label: str, split: int) -> None:
        self._items.write(data)
        self._sha256.update(data)
        self._sizes.append(len(data))
        self._contents.append(content)
        self._labels.append(self._classes.setdefault(label, len(self._classes)))
        self._splits.append(split)

    def finish(self, *, class_order: list[str] | None = None, seed: int = 0) -> Contents:
        """Divide into splits and write everything to disk; the folder can then be moved."""
        classes = class_order or sorted(self._classes, key=_natural)
        numbers = np.array([classes.index(name) for name in self._classes], np.int64)
        labels = numbers[np.frombuffer(self._labels, np.int64)]
        contents = np.frombuffer(self._contents, np.uint64)
        splits = assign_splits(labels, contents, np.frombuffer(self._splits, np.uint8), seed)
        offsets = np.zeros(len(self) + 1, np.int64)
        np.cumsum(np.frombuffer(self._sizes, np.int64), out=offsets[1:])
        shapes = np.array(self._shapes, np.int32).reshape(-1, 3)
        self._flush({"labels": labels, "splits": splits, "offsets": offsets, "shapes": shapes})
        table = np.bincount(labels * 3 + splits, minlength=3 * len(classes)).reshape(-1, 3)
        return Contents(
            rows=len(self),
            classes=classes,
            splits=dict(zip(SPLITS, table.sum(axis=0).tolist(), strict=True)),
            bytes=files.folder_bytes(self.folder),
            copies=find_copies(labels, contents, splits),
            counts={
                name: dict(zip(SPLITS, row, strict=True))
                for name, row in zip(classes, table.tolist(), strict=True)
            },
            details=self._details(shapes),
        )

    def _flush(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Write the arrays, force all to the disk, and let go of the folder."""
        self._items.flush()
        os.fsync(self._items.fileno())
        self._items.close()
        for name, values in arrays.items():
            with (self.folder / f"{name}.npy").open("wb") as file:
                np.save(file, values, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        (self.folder / UNPUBLISHED).touch()
        self._lock.release()
        (self.folder / WRITER_LOCK).unlink(missing_ok=True)

    def _details(self, shapes: NDArray[np.int32]) -> dict[str, Any]:
        details: dict[str, Any] = {
            "input_kind": self.kind,
            "channels": None,
            "image_shape": None,
            "dark_background": False,
            "content_sha256": self._sha256.hexdigest(),
        }
        if len(shapes):
            same = bool((shapes == shapes[0]).all())
            details["channels"] = int(shapes[:, 2].max())
            details["image_shape"] = shapes[0].tolist() if same else None
            details["dark_background"] = bool(np.mean(self._borders) < DARK)
        return details


def _digest(*parts: str | bytes) -> int:
    """64 bits that stand for a content; equal contents are found by them."""
    hasher = hashlib.blake2b(digest_size=8)
    for part in parts:
        hasher.update(part.encode("utf-8", "replace") if isinstance(part, str) else part)
    return int.from_bytes(hasher.digest(), "little")


def _border_mean(image: NDArray[np.uint8]) -> float:
    """Mean of the outermost pixels, 0 to 255."""
    edges = (image[0], image[-1], image[:, 0], image[:, -1])
    return float(sum(edge.mean() for edge in edges) / len(edges))


def _natural(name: str) -> tuple[bool, int, str, str]:
    """Sort key: numbers by value and first, then words without regard to case."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else -1
    return (number < 0, number, name.casefold(), name)
