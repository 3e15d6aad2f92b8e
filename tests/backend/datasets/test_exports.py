"""What is exported is complete, safe for spreadsheets, bare of metadata, and comes back."""

import csv
import io
import json
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.datasets import catalog, edits, get_dataset
from backend.datasets.exports import export_dataset
from backend.datasets.formats import get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.imports import Origin, bring_in
from backend.datasets.incoming.opening import open_path
from backend.datasets.skips import Skips
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import UsageError
from backend.spreadsheets import plain_cell, safe_cell
from storage.records import Dataset
from tests.backend.datasets.doctor import broken
from tests.backend.datasets.test_edits import pairs, ratings, sounds
from tests.backend.datasets.test_versions import boxes

ODD = [
    "=cmd|'/c calc'!A1", "+1 for this", "-5 degrees", "@home", "'=quoted", "''-twice", "'tis fine",
    'he said "no", twice', "two\nlines", "שלום עולם", "👩‍👩‍👧 family", "<script>alert(1)</script>",
    "a,b;c\td", "NA", "null", "001",
]  # fmt: skip


def odd_texts() -> Dataset:
    with StoreWriter("text-class") as writer:
        for number, text in enumerate(ODD * 3):
            writer.add_text(f"{text} {number}", ("=1+1", "NA", "ö, x")[number % 3])
        return catalog.publish(
            writer, name="odd", task="text-classification", source="t", licence="n"
        )


def contents(dataset: Dataset) -> set[tuple[object, ...]]:
    """Every example with its part, as far as an export can carry it."""
    store = Store.open(dataset)
    found: set[tuple[object, ...]] = set()
    for index in store.present().tolist():
        split = int(store.splits[index])
        if store.kind == "text" and store.target == "text":
            found.add((store.text(index), store.target_text(index), split))
            continue
        label = dataset.classes[store.labels[index]] if store.target == "class" else ""
        item: object = ""
        if store.kind == "text":
            item = store.text(index)
        elif store.kind == "image":
            item = (store.image(index).shape, store.image(index).tobytes())
        elif store.kind == "audio":
            item = store.sound(index).tobytes()
        boxes: object = ""
        if store.target == "boxes":
            corners, labels = store.boxes(index)
            names = [dataset.classes[number] for number in labels.tolist()]
            boxes = tuple(sorted(zip(names, map(tuple, corners.round(3).tolist()), strict=True)))
        found.add((item, label, boxes, split))
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text", [*ODD, "", "'", "''", "'=", "\t=x", "\r", "plain"])
def test_a_cell_comes_back_and_is_no_formula(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain_cell(cell) == text


def test_texts_as_csv(home: Path, tmp_path: Path) -> None:
    dataset = edits.drop(odd_texts(), [0, 1])
    rows = rows_of(export_dataset(dataset, tmp_path / "odd.csv"))
    assert list(rows[0]) == ["text", "label", "split"]
    assert len(rows) == dataset.rows == len(ODD) * 3 - 2
    store = Store.open(dataset)
    for row, index in zip(rows, store.present().tolist(), strict=True):
        assert plain_cell(row["text"]) == store.text(index)
        assert plain_cell(row["label"]) == dataset.classes[store.labels[index]]
        assert not row["text"].startswith(("=", "+", "-", "@"))


def test_texts_as_json_lines(home: Path, tmp_path: Path) -> None:
    dataset = odd_texts()
    path = export_dataset(dataset, tmp_path / "odd.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    store = Store.open(dataset)
    assert [row["text"] for row in rows] == [store.text(i) for i in range(len(store))]


def test_pairs_and_ratings_as_tables(home: Path, tmp_path: Path) -> None:
    rows = rows_of(export_dataset(pairs(), tmp_path / "pairs.csv"))
    assert set(rows[3]) == {"source", "target", "split"}
    assert (rows[3]["source"], rows[3]["target"]) == ("source 3", "target 3")
    rows = rows_of(export_dataset(ratings(), tmp_path / "stars.csv"))
    assert rows[0] | {"split": ""} == {
        "user": "person 0", "item": "thing 0", "rating": "1.0", "split": "",
    }  # fmt: skip


def test_pictures_in_folders_carry_nothing_but_pixels(home: Path, tmp_path: Path) -> None:
    dataset = broken.clean_pictures(30)
    with zipfile.ZipFile(export_dataset(dataset, tmp_path / "p.zip")) as archive:
        names = archive.namelist()
        assert len(names) == 30
        assert {tuple(name.split("/")[:2]) for name in names} == {
            (split, label) for split in dataset.splits for label in ("red", "blue")
        }
        picture = Image.open(io.BytesIO(archive.read(names[0])))
        assert picture.format == "PNG"
        assert not picture.getexif()
        assert picture.info == {}
        index = int(names[0].split("/")[-1].removesuffix(".png"))
        assert np.array_equal(np.asarray(picture), Store.open(dataset).image(index))


def test_names_that_cannot_be_folders_stand_in_a_list(home: Path, tmp_path: Path) -> None:
    dataset = broken.clean_pictures(30)
    dataset = edits.merge_classes(dataset, ["red"], "T-shirt/top")
    with zipfile.ZipFile(export_dataset(dataset, tmp_path / "p.zip")) as archive:
        listed = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
        assert {row["label"] for row in listed} == {"T-shirt/top", "blue"}
        assert {row["file"] for row in listed} == set(archive.namelist()) - {"labels.csv"}
        assert not any(".." in name or name.count("/") != 1 for name in
                       set(archive.namelist()) - {"labels.csv"})  # fmt: skip


def test_recordings_as_wav(home: Path, tmp_path: Path) -> None:
    dataset = sounds()
    with zipfile.ZipFile(export_dataset(dataset, tmp_path / "s.zip")) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("0000003.wav")]
        with wave.open(io.BytesIO(archive.read(name))) as sound:
            frames = sound.readframes(sound.getnframes())
    assert frames == Store.open(dataset).sound(3).tobytes()
    assert name.split("/")[1] == "b"


def test_boxes_as_coco(home: Path, tmp_path: Path) -> None:
    dataset = boxes()
    with zipfile.ZipFile(export_dataset(dataset, tmp_path / "b.zip")) as archive:
        found = 0
        for split, count in dataset.splits.items():
            record = json.loads(archive.read(f"{split}/annotations.json"))
            assert len(record["images"]) == count
            assert [one["name"] for one in record["categories"]] == ["cat", "dog"]
            names = {one["id"]: one["file_name"] for one in record["images"]}
            for one in record["annotations"]:
                assert f"{split}/{names[one['image_id']]}" in archive.namelist()
                assert one["area"] == one["bbox"][2] * one["bbox"][3]
            found += len(record["annotations"])
    assert found == 40


def bring_back(path: Path, data_format: str) -> Dataset:
    """The exported file, brought in as the format it came from."""
    skips = Skips()
    with open_path(path, path.name, skips) as source:
        return bring_in(
            source, get_format(data_format), Choices(), skips,
            name="again", task="text-classification", origin=Origin("test"),
        )  # fmt: skip


def rated(dataset: Dataset) -> set[tuple[str, str, float, int]]:
    store = Store.open(dataset)
    names, rows = store.names(), store.ratings()
    return {
        (names["users"][rows[i]["user"]], names["items"][rows[i]["item"]],
         float(rows[i]["value"]), int(store.splits[i]))
        for i in store.present().tolist()
    }  # fmt: skip


def plain_texts() -> Dataset:
    with StoreWriter("text") as writer:
        for number, text in enumerate(ODD * 2):
            writer.add_text(f"{text} and some more words {number}")
        return catalog.publish(writer, name="plain", task="x", source="t", licence="n")


def renamed_pictures() -> Dataset:
    return edits.merge_classes(broken.clean_pictures(40), ["red"], "T-shirt/top")


@pytest.mark.parametrize(
    ("make", "ending"),
    [
        (odd_texts, ".csv"),
        (odd_texts, ".jsonl"),
        (plain_texts, ".csv"),
        (plain_texts, ".jsonl"),
        (pairs, ".csv"),
        (pairs, ".jsonl"),
        (ratings, ".csv"),
        (ratings, ".jsonl"),
        (lambda: broken.clean_pictures(40), ".zip"),
        (renamed_pictures, ".zip"),
        (sounds, ".zip"),
        (boxes, ".zip"),
    ],
)
def test_what_was_exported_comes_back_the_same(
    home: Path, tmp_path: Path, make: Callable[[], Dataset], ending: str
) -> None:
    dataset = make()
    path = export_dataset(dataset, tmp_path / f"out{ending}")
    again = bring_back(path, dataset.format)
    assert not again.skipped
    assert sorted(again.classes) == sorted(dataset.classes)
    if dataset.format == "rating":
        assert rated(again) == rated(dataset)
    else:
        assert contents(again) == contents(dataset)


def test_bad_paths_are_refused_and_nothing_is_left(home: Path, tmp_path: Path) -> None:
    digits = get_dataset("digits")
    for path, words in (
        (tmp_path / "x.csv", "as .zip"),
        (tmp_path / "no" / "x.zip", "no folder"),
        (tmp_path / "x", "without an ending"),
    ):
        with pytest.raises(UsageError, match=words):
            export_dataset(digits, path)
    assert list(tmp_path.glob("*")) in ([], [home])
