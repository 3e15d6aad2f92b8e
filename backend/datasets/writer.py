"""Writes the packed files of a data set (store.py reads them); used by imports and bundled sets."""

import hashlib
import json
import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from backend.datasets.formats import get_format
from backend.datasets.sameness import digest, text_digest
from backend.datasets.splits import SPLITS, UNASSIGNED, Copies, assign_splits, find_copies
from backend.datasets.store import BOX, KINDS, NAMES, RATING
from storage import files

Box = tuple[str, float, float, float, float]
"""A box as it is brought: class, x1, y1, x2, y2 in pixels."""
WRITER_LOCK = "writing.lock"
UNPUBLISHED = "unpublished"
"""A file that marks a folder whose data set has no row yet."""
BORDER_SAMPLE = 2000
"""How many pictures are looked at to tell a dark background from a light one."""
DARK = 0.3 * 255


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

    def __init__(self, data_format: str) -> None:
        """data_format: a name of backend.datasets.formats."""
        self.format = get_format(data_format)
        self.kind, self.target = self.format.item, self.format.target
        self.folder = files.temporary_dir()
        # Held while the writer lives, so that leftovers of a dead one can be told apart.
        self._lock = FileLock(self.folder / WRITER_LOCK)
        self._lock.acquire()
        self._items = (self.folder / "items.bin").open("wb")
        self._targets = (self.folder / "targets.bin").open("wb")
        self._sha256 = hashlib.sha256()
        self._classes: dict[str, int] = {}
        self._labels = array("q")
        self._splits = array("B")
        self._sizes = array("q")
        self._contents = array("Q")
        self._target_sizes = array("q")
        self._shapes = array("i")
        self._users: dict[str, int] = {}
        self._things: dict[str, int] = {}
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
        self._targets.close()
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

    def add_text(self, text: str, label: str = "", split: int = UNASSIGNED) -> None:
        """Append a text that is not empty."""
        self._append(
            text.encode("utf-8", "replace"),
            text_digest(text),
            label,
            split,
        )

    def add_pair(self, source: str, target: str, split: int = UNASSIGNED) -> None:
        """Append a text and the text that belongs to it, neither of them empty."""
        self._append(
            source.encode("utf-8", "replace"),
            text_digest(source),
            "",
            split,
            target.encode("utf-8", "replace"),
        )

    def add_image(self, image: NDArray[np.uint8], label: str, split: int = UNASSIGNED) -> None:
        """Append a picture, uint8 [height, width, channels]."""
        self._append_image(image, label, split)

    def add_boxes(
        self, image: NDArray[np.uint8], boxes: Sequence[Box], split: int = UNASSIGNED
    ) -> None:
        """Append a picture with its boxes; there may be none."""
        rows = [
            ((x1, y1, x2, y2), self._classes.setdefault(name, len(self._classes)))
            for name, x1, y1, x2, y2 in boxes
        ]
        self._append_image(image, "", split, np.array(rows, BOX).tobytes())

    def _append_image(
        self, image: NDArray[np.uint8], label: str, split: int, target: bytes = b""
    ) -> None:
        pixels = np.ascontiguousarray(image).tobytes()
        self._append(pixels, digest(f"{image.shape}", pixels), label, split, target)
        self._shapes.extend(image.shape)
        if len(self._borders) < BORDER_SAMPLE:
            self._borders.append(_border_mean(image))

    def add_sound(self, sound: NDArray[np.int16], label: str, split: int = UNASSIGNED) -> None:
        """Append a recording, int16 [n], mono, SAMPLE_RATE samples a second."""
        samples = np.ascontiguousarray(sound, "<i2").tobytes()
        self._append(samples, digest(samples), label, split)

    def add_rating(self, user: str, item: str, value: float, split: int = UNASSIGNED) -> None:
        """Append who rated what how."""
        who = self._users.setdefault(user, len(self._users))
        what = self._things.setdefault(item, len(self._things))
        row = np.array([(who, what, value)], RATING).tobytes()
        self._append(row, digest(f"{who} {what}"), "", split)

    def _append(
        self, data: bytes, content: int, label: str, split: int, target: bytes = b""
    ) -> None:
        self._items.write(data)
        self._targets.write(target)
        self._sha256.update(data)
        self._sha256.update(target)
        self._sizes.append(len(data))
        self._target_sizes.append(len(target))
        self._contents.append(content)
        if self.target == "class":
            self._labels.append(self._classes.setdefault(label, len(self._classes)))
        else:
            self._labels.append(0)
        self._splits.append(split)

    def finish(self, *, class_order: list[str] | None = None, seed: int = 0) -> Contents:
        """Divide into splits and write everything to disk; the folder can then be moved."""
        classes = class_order or sorted(self._classes, key=_natural)
        numbers = np.array([classes.index(name) for name in self._classes], np.int64)
        labels = np.frombuffer(self._labels, np.int64)
        if self.target == "class":
            labels = numbers[labels]
        self._close()
        boxes = self._number_boxes(numbers) if self.target == "boxes" else None
        contents = np.frombuffer(self._contents, np.uint64)
        groups = self._groups(labels, boxes)
        splits = assign_splits(groups, contents, np.frombuffer(self._splits, np.uint8), seed)
        shapes = np.array(self._shapes, np.int32).reshape(-1, 3)
        arrays: dict[str, NDArray[Any]] = {"labels": labels, "splits": splits, "shapes": shapes}
        arrays["offsets"], arrays["contents"] = _ends(self._sizes), contents
        if self.target in ("text", "boxes"):
            arrays["target_offsets"] = _ends(self._target_sizes)
        else:
            (self.folder / "targets.bin").unlink()
        self._flush(arrays)
        return Contents(
            rows=len(self),
            classes=classes,
            splits=dict(zip(SPLITS, np.bincount(splits, minlength=3).tolist(), strict=True)),
            bytes=files.folder_bytes(self.folder),
            copies=find_copies(labels, contents, splits),
            counts=_count(classes, labels, splits, boxes),
            details=self._details(shapes),
        )

    def _close(self) -> None:
        """Force items and targets to the disk."""
        for file in (self._items, self._targets):
            file.flush()
            os.fsync(file.fileno())
            file.close()

    def _number_boxes(self, numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Give boxes the final numbers of their classes, on disk too; the classes of each item."""
        path = self.folder / "targets.bin"
        found = np.fromfile(path, BOX)
        if len(found):
            found["label"] = numbers[found["label"]]
            with path.open("wb") as file:
                file.write(found.tobytes())
                file.flush()
                os.fsync(file.fileno())
        ends = np.cumsum(np.frombuffer(self._target_sizes, np.int64)) // BOX.itemsize
        return np.split(found["label"].astype(np.int64), ends[:-1])

    def _groups(
        self, labels: NDArray[np.int64], boxes: list[NDArray[np.int64]] | None
    ) -> NDArray[np.int64]:
        """What the splits are to hold equal shares of: classes, or people who rate."""
        if boxes is not None:
            # Of a picture's classes the rarest: the others are in many pictures anyway.
            often = np.bincount(np.concatenate([*boxes, np.empty(0, np.int64)]).astype(np.int64))
            return np.array([min(set(one), key=often.__getitem__, default=-1) for one in boxes])
        if self.kind == "rating":
            return np.fromfile(self.folder / "items.bin", RATING)["user"].astype(np.int64)
        return labels

    def _flush(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Write the arrays and the small files, force all to the disk, let go of the folder."""
        for name, values in arrays.items():
            with (self.folder / f"{name}.npy").open("wb") as file:
                np.save(file, values, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        records: dict[str, Any] = {KINDS: {"item": self.kind, "target": self.target}}
        if self.kind == "rating":
            records[NAMES] = {"users": list(self._users), "items": list(self._things)}
        for name, record in records.items():
            with (self.folder / name).open("w", encoding="utf-8") as text:
                json.dump(record, text, ensure_ascii=False)
                text.flush()
                os.fsync(text.fileno())
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


def _ends(sizes: "array[int]") -> NDArray[np.int64]:
    """Where each of the items of these sizes begins, and where the last one ends, [n + 1]."""
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.frombuffer(sizes, np.int64), out=offsets[1:])
    return offsets


def _count(
    classes: list[str],
    labels: NDArray[np.int64],
    splits: NDArray[np.uint8],
    boxes: list[NDArray[np.int64]] | None,
) -> dict[str, dict[str, int]]:
    """How many examples (or boxes) each class has in each split; empty without classes."""
    if boxes is not None:
        splits = np.repeat(splits, [len(one) for one in boxes])
        labels = np.concatenate([*boxes, np.empty(0, np.int64)]).astype(np.int64)
    if not classes:
        return {}
    table = np.bincount(labels * 3 + splits, minlength=3 * len(classes)).reshape(-1, 3)
    return {
        name: dict(zip(SPLITS, row, strict=True))
        for name, row in zip(classes, table.tolist(), strict=True)
    }


def _border_mean(image: NDArray[np.uint8]) -> float:
    """Mean of the outermost pixels, 0 to 255."""
    edges = (image[0], image[-1], image[:, 0], image[:, -1])
    return float(sum(edge.mean() for edge in edges) / len(edges))


def _natural(name: str) -> tuple[bool, int, str, str]:
    """Sort key: numbers by value and first, then words without regard to case."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else -1
    return (number < 0, number, name.casefold(), name)
