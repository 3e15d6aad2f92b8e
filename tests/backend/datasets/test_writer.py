"""Each format comes back as it was written: pairs, boxes, sound, ratings, texts alone."""

from pathlib import Path

import numpy as np
import pytest

from backend import datasets
from backend.datasets import catalog
from backend.datasets.preview import list_examples, read_example
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import DataError
from storage import files
from storage.records import Dataset

TASK = "text-classification"


def publish(writer: StoreWriter) -> Dataset:
    return catalog.publish(writer, name="mine", task=TASK, source="test", licence="MIT")


def test_pairs(home: Path) -> None:
    with StoreWriter("text-pair") as writer:
        for number in range(30):
            writer.add_pair(f"source {number}", f"Ziel {number} ü")
        dataset = publish(writer)
    store = Store.open(dataset.id)
    assert (store.text(7), store.target_text(7)) == ("source 7", "Ziel 7 ü")
    assert dataset.classes == []
    assert dataset.format == "text-pair"
    assert datasets.class_counts(dataset) == {}
    example = list_examples(dataset, "test", limit=1)[0]
    assert (example.value, example.truth) == (example.text, example.target)


def test_boxes_keep_their_classes_when_these_are_sorted(home: Path) -> None:
    rng = np.random.default_rng(0)
    boxes = [[("dog", 1, 2, 5, 6), ("cat", 0, 0, 3.5, 4)], [], [("cat", 2, 2, 4, 4)]]
    with StoreWriter("image-boxes") as writer:
        for number in range(30):
            picture = rng.integers(0, 255, (8, 6, 3), np.uint8)
            writer.add_boxes(picture, boxes[number % 3])  # type: ignore[arg-type]
        dataset = publish(writer)
    store = Store.open(dataset.id)
    corners, labels = store.boxes(0)
    assert dataset.classes == ["cat", "dog"]
    assert [dataset.classes[label] for label in labels] == ["dog", "cat"]
    assert corners.tolist() == [[1, 2, 5, 6], [0, 0, 3.5, 4]]
    assert store.boxes(1)[0].shape == (0, 4)
    counts = datasets.class_counts(dataset)
    assert {name: sum(counts[name].values()) for name in counts} == {"cat": 20, "dog": 10}
    example = read_example(dataset, store, 0)
    assert [box.label for box in example.boxes] == ["dog", "cat"]
    assert list_examples(dataset, "train", label="dog", limit=99)


def test_sound(home: Path) -> None:
    rng = np.random.default_rng(0)
    sounds = [rng.integers(-9000, 9000, 100 + number, np.int16) for number in range(30)]
    with StoreWriter("audio-class") as writer:
        for number, sound in enumerate(sounds):
            writer.add_sound(sound, "ab"[number % 2])
        dataset = publish(writer)
    store = Store.open(dataset.id)
    assert store.kind == "audio"
    assert (store.sound(9) == sounds[9]).all()
    assert list_examples(dataset, limit=1)[0].value[:4] == b"RIFF"


def test_every_person_has_ratings_in_each_split(home: Path) -> None:
    with StoreWriter("rating") as writer:
        for user in range(8):
            for item in range(6):
                writer.add_rating(f"user {user}", f"book {item}", user % 5 + item / 10)
        dataset = publish(writer)
    store = Store.open(dataset.id)
    row = store.ratings()[13]
    names = store.names()
    assert (names["users"][row["user"]], names["items"][row["item"]]) == ("user 2", "book 1")
    assert row["value"] == pytest.approx(2.1)
    for split in ("train", "validation", "test"):
        assert set(store.ratings()[store.indices(split)]["user"]) == set(range(8))
    assert read_example(dataset, store, 13).title == "user 2: book 1, 2.1"


def test_texts_without_classes(home: Path) -> None:
    with StoreWriter("text") as writer:
        for number in range(30):
            writer.add_text(f"text {number}")
        dataset = publish(writer)
    assert dataset.classes == []
    example = list_examples(dataset, limit=1)[0]
    assert example.truth is None


@pytest.mark.parametrize("name", ["target_offsets.npy", "targets.bin"])
def test_damaged_targets_are_noticed(home: Path, name: str) -> None:
    with StoreWriter("text-pair") as writer:
        for number in range(30):
            writer.add_pair(f"source {number}", f"target {number}")
        dataset = publish(writer)
    path = files.dataset_dir(dataset.id) / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="missing or damaged"):
        Store.open(dataset.id)
