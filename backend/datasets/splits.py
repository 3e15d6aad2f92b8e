"""Divides examples into train, validation and test; called when a data set is written."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
DROPPED = 3
"""The split of an example that a version leaves out: it belongs to none."""
UNASSIGNED = 255
"""The split of an example whose source does not say where it belongs."""
HELD_OUT = 0.1
"""Share of the examples that validation and test get each."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What equal contents were found: numbers of examples."""

    repeated: int  # examples that are a copy of an earlier one
    conflicting: int  # contents that stand in more than one class
    leaking: int  # contents that the source itself put into more than one split


def assign_splits(
    labels: NDArray[np.int64],
    contents: NDArray[np.uint64],
    given: NDArray[np.uint8],
    seed: int = 0,
    shares: Mapping[int, float] | None = None,
) -> NDArray[np.uint8]:
    """A split for each example, uint8 [n].

    labels: class numbers, int64 [n]. contents: a hash of each example's content, uint64 [n].
    given: the split that the source names, or UNASSIGNED, uint8 [n]. shares: of the examples that
    are to be divided, what VALIDATION and TEST get; a tenth each by default.

    Stratified by class and repeatable by seed. Examples of equal content share a split,
    every class has one in train, and from three different examples on also in the other two.
    Splits that the source names are kept; a missing one is taken out of its train split.
    """
    splits = given.copy()
    splits[splits == UNASSIGNED] = TRAIN
    present = {int(split) for split in np.unique(given)}
    wanted = [split for split in (TEST, VALIDATION) if split not in present]
    pool = np.flatnonzero(splits == TRAIN)
    if wanted and len(pool):
        held_out = {split: (shares or {}).get(split, HELD_OUT) for split in wanted}
        splits[pool] = _divide(labels[pool], contents[pool], held_out, np.random.default_rng(seed))
    return splits


def find_copies(
    labels: NDArray[np.int64], contents: NDArray[np.uint64], splits: NDArray[np.uint8]
) -> Copies:
    """Count equal contents; after assign_splits only the source's own splits can leak."""
    unique, group = np.unique(contents, return_inverse=True)

    def mixed(values: NDArray[np.int64]) -> int:
        pairs = np.unique(np.stack([group, values]), axis=1)[0]
        return int((np.bincount(pairs) > 1).sum())

    if len(unique) == len(contents):
        return Copies(0, 0, 0)
    return Copies(len(contents) - len(unique), mixed(labels), mixed(splits.astype(np.int64)))


def _divide(
    labels: NDArray[np.int64],
    contents: NDArray[np.uint64],
    wanted: Mapping[int, float],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Take the wanted splits out of a pool of examples; the rest is train."""
    _, first, group, sizes = np.unique(
        contents, return_index=True, return_inverse=True, return_counts=True
    )
    # A content that stands in two classes counts for the class in which it came first.
    group_labels = labels[first]
    chosen = np.full(len(first), TRAIN, np.uint8)
    order = rng.permutation(len(first))
    order = order[np.argsort(group_labels[order], kind="stable")]
    ends = np.flatnonzero(np.diff(group_labels[order], append=-1)) + 1
    for number, members in enumerate(np.split(order, ends[:-1])):
        _divide_class(members, sizes, wanted, number, chosen)
    # A class may live only in contents that count for another class: then train needs them.
    for label in np.setdiff1d(labels, labels[chosen[group] == TRAIN]):
        chosen[group[labels == label]] = TRAIN
    return chosen[group]


def _divide_class(
    members: NDArray[np.int64],
    sizes: NDArray[np.int64],
    wanted: Mapping[int, float],
    number: int,
    chosen: NDArray[np.uint8],
) -> None:
    """Write the splits of one class's shuffled groups into `chosen`."""
    if len(members) <= len(wanted):
        # Too few for all: one to train, the others in turn, so that no split stays empty.
        for offset, member in enumerate(members[1:]):
            chosen[member] = list(wanted)[(number + offset) % len(wanted)]
        return
    total = int(sizes[members].sum())
    quotas = {split: max(1, round(share * total)) for split, share in wanted.items()}
    # Groups larger than a whole split stay in train.
    members = members[np.argsort(sizes[members] > min(quotas.values()), kind="stable")]
    ends = np.cumsum(sizes[members])
    start = 0
    for left, (split, quota) in zip(range(len(wanted), 0, -1), quotas.items(), strict=True):
        taken = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, taken + quota, side="right")))
        end = min(end, len(members) - left)  # the splits after this one need a group each
        chosen[members[start:end]] = split
        start = end
