"""Dividing a data set anew: the shares that a user wants, copies together, the same every time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.datasets import versions
from backend.datasets.doctor.reports import near_groups
from backend.datasets.edits import check_editable
from backend.datasets.sameness import content_hashes
from backend.datasets.splits import DROPPED, TEST, UNASSIGNED, VALIDATION, assign_splits
from backend.datasets.state import State
from backend.datasets.store import Store
from backend.errors import UsageError
from storage.records import Dataset

LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Shares:
    """Per cent of the examples that each part gets; together 100. Raises UsageError."""

    train: int = 80
    validation: int = 10
    test: int = 10

    def __post_init__(self) -> None:
        parts = (self.train, self.validation, self.test)
        if any(type(part) is not int or part < 1 for part in parts):
            raise UsageError("Each part needs a whole number of per cent, 1 at least.")
        if sum(parts) != 100:
            raise UsageError(f"The parts have to be 100 % together; these are {sum(parts)} %.")


def change_shares(
    dataset: Dataset, shares: Shares, *, seed: int = 0, keep_test: bool = False
) -> Dataset:
    """Divide all examples anew, as a new version; the same seed divides the same way.

    Each class is in each part in the same proportion, and copies stay together. keep_test: the
    test part stays as it is, and the shares of the others are taken of what it leaves.
    """
    check_editable(dataset)
    if type(seed) is not int or not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"The seed must be a whole number from 0 to {LARGEST_SEED:,}.")
    store = Store.open(dataset)
    state = State.of(dataset, store)
    present = store.present()
    given = np.full(len(present), UNASSIGNED, np.uint8)
    wanted = {VALIDATION: shares.validation / 100, TEST: shares.test / 100}
    words = f"{shares.train} / {shares.validation} / {shares.test} %"
    if keep_test:
        given[store.splits[present] == TEST] = TEST
        wanted = {VALIDATION: shares.validation / (shares.train + shares.validation)}
        words = f"train and validation {shares.train} : {shares.validation}, test as it was"
    groups = _groups(dataset, store)[present]
    if keep_test:
        # Copies of what is in the test part belong there too: they would give the answers away.
        given[np.isin(groups, groups[given == TEST])] = TEST
    splits = np.full(len(store), DROPPED, np.uint8)
    splits[present] = assign_splits(strata(store)[present], groups, given, seed, wanted)
    summary = f"Divided anew: {words} (seed {seed})."
    return versions.add_version(dataset, replace(state, splits=splits), summary)


def shares_of(sizes: Sequence[int]) -> list[int]:
    """Sizes of train, validation and test as whole per cent that add to 100, none of them 0."""
    total = max(1, sum(sizes))
    held_out = [max(1, round(100 * size / total)) for size in sizes[1:]]
    return [100 - sum(held_out), *held_out]


def strata(store: Store) -> NDArray[np.int64]:
    """What the parts are to hold equal shares of, [n]: classes, or people who rate."""
    if store.kind == "rating":
        return store.ratings()["user"].astype(np.int64)
    if store.target != "boxes":
        return store.labels
    # Of a picture's classes the rarest: the others are in many pictures anyway.
    boxes, owners = store.all_boxes()
    labels = boxes["label"].astype(np.int64)
    often = np.bincount(labels, minlength=1)
    order = np.lexsort((labels, often[labels], owners))
    first = np.unique(owners[order], return_index=True)
    found = np.full(len(store), -1, np.int64)
    found[first[0]] = labels[order][first[1]]
    return found


def _groups(dataset: Dataset, store: Store) -> NDArray[np.uint64]:
    """What has to stay together: equal contents, and nearly equal ones where they are known."""
    hashes = content_hashes(store)
    near = near_groups(dataset)
    return hashes if near is None else hashes[near]
