"""Keeps whole classes of pictures apart, so that a test is about what was never learnt."""

import numpy as np
from numpy.typing import NDArray

from backend.datasets.images import encode_png
from backend.datasets.splits import SPLITS
from backend.datasets.store import Store
from storage.records import Dataset

LEAST_CLASSES = 20
"""With fewer there are too few to learn from, or too few to tell apart."""
HELD_OUT = 0.2
"""The share of the classes that validation and test get each."""
SEED = 0


def class_parts(store: Store, *, new_classes: bool) -> dict[str, NDArray[np.int64]]:
    """The numbers of the pictures of train, validation and test.

    new_classes: validation and test hold all pictures of classes that train has none of, where
    there are enough classes; otherwise the store's own splits hold other pictures of the same.
    """
    owners = _owners(store) if new_classes else None
    if owners is None:
        return {split: store.indices(split) for split in SPLITS}
    present = store.present()
    part = owners[store.labels[present]]
    return {split: present[part == number] for number, split in enumerate(SPLITS)}


def _owners(store: Store) -> NDArray[np.int64] | None:
    """Of each class the number of the split that it belongs to; None where they are too few."""
    count = int(store.labels[store.present()].max()) + 1
    if count < LEAST_CLASSES:
        return None
    owners = np.zeros(count, np.int64)
    order = np.random.default_rng(SEED).permutation(count)
    share = round(count * HELD_OUT)
    owners[order[:share]] = SPLITS.index("validation")
    owners[order[share : 2 * share]] = SPLITS.index("test")
    return owners


def list_pairs(
    dataset: Dataset, *, limit: int, seed: int
) -> list[tuple[list[bytes], tuple[str, str]]]:
    """Pairs of test pictures as PNG files with the classes of both; every other pair is alike.

    Of pictures that no training on this data set saw, whether it kept classes apart or not,
    where there are enough of them.
    """
    store = Store.open(dataset)
    held_out = class_parts(store, new_classes=True)["test"]
    unseen = np.intersect1d(held_out, store.indices("test"))
    pool = unseen if _pairs_in(store.labels[unseen]) else held_out
    rng = np.random.default_rng(seed)
    found: list[tuple[list[bytes], tuple[str, str]]] = []
    for number in range(20 * limit):
        if len(found) == limit:
            break
        first = int(rng.choice(pool))
        alike = store.labels[pool] == store.labels[first]
        fitting = pool[alike & (pool != first) if number % 2 == 0 else ~alike]
        if len(fitting):
            pair = (first, int(rng.choice(fitting)))
            pictures = [encode_png(store.image(index)) for index in pair]
            one, other = (dataset.classes[store.labels[index]] for index in pair)
            found.append((pictures, (one, other)))
    return found


def _pairs_in(labels: NDArray[np.int64]) -> bool:
    """Whether some class has two pictures here, and there are at least two classes."""
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) > 1 and bool((counts > 1).any())
