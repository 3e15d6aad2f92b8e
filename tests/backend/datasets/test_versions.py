"""Versions: the same items, other labels, splits and texts; runs keep the one they began with."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from backend import datasets
from backend.datasets import catalog, versions
from backend.datasets.formats import get_format
from backend.datasets.overlay import Overlay
from backend.datasets.splits import DROPPED
from backend.datasets.state import State
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import BusyError, DataError, NotFoundError, UsageError
from storage import database, files
from storage import versions as stored
from storage.records import Dataset

ROOT = Path(__file__).resolve().parents[3]


def texts(count: int = 40, name: str = "words") -> Dataset:
    with StoreWriter("text-class") as writer:
        for number in range(count):
            writer.add_text(f"text number {number}", "ab"[number % 2])
        return catalog.publish(
            writer, name=name, task="text-classification", source="test", licence="none"
        )


def boxes() -> Dataset:
    rng = np.random.default_rng(0)
    with StoreWriter("image-boxes") as writer:
        for number in range(20):
            image = rng.integers(0, 255, (8, 9, 3), np.uint8)
            found = [("cat", 0.0, 0.0, 2.0, 2.0)] if number % 2 else [("dog", 1.0, 1.0, 3.0, 3.0)]
            writer.add_boxes(image, [*found, ("dog", 0.0, 0.0, 4.0, 4.0)])
        return catalog.publish(
            writer, name="boxes", task="object-detection", source="test", licence="none"
        )


def state_of(dataset: Dataset) -> State:
    return State.of(dataset, Store.open(dataset))


def drop(dataset: Dataset, *indices: int) -> Dataset:
    state = state_of(dataset)
    splits = state.splits.copy()
    splits[list(indices)] = DROPPED
    return versions.add_version(dataset, dataclasses.replace(state, splits=splits), "Dropped.")


def test_a_new_data_set_is_its_first_version(home: Path) -> None:
    dataset = texts()
    (only,) = versions.list_versions(dataset)
    assert (only.number, only.rows, only.classes) == (1, 40, ["a", "b"])
    assert len(only.sha256) == 64
    assert only.details["counts"] == dataset.details["counts"]
    assert versions.ensure_sha256(dataset) == only.sha256


def test_equal_contents_have_equal_sums_and_any_difference_another(home: Path) -> None:
    first, second = texts(name="one"), texts(name="two")
    sums = {versions.ensure_sha256(first)}
    assert sums == {versions.ensure_sha256(second)}
    state = state_of(first)
    labels, splits = state.labels.copy(), state.splits.copy()
    labels[3], splits[5] = 1 - labels[3], (splits[5] + 1) % 3
    for other in (
        dataclasses.replace(state, labels=labels),
        dataclasses.replace(state, splits=splits),
        dataclasses.replace(state, classes=["a", "c"]),
        dataclasses.replace(state, items=Overlay.of({2: b"other"})),
        dataclasses.replace(state, items=Overlay.of({3: b"other"})),
    ):
        changed = versions.add_version(first, other, "Changed.")
        sums.add(versions.ensure_sha256(changed))
        first = versions.go_back(changed, 1)
        assert versions.ensure_sha256(first) == versions.ensure_sha256(second)
    assert len(sums) == 6


def test_the_items_are_shared_and_dropped_ones_keep_their_number(home: Path) -> None:
    dataset = texts()
    before = files.folder_bytes(files.dataset_dir(dataset.id))
    later = drop(dataset, 0, 7)
    assert files.folder_bytes(files.dataset_dir(dataset.id)) - before < 700
    assert (later.version, later.rows, sum(later.splits.values())) == (2, 38, 38)
    old, new = Store.open(dataset), Store.open(later)
    assert len(new) == len(old) == 40
    assert new.text(8) == old.text(8)
    assert set(new.present()) == set(range(40)) - {0, 7}
    assert not {0, 7} & {int(i) for split in later.splits for i in new.indices(split)}
    assert sum(sum(counts.values()) for counts in datasets.class_counts(later).values()) == 38


def test_a_store_opened_by_id_is_the_current_version(home: Path) -> None:
    dataset = texts()
    drop(dataset, 0)
    assert len(Store.open(dataset.id).present()) == 39
    assert len(Store.open("words").present()) == 39
    assert len(Store.open(dataset).present()) == 40
    assert datasets.get_dataset("words").version == 2
    assert datasets.get_dataset("words", 1).rows == 40
    with pytest.raises(NotFoundError, match="no version 9"):
        datasets.get_dataset("words", 9)


def test_going_back_is_a_new_version_with_the_old_content(home: Path) -> None:
    dataset = texts()
    back = versions.go_back(drop(dataset, 0), 1)
    assert back.version == 3
    assert versions.ensure_sha256(back) == versions.ensure_sha256(dataset)
    assert [one.number for one in versions.list_versions(back)] == [3, 2, 1]
    assert versions.list_versions(back)[0].summary == "Went back to version 1."


def test_edited_texts_stand_in_place_of_the_stored_ones(home: Path) -> None:
    dataset = texts()
    edits = Overlay.of({4: "ü [e-mail]".encode(), 39: b"last"})
    state = dataclasses.replace(state_of(dataset), items=edits)
    store = Store.open(versions.add_version(dataset, state, "Masked."))
    assert (store.text(4), store.text(39), store.text(5)) == ("ü [e-mail]", "last", "text number 5")
    assert Store.open(dataset).text(4) == "text number 4"


def test_edited_boxes_count(home: Path) -> None:
    dataset = boxes()
    assert get_format(dataset.format).target == "boxes"
    assert {name: sum(one.values()) for name, one in datasets.class_counts(dataset).items()} == {
        "cat": 10,
        "dog": 30,
    }
    state = dataclasses.replace(state_of(dataset), targets=Overlay.of({0: b"", 1: b""}))
    later = versions.add_version(dataset, state, "No boxes.")
    counts = {name: sum(one.values()) for name, one in datasets.class_counts(later).items()}
    assert counts == {"cat": 9, "dog": 27}
    assert len(Store.open(later).boxes(0)[0]) == 0
    assert len(Store.open(later).boxes(2)[0]) == 2


def test_somebody_elses_change_is_not_undone_unseen(home: Path) -> None:
    dataset = texts()
    drop(dataset, 0)
    with pytest.raises(BusyError, match="changed by somebody else"):
        drop(dataset, 1)


def test_no_difference_is_no_version(home: Path) -> None:
    dataset = texts()
    with pytest.raises(UsageError, match="Nothing is different"):
        versions.add_version(dataset, state_of(dataset), "Nothing.")
    assert len(versions.list_versions(dataset)) == 1


def test_what_cannot_be_trained_on_is_refused(home: Path) -> None:
    dataset = texts()
    test = [int(index) for index in Store.open(dataset).indices("test")]
    with pytest.raises(UsageError, match="test part without any example"):
        drop(dataset, *test)
    state = dataclasses.replace(state_of(dataset), classes=["a"])
    with pytest.raises(UsageError, match="single class"):
        versions.add_version(dataset, state, "One class.")


def test_a_version_whose_files_are_gone_is_bad_data(home: Path) -> None:
    later = drop(texts(), 0)
    files.dataset_version_file(later.id, 2).unlink()
    with pytest.raises(DataError, match="missing or damaged"):
        Store.open(later)


def test_a_version_that_was_cut_off_is_written_anew(home: Path) -> None:
    dataset = texts()
    left = files.dataset_version_file(dataset.id, 2)
    left.parent.mkdir()
    left.write_bytes(b"half")
    assert drop(dataset, 3).rows == 39


def test_data_from_before_versions_get_a_first_one(home: Path) -> None:
    """The migration gives every data set a version whose sum is reckoned when it is needed."""
    dataset = texts()
    stored.set_sha256(dataset.id, 1, "")
    assert len(versions.ensure_sha256(dataset)) == 64
    assert versions.list_versions(dataset)[0].sha256 == versions.ensure_sha256(dataset)


def test_the_migration_keeps_data_sets_and_runs(home: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import text

    from storage import runs

    dataset = texts()
    run = runs.create_run(
        name="r", task="t", model="m", dataset_id=dataset.id, dataset_name="words", config={}
    )
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage" / "migrations"))
    engine = database._engine().execution_options(immediate=True)
    for direction, target in ((command.downgrade, "0003"), (command.upgrade, "head")):
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            direction(config, target)
            connection.execute(text("SELECT 1"))
    found = datasets.get_dataset("words")
    assert (found.version, found.rows) == (1, 40)
    (only,) = stored.list_versions(dataset.id)
    assert (only.rows, only.classes, only.splits) == (40, ["a", "b"], found.splits)
    assert only.details["counts"] == found.details["counts"]
    kept = runs.get_run(run.id)
    assert kept is not None
    assert kept.dataset_version == 1
