"""Classes that are kept apart: a test is about what no training saw."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.new_classes import LEAST_CLASSES, class_parts, list_pairs
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from storage.records import Dataset
from tests.backend.tasks.samples import _finish, picture


def many_classes(count: int, each: int = 20) -> Dataset:
    writer = StoreWriter("image-class")
    for number in range(count):
        for drawing in range(each):
            writer.add_image(picture(drawing, number % 3, 12, 1) + number, f"class {number}")
    return _finish(writer, "image-similarity")


@pytest.mark.parametrize("new_classes", [True, False])
def test_every_picture_is_in_one_part(home: Path, new_classes: bool) -> None:
    store = Store.open(many_classes(LEAST_CLASSES).id)
    parts = class_parts(store, new_classes=new_classes)
    together = np.sort(np.concatenate([*parts.values()]))
    assert together.tolist() == list(range(len(store)))
    seen = set(store.labels[parts["train"]].tolist())
    for split, classes in (("validation", 4), ("test", 4)):
        others = set(store.labels[parts[split]].tolist())
        if new_classes:
            assert len(others) == classes
            assert not others & seen
        else:
            assert others == seen


def test_few_classes_are_not_kept_apart(home: Path) -> None:
    store = Store.open(many_classes(LEAST_CLASSES - 1).id)
    parts = class_parts(store, new_classes=True)
    assert parts["test"].tolist() == store.indices("test").tolist()


def test_pairs_are_of_pictures_that_no_training_saw(home: Path) -> None:
    dataset = many_classes(LEAST_CLASSES)
    store = Store.open(dataset.id)
    pairs = list_pairs(dataset, limit=8, seed=0)
    assert [one == other for _, (one, other) in pairs] == [True, False] * 4
    held_out = class_parts(store, new_classes=True)["test"]
    names = {dataset.classes[label] for label in store.labels[held_out].tolist()}
    assert {name for _, both in pairs for name in both} <= names
    for (first, second), (one, other) in pairs:
        assert first.startswith(b"\x89PNG")
        assert first != second
        assert (one == other) or (first != second)
    assert list_pairs(dataset, limit=8, seed=0) == pairs
    assert list_pairs(dataset, limit=8, seed=3) != pairs


def test_without_two_pictures_of_a_class_there_are_only_different_ones(home: Path) -> None:
    pairs = list_pairs(many_classes(4, each=3), limit=4, seed=0)
    assert pairs
    assert all(one != other for _, (one, other) in pairs)
