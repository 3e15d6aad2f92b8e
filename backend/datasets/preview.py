"""A look into a data set: examples as texts or PNG files, and counts; for pages and examples."""

from dataclasses import dataclass

import numpy as np

from backend.datasets.images import encode_png
from backend.datasets.splits import SPLITS
from backend.datasets.store import Store
from backend.errors import UsageError
from storage.records import Dataset


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its number in the store, its class, and its text or its PNG file."""

    index: int
    label: str
    text: str | None
    png: bytes | None


def list_examples(
    dataset: Dataset,
    split: str = "train",
    *,
    limit: int = 24,
    seed: int = 0,
    label: str | None = None,
) -> list[Example]:
    """Up to `limit` examples of a split in an order drawn by seed, of one class where asked.

    Raises DataError where the files are damaged, UsageError on an unknown split or class.
    """
    if split not in SPLITS:
        raise UsageError(f"There is no split called {split!r}. Known: {', '.join(SPLITS)}.")
    if label is not None and label not in dataset.classes:
        known = ", ".join(dataset.classes[:20])
        raise UsageError(f"{dataset.name} has no class called {label!r}. Known: {known}.")
    store = Store.open(dataset.id)
    indices = store.indices(split)
    if label is not None:
        indices = indices[store.labels[indices] == dataset.classes.index(label)]
    chosen = np.random.default_rng(seed).permutation(indices)[:limit]
    return [
        Example(
            index=int(index),
            label=dataset.classes[store.labels[index]],
            text=store.text(index) if store.kind == "text" else None,
            png=encode_png(store.image(index)) if store.kind == "image" else None,
        )
        for index in chosen
    ]


def class_counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    """How many examples each class has in each split: class -> split -> number."""
    counts = dataset.details.get("counts")
    if counts is None:
        store = Store.open(dataset.id)
        table = np.bincount(store.labels * 3 + store.splits, minlength=3 * len(dataset.classes))
        counts = {
            name: dict(zip(SPLITS, row, strict=True))
            for name, row in zip(dataset.classes, table.reshape(-1, 3).tolist(), strict=True)
        }
    return counts
