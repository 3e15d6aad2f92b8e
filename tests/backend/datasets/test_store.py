"""The packed files: what is written comes back, and damage is noticed when they are opened."""

import time
from pathlib import Path

import numpy as np
import pytest

from backend.datasets import catalog
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import DataError
from storage import files
from storage.records import Dataset

TEXTS = [
    "plain",
    "שלום עולם",
    "e\u0301 and é",
    "👩‍👩‍👧 family",
    "<script>alert(1)</script>",
    "a\nb",
]


def write_texts(name: str = "words", copies: int = 4) -> Dataset:
    with StoreWriter("text-class") as writer:
        for number in range(copies):
            for place, text in enumerate(TEXTS):
                writer.add_text(f"{text} {number}", f"class {place % 2}")
        return catalog.publish(
            writer, name=name, task="text-classification", source="test", licence="MIT"
        )


def write_images(shapes: list[tuple[int, int, int]]) -> Dataset:
    rng = np.random.default_rng(0)
    with StoreWriter("image-class") as writer:
        for number, shape in enumerate(shapes):
            writer.add_image(rng.integers(0, 40, shape, np.uint8), "ab"[number % 2])
        return catalog.publish(
            writer, name="pictures", task="image-classification", source="test", licence="MIT"
        )


def test_texts_come_back_exactly(home: Path) -> None:
    dataset = write_texts()
    store = Store.open(dataset.id)
    wanted = [f"{text} {number}" for number in range(4) for text in TEXTS]
    assert [store.text(index) for index in range(len(store))] == wanted
    assert [dataset.classes[label] for label in store.labels[:2]] == ["class 0", "class 1"]
    assert store.kind == "text"
    assert store.stacked() is None


def test_pictures_of_one_shape_stack(home: Path) -> None:
    dataset = write_images([(5, 4, 3)] * 20)
    store = Store.open(dataset.id)
    stacked = store.stacked()
    assert stacked is not None
    assert stacked.shape == (20, 5, 4, 3)
    assert isinstance(stacked, np.memmap)
    assert (stacked[7] == store.image(7)).all()
    assert dataset.details["image_shape"] == [5, 4, 3]
    assert dataset.details["channels"] == 3
    assert dataset.details["dark_background"] is True


def test_pictures_of_several_shapes_do_not(home: Path) -> None:
    dataset = write_images([(5, 4, 1), (6, 4, 1)] * 10)
    store = Store.open(dataset.id)
    assert store.stacked() is None
    assert store.image(1).shape == (6, 4, 1)
    assert dataset.details["image_shape"] is None


def test_indices_cover_every_example_once(home: Path) -> None:
    dataset = write_texts()
    store = Store.open(dataset.id)
    found = np.concatenate([store.indices(name) for name in ("train", "validation", "test")])
    assert sorted(found.tolist()) == list(range(dataset.rows))
    assert {name: len(store.indices(name)) for name in dataset.splits} == dataset.splits


def test_opening_fifty_thousand_examples_is_quick(home: Path) -> None:
    with StoreWriter("text-class") as writer:
        for number in range(50_000):
            writer.add_text(f"text {number}", str(number % 3))
        dataset = catalog.publish(
            writer, name="many", task="text-classification", source="", licence=""
        )
    times = []
    for _ in range(5):
        start = time.perf_counter()
        Store.open(dataset.id)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


FILES = ["items.bin", "labels.npy", "offsets.npy", "splits.npy", "shapes.npy"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut", "of another set"])
def test_damage_is_noticed(home: Path, name: str, damage: str) -> None:
    dataset = write_images([(5, 4, 3)] * 20)
    path = files.dataset_dir(dataset.id) / name
    data = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(data[:-5])
    else:
        path.write_bytes(data + data)
        if name.endswith(".npy"):
            np.save(path, np.load(path)[:-1])
    with pytest.raises(DataError, match="missing or damaged"):
        Store.open(dataset.id)


def test_a_label_below_zero_is_damage(home: Path) -> None:
    dataset = write_texts()
    path = files.dataset_dir(dataset.id) / "labels.npy"
    labels = np.load(path)
    labels[3] = -1
    np.save(path, labels)
    with pytest.raises(DataError):
        Store.open(dataset.id)


def test_an_error_while_writing_leaves_nothing(home: Path) -> None:
    def fail() -> None:
        with StoreWriter("text-class") as writer:
            writer.add_text("a", "b")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((home / "tmp").iterdir()) == []
    assert not (home / "datasets").exists()


def test_equal_contents_have_an_equal_hash(home: Path) -> None:
    first, second = write_texts("one"), write_texts("two")
    other = write_texts("three", copies=5)
    hashes = [dataset.details["content_sha256"] for dataset in (first, second, other)]
    assert hashes[0] == hashes[1] != hashes[2]
