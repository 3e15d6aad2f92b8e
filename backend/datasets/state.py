"""What can differ between versions of a data set: labels, splits, classes, edits; and its sum."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from backend.datasets.overlay import Overlay
from backend.datasets.splits import DROPPED, SPLITS
from backend.datasets.store import Store
from storage import files
from storage.records import Dataset, DatasetVersion

FIRST = "Brought in."
NO_CLASS = -1
"""The label of a dropped example whose class is gone."""


@dataclass(frozen=True, slots=True)
class State:
    """All that can differ between versions: labels int64 [n], splits uint8 [n], classes, edits."""

    labels: NDArray[np.int64]
    splits: NDArray[np.uint8]
    classes: list[str]
    items: Overlay = field(default_factory=Overlay.empty)
    targets: Overlay = field(default_factory=Overlay.empty)

    @classmethod
    def of(cls, dataset: Dataset, store: Store) -> Self:
        """What a data set's record and its store say."""
        return cls(
            store.labels, store.splits, list(dataset.classes), store.item_edits, store.target_edits
        )


def sha256_of(dataset: Dataset, state: State) -> str:
    """The sum of what a version holds: items, targets, labels, splits and classes."""
    head: Mapping[str, Any] = {
        "format": dataset.format,
        "items": dataset.details.get("content_sha256")
        or hash_items(Store(files.dataset_dir(dataset.id))),
        "classes": state.classes,
    }
    hasher = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    for array in (state.labels.astype("<i8"), state.splits):
        hasher.update(np.ascontiguousarray(array).tobytes())
    for edits in (state.items, state.targets):
        hasher.update(edits.indices.astype("<i8").tobytes())
        hasher.update(edits.offsets.astype("<i8").tobytes())
        hasher.update(edits.data)
    return hasher.hexdigest()


def hash_items(store: Store) -> str:
    """The sum of stored items and targets, each item followed by its target, as written."""
    hasher = hashlib.sha256()
    (items, starts), (targets, target_starts) = store.raw(), store.raw_targets()
    if not len(targets):
        with memoryview(items) as view:
            hasher.update(view)
        return hasher.hexdigest()
    edges, target_edges = starts.tolist(), target_starts.tolist()
    for index in range(len(store)):
        hasher.update(items[edges[index] : edges[index + 1]])
        hasher.update(targets[target_edges[index] : target_edges[index + 1]])
    return hasher.hexdigest()


def count_classes(classes: list[str], store: Store, state: State) -> dict[str, dict[str, int]]:
    """How many examples (or boxes) each class has in each split; empty without classes."""
    if not classes:
        return {}
    labels, splits = state.labels, state.splits
    if store.target == "boxes":
        boxes, owners = store.all_boxes(state.targets)
        labels, splits = boxes["label"].astype(np.int64), splits[owners]
    kept = splits != DROPPED
    table = np.bincount(
        labels[kept] * len(SPLITS) + splits[kept], minlength=len(SPLITS) * len(classes)
    )
    return {
        name: dict(zip(SPLITS, row, strict=True))
        for name, row in zip(classes, table.reshape(-1, len(SPLITS)).tolist(), strict=True)
    }


def relabelled(base: Store, state: State) -> NDArray[np.bool_]:
    """Which examples were given another class one by one, [n]; merged classes do not count."""
    if base.target != "class" or not len(state.classes):
        return np.zeros(len(base), bool)
    kept = (state.splits != DROPPED) & (state.labels >= 0)
    old, new = base.labels, np.where(kept, state.labels, 0)
    table = np.zeros((int(old.max()) + 1, len(state.classes)), np.int64)
    np.add.at(table, (old[kept], new[kept]), 1)
    # Where a class went as a whole is where most of it went.
    return kept & (table.argmax(axis=1)[old] != new)


def write_state(path: Path, state: State, base: Store) -> None:
    """Put what differs from the stored arrays into a version's file, whole or not at all."""
    arrays = {**state.items.arrays("item"), **state.targets.arrays("target")}
    if not np.array_equal(state.labels, base.labels):
        arrays["labels"] = state.labels.astype(np.int32)
    if not np.array_equal(state.splits, base.splits):
        arrays["splits"] = state.splits
    folder = files.temporary_dir()
    part = folder / path.name
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    path.parent.mkdir(exist_ok=True)
    part.replace(path)
    files.remove_folder(folder)


def first_record(dataset: Dataset) -> DatasetVersion:
    """The record of a data set's first version, its sum not yet reckoned."""
    counts = dataset.details.get("counts")
    return DatasetVersion(
        dataset.id, 1, dataset.created_at, FIRST, "", dataset.rows, list(dataset.classes),
        dict(dataset.splits), {"counts": counts},
    )  # fmt: skip


def first_version(dataset: Dataset, folder: Path) -> DatasetVersion:
    """The record of a data set that was just written into a folder."""
    state = State.of(dataset, Store(folder))
    return replace(first_record(dataset), sha256=sha256_of(dataset, state))
