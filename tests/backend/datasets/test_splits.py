"""Splits are stratified and repeatable, keep copies together and leave no class untrained."""

import numpy as np
import pytest

from backend.datasets.splits import (
    TEST,
    TRAIN,
    UNASSIGNED,
    VALIDATION,
    assign_splits,
    find_copies,
)


def nothing_given(n: int) -> np.ndarray:
    return np.full(n, UNASSIGNED, np.uint8)


def test_eighty_ten_ten_in_every_class() -> None:
    labels = np.repeat(np.arange(4), [1000, 200, 50, 30])
    splits = assign_splits(labels, np.arange(1280, dtype=np.uint64), nothing_given(1280))
    for label, size in enumerate([1000, 200, 50, 30]):
        counts = np.bincount(splits[labels == label], minlength=3).tolist()
        assert counts == [size * 8 // 10, size // 10, size // 10]


def test_repeatable_by_seed() -> None:
    labels, contents = np.zeros(100, np.int64), np.arange(100, dtype=np.uint64)
    first = assign_splits(labels, contents, nothing_given(100), seed=1)
    again = assign_splits(labels, contents, nothing_given(100), seed=1)
    other = assign_splits(labels, contents, nothing_given(100), seed=2)
    assert (first == again).all()
    assert (first != other).any()


def test_copies_share_a_split() -> None:
    rng = np.random.default_rng(0)
    contents = rng.integers(0, 60, 500).astype(np.uint64)
    labels = rng.integers(0, 3, 500)
    splits = assign_splits(labels, contents, nothing_given(500))
    for content in np.unique(contents):
        assert len(set(splits[contents == content])) == 1
    assert set(labels[splits == TRAIN]) == {0, 1, 2}
    assert find_copies(labels, contents, splits).leaking == 0


@pytest.mark.parametrize("size", range(3, 25))
def test_from_three_examples_on_a_class_is_in_every_split(size: int) -> None:
    labels, contents = np.zeros(size, np.int64), np.arange(size, dtype=np.uint64)
    splits = assign_splits(labels, contents, nothing_given(size))
    assert set(splits) == {TRAIN, VALIDATION, TEST}
    assert (splits == TRAIN).sum() >= size / 3


def test_a_content_that_is_half_of_the_data_stays_in_train() -> None:
    contents = np.array([7] * 50 + list(range(100, 150)), np.uint64)
    splits = assign_splits(np.zeros(100, np.int64), contents, nothing_given(100))
    assert set(splits[:50]) == {TRAIN}
    assert np.bincount(splits).tolist() == [80, 10, 10]


def test_tiny_classes_are_trained_on() -> None:
    labels = np.array([0, 1, 1, 2, 2, 2])
    splits = assign_splits(labels, np.arange(6, dtype=np.uint64), nothing_given(6))
    assert set(labels[splits == TRAIN]) == {0, 1, 2}
    assert set(splits) == {TRAIN, VALIDATION, TEST}


def test_two_of_each_class_fill_all_splits() -> None:
    labels = np.repeat(np.arange(4), 2)
    splits = assign_splits(labels, np.arange(8, dtype=np.uint64), nothing_given(8))
    assert np.bincount(splits).tolist() == [4, 2, 2]


def test_a_class_that_lives_in_anothers_contents_is_trained_on() -> None:
    # Class 1 has only contents that came first in class 0.
    for seed in range(20):
        labels = np.array([0] * 10 + [1])
        contents = np.array([*range(10), 3], np.uint64)
        splits = assign_splits(labels, contents, nothing_given(11), seed)
        assert splits[10] == splits[3] == TRAIN


def test_given_splits_are_kept_and_a_missing_one_is_taken_from_train() -> None:
    given = np.array([TRAIN] * 80 + [TEST] * 20, np.uint8)
    splits = assign_splits(np.zeros(100, np.int64), np.arange(100, dtype=np.uint64), given)
    assert (splits[80:] == TEST).all()
    assert np.bincount(splits[:80]).tolist() == [72, 8]


def test_given_splits_may_leak_and_are_counted() -> None:
    given = np.array([TRAIN, TRAIN, TEST, VALIDATION], np.uint8)
    contents = np.array([1, 2, 1, 3], np.uint64)
    labels = np.array([0, 1, 0, 1])
    copies = find_copies(labels, contents, assign_splits(labels, contents, given))
    assert (copies.repeated, copies.conflicting, copies.leaking) == (1, 0, 1)


def test_conflicting_contents_are_counted() -> None:
    contents = np.array([1, 1, 2, 2, 3], np.uint64)
    labels = np.array([0, 1, 0, 0, 1])
    copies = find_copies(labels, contents, np.zeros(5, np.uint8))
    assert (copies.repeated, copies.conflicting) == (2, 1)
