"""Finding, renaming, deleting, tidying up, uploads and previews."""

import io
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from backend import datasets
from backend.datasets import catalog
from backend.datasets.incoming.given import give, given_folder
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import BusyError, DataError, NotFoundError, UsageError
from storage import datasets as rows
from storage import files, runs
from storage.records import ACTIVE, Dataset, RunStatus

from .test_store import write_images, write_texts


def queue_run(dataset: Dataset) -> int:
    return runs.create_run(
        name="my run",
        task=dataset.task,
        model="lstm",
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        config={},
    ).id


def test_found_by_id_and_by_name(home: Path) -> None:
    dataset = write_texts("words")
    assert catalog.find(dataset.id) == catalog.find("words") == dataset


def test_rename(home: Path) -> None:
    dataset, other = write_texts("words"), write_texts("others")
    renamed = datasets.rename_dataset("words", "  my\nwords ")
    assert (renamed.name, renamed.id) == ("my words", dataset.id)
    assert renamed.details["title"] == "my words"
    assert catalog.find("my words").id == dataset.id
    for name in ("others", "mnist", "", other.id):
        with pytest.raises(UsageError):
            datasets.rename_dataset("my words", name)
    assert datasets.rename_dataset("my words", "my words").name == "my words"


def test_delete(home: Path) -> None:
    dataset = write_texts()
    datasets.delete_dataset(dataset.id)
    assert not files.dataset_dir(dataset.id).exists()
    with pytest.raises(NotFoundError):
        catalog.find(dataset.id)
    with pytest.raises(NotFoundError):
        datasets.delete_dataset(dataset.id)


@pytest.mark.parametrize("status", [RunStatus.QUEUED, *ACTIVE])
def test_in_use(home: Path, status: RunStatus) -> None:
    dataset = write_texts()
    run = queue_run(dataset)
    if status is not RunStatus.QUEUED:
        assert runs.move_run(run, status, when=[RunStatus.QUEUED])
    with pytest.raises(BusyError, match="my run"):
        datasets.delete_dataset(dataset.id)
    assert len(Store.open(dataset.id)) == dataset.rows
    assert runs.move_run(run, RunStatus.STOPPED, when=[status])
    datasets.delete_dataset(dataset.id)


def test_an_open_store_outlives_a_new_build(home: Path) -> None:
    def build(text: str) -> None:
        with StoreWriter("text-class") as writer:
            for number in range(20):
                writer.add_text(f"{text} {number}", str(number % 2))
            catalog.publish(
                writer, name="mnist", task="x", source="", licence="", dataset_id="mnist"
            )

    build("old")
    store = Store.open("mnist")
    build("new")
    assert store.text(3) == "old 3"
    assert Store.open("mnist").text(3) == "new 3"
    assert list((home / "tmp").iterdir()) == []


def test_two_imports_of_one_name_at_once(home: Path) -> None:
    errors: list[Exception] = []

    def bring() -> None:
        try:
            write_texts("words")
        except UsageError as error:
            errors.append(error)

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 3
    assert len(rows.list_datasets()) == len(list(files.datasets_dir().iterdir())) == 1


def test_leftovers_of_dead_imports_go(home: Path) -> None:
    dead = files.temporary_dir()
    (dead / "items.bin").write_bytes(b"x" * 100)
    (dead / "writing.lock").touch()
    cut = files.datasets_dir() / "abc123"
    cut.mkdir()
    (cut / "unpublished").touch()
    assert datasets.remove_leftovers() == 2
    assert not dead.exists()
    assert not cut.exists()


def test_what_is_alive_stays(home: Path) -> None:
    dataset = write_texts()
    with StoreWriter("text-class") as writer:
        upload = given_folder(give("x", [("x.csv", io.BytesIO(b"text,label\n"))]).id)
        unknown = files.datasets_dir() / "fromalostdatabase"
        unknown.mkdir()
        assert datasets.remove_leftovers() == 0
        assert writer.folder.exists()
        assert upload.exists()
        assert unknown.exists()
    assert len(Store.open(dataset.id)) == dataset.rows


def test_old_uploads_go(home: Path) -> None:
    upload = given_folder(give("x", [("x.csv", io.BytesIO(b"text,label\n"))]).id)
    old = time.time() - catalog.LEFTOVER_SECONDS - 1
    for path in (*upload.iterdir(), upload):
        os.utime(path, (old, old))
    assert datasets.remove_leftovers() == 1
    assert not upload.exists()


def test_leftovers_wait_for_nobody_forever(home: Path) -> None:
    folder = files.temporary_dir()
    with FileLock(folder / "writing.lock"):
        assert datasets.remove_leftovers() == 0
    assert datasets.remove_leftovers() == 1


# ------------------------------------------------------------------------ previews


def test_examples(home: Path) -> None:
    dataset = write_images([(5, 4, 3)] * 40)
    found = datasets.list_examples(dataset, limit=10)
    again = datasets.list_examples(dataset, limit=10)
    other = datasets.list_examples(dataset, limit=10, seed=1)
    assert len(found) == 10
    assert found == again != other
    assert all(example.png and example.png.startswith(b"\x89PNG") for example in found)
    only = datasets.list_examples(dataset, limit=99, label="b")
    assert {example.label for example in only} == {"b"}
    store = Store.open(dataset.id)
    assert {example.index for example in only} <= set(store.indices("train").tolist())
    tested = datasets.list_examples(dataset, "test", limit=99)
    assert len(tested) == dataset.splits["test"]


def test_examples_of_texts(home: Path) -> None:
    dataset = write_texts()
    found = datasets.list_examples(dataset, limit=99)
    assert len(found) == dataset.splits["train"]
    assert all(example.text and example.png is None for example in found)


@pytest.mark.parametrize("wrong", [{"split": "dev"}, {"label": "zebra"}])
def test_unknown_splits_and_classes(home: Path, wrong: dict[str, str]) -> None:
    dataset = write_texts()
    with pytest.raises(UsageError, match="Known"):
        datasets.list_examples(dataset, **wrong)


def test_counts(home: Path) -> None:
    dataset = write_texts(copies=10)
    counts = datasets.class_counts(dataset)
    store = Store.open(dataset.id)
    for place, name in enumerate(dataset.classes):
        for number, split in enumerate(("train", "validation", "test")):
            right = int(np.sum((store.labels == place) & (store.splits == number)))
            assert counts[name][split] == right


def test_damage_is_said_when_looking(home: Path) -> None:
    dataset = write_texts()
    (files.dataset_dir(dataset.id) / "items.bin").unlink()
    with pytest.raises(DataError, match="bring it in again"):
        datasets.list_examples(dataset)
