"""Edits make versions: labels, parts, classes, texts, boxes; shares; copies; erasing for good."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backend.datasets import catalog, class_counts, edits, get_dataset, versions
from backend.datasets.copying import copy_dataset, free_copy_name
from backend.datasets.erasing import ERASED, erase, erase_masked
from backend.datasets.shares import Shares, change_shares
from backend.datasets.splits import DROPPED, TEST
from backend.datasets.store import BOX, Store
from backend.datasets.writer import StoreWriter
from backend.errors import BusyError, UsageError
from storage import files, runs
from storage.records import Dataset
from tests.backend.datasets.test_versions import boxes, texts


def label(dataset: Dataset, index: int) -> str:
    return dataset.classes[Store.open(dataset).labels[index]]


def ratings() -> Dataset:
    with StoreWriter("rating") as writer:
        for user in range(12):
            for thing in range(6):
                writer.add_rating(f"person {user}", f"thing {thing}", (user + thing) % 5 + 1)
        writer.add_rating("only once", "rare thing", 3.0)
        return catalog.publish(writer, name="stars", task="x", source="test", licence="none")


def sounds() -> Dataset:
    rng = np.random.default_rng(0)
    with StoreWriter("audio-class") as writer:
        for number in range(20):
            writer.add_sound(rng.integers(-99, 99, 200).astype(np.int16), "ab"[number % 2])
        return catalog.publish(writer, name="sounds", task="x", source="test", licence="none")


def pairs() -> Dataset:
    with StoreWriter("text-pair") as writer:
        for number in range(30):
            writer.add_pair(f"source {number}", f"target {number}")
        return catalog.publish(writer, name="pairs", task="x", source="test", licence="none")


# ------------------------------------------------------------------------------- one by one


def test_labels_are_set_and_new_classes_added(home: Path) -> None:
    dataset = texts()
    later = edits.set_label(dataset, [0, 1, 1], "  new\n class ")
    assert later.classes == ["a", "b", "new class"]
    assert [label(later, index) for index in (0, 1, 2)] == ["new class", "new class", "a"]
    assert label(dataset, 0) == "a"
    (newest, _) = versions.list_versions(later)
    assert newest.summary == "Gave 2 examples the class new class."
    assert newest.details["relabelled"] == 2


def test_a_class_that_nobody_has_any_more_is_gone(home: Path) -> None:
    dataset = edits.set_label(texts(), [0, 2], "c")
    later = edits.drop(dataset, [0, 2])
    assert later.classes == ["a", "b"]
    assert set(class_counts(later)) == {"a", "b"}
    with pytest.raises(UsageError, match="Give them a class first"):
        edits.move(later, [0], "train")
    back = edits.move(edits.set_label(later, [0], "b"), [0], "train")
    assert label(back, 0) == "b"
    assert back.rows == 39


def test_examples_move_and_come_back(home: Path) -> None:
    dataset = texts()
    later = edits.move(edits.drop(dataset, [5], "blank"), [5, 6], "test")
    assert Store.open(later).splits[[5, 6]].tolist() == [TEST, TEST]
    assert versions.list_versions(later)[1].summary == "Left out 1 example: blank."


def test_several_are_changed_at_once_in_one_version(home: Path) -> None:
    changes = {
        0: edits.Change(label="new"),
        1: edits.Change(split="test", text="  other text "),
        2: edits.Change(label="b", split="validation"),
    }
    later = edits.change(texts(), changes)
    store = Store.open(later)
    assert [label(later, index) for index in (0, 1, 2)] == ["new", "b", "b"]
    assert store.text(1) == "other text"
    assert store.splits[[1, 2]].tolist() == [TEST, 1]
    assert versions.list_versions(later)[0].summary == "Changed 3 examples."
    assert later.version == 2
    other = edits.change(pairs(), {5: edits.Change(target="another")})
    assert Store.open(other).target_text(5) == "another"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: edits.set_label(data, [], "a"), "No example"),
        (lambda data: edits.set_label(data, [99], "a"), "no such example"),
        (lambda data: edits.drop(data, [-1]), "no such example"),
        (lambda data: edits.set_label(data, [0], " \n"), "is empty"),
        (lambda data: edits.set_label(data, [0], "x" * 201), "longer than 200"),
        (lambda data: edits.move(data, [0], "holdout"), "no part called"),
        (lambda data: edits.merge_classes(data, ["nope"], "a"), "no class nope"),
        (lambda data: edits.merge_classes(data, ["a", "b"], "a"), "single class"),
        (lambda data: edits.drop_class(data, "a"), "single class|without any"),
        (lambda data: edits.replace_texts(data, {0: "  "}, "x"), "cannot be empty"),
        (lambda data: edits.change(data, {}), "No example"),
        (lambda data: edits.change(data, {0: edits.Change(text=" ")}), "cannot be empty"),
        (lambda data: edits.change(data, {0: edits.Change(split="x")}), "no part called"),
        (lambda data: change_shares(data, Shares(), seed=-1), "seed"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Path, change: Callable[[Dataset], object], words: str
) -> None:
    dataset = texts()
    with pytest.raises(UsageError, match=words):
        change(dataset)
    assert len(versions.list_versions(dataset)) == 1


def test_what_came_with_the_program_stays_as_it_is(home: Path) -> None:
    digits = get_dataset("digits")
    for change in (
        lambda: edits.drop(digits, [0]),
        lambda: edits.merge_classes(digits, ["0"], "zero"),
        lambda: change_shares(digits, Shares(60, 20, 20)),
        lambda: erase(digits, [0]),
    ):
        with pytest.raises(UsageError, match="Make a copy"):
            change()


# ------------------------------------------------------------------------------- classes


def test_classes_are_renamed_and_merged(home: Path) -> None:
    dataset = edits.set_label(texts(), [0, 2], "B ")
    assert dataset.classes == ["a", "b", "B"]
    merged = edits.merge_classes(dataset, ["b", "B"], "b")
    assert merged.classes == ["a", "b"]
    assert [label(merged, index) for index in (0, 1, 4)] == ["b", "b", "a"]
    renamed = edits.merge_classes(merged, ["a"], "Ä")
    assert renamed.classes == ["Ä", "b"]
    summaries = [one.summary for one in versions.list_versions(renamed)]
    assert summaries[:2] == ["Renamed the class a to Ä.", "Merged B into b."]


def test_merging_classes_is_no_edit_of_examples(home: Path) -> None:
    dataset = edits.set_label(texts(), [0], "c")
    merged = edits.merge_classes(dataset, ["b"], "bee")
    assert versions.list_versions(merged)[0].details["relabelled"] == 1


def test_boxes_follow_their_class(home: Path) -> None:
    merged = edits.merge_classes(boxes(), ["cat", "dog"], "animal")
    assert merged.classes == ["animal"]
    assert sum(class_counts(merged)["animal"].values()) == 40
    assert Store.open(merged).boxes(1)[1].tolist() == [0, 0]
    renamed = edits.merge_classes(merged, ["animal"], "pet")
    assert renamed.classes == ["pet"]


def test_boxes_are_replaced(home: Path) -> None:
    dataset = boxes()
    one = np.array([((0, 0, 1, 1), 1)], BOX)
    later = edits.replace_boxes(dataset, {3: one}, "Cut.")
    assert Store.open(later).boxes(3)[0].tolist() == [[0, 0, 1, 1]]


# ------------------------------------------------------------------------------- shares


@pytest.mark.parametrize("make", [texts, boxes, ratings, sounds, pairs])
def test_every_kind_of_data_is_divided_anew(home: Path, make: Callable[[], Dataset]) -> None:
    dataset = make()
    later = change_shares(dataset, Shares(50, 25, 25), seed=7)
    assert later.rows == dataset.rows
    assert abs(later.splits["test"] / later.rows - 0.25) < 0.1
    assert abs(later.splits["validation"] / later.rows - 0.25) < 0.1
    again = change_shares(versions.go_back(later, 1), Shares(50, 25, 25), seed=7)
    assert versions.ensure_sha256(again) == versions.ensure_sha256(later)


def test_shares_are_kept_in_every_class_and_differ_by_seed(home: Path) -> None:
    dataset = texts(400)
    first = change_shares(dataset, Shares(60, 30, 10), seed=1)
    assert class_counts(first) == {
        name: {"train": 120, "validation": 60, "test": 20} for name in "ab"
    }
    second = change_shares(first, Shares(60, 30, 10), seed=2)
    assert versions.ensure_sha256(first) != versions.ensure_sha256(second)
    assert versions.list_versions(second)[0].summary == "Divided anew: 60 / 30 / 10 % (seed 2)."


def test_copies_stay_together_and_what_was_left_out_stays_out(home: Path) -> None:
    with StoreWriter("text-class") as writer:
        for number in range(200):
            writer.add_text(f"Text  {number % 50}" if number % 2 else f"text {number % 50}", "a")
            writer.add_text(f"other {number}", "b")
        dataset = catalog.publish(writer, name="c", task="x", source="t", licence="n")
    dataset = edits.drop(dataset, [0, 1])
    store = Store.open(change_shares(dataset, Shares(50, 25, 25), seed=3))
    assert store.splits[:2].tolist() == [DROPPED, DROPPED]
    places: dict[str, set[int]] = {}
    for index in store.present().tolist():
        key = " ".join(store.text(index).casefold().split())
        places.setdefault(key, set()).add(int(store.splits[index]))
    assert all(len(found) == 1 for found in places.values())


def test_a_fixed_test_part_stays(home: Path) -> None:
    dataset = texts(400)
    before = Store.open(dataset).indices("test")
    later = change_shares(dataset, Shares(40, 50, 10), keep_test=True)
    assert np.array_equal(Store.open(later).indices("test"), before)
    assert later.splits["validation"] / later.splits["train"] == pytest.approx(50 / 40, rel=0.05)


@pytest.mark.parametrize("parts", [(80, 10, 11), (100, 0, 0), (98, 1, 0), (50.5, 25, 24.5)])
def test_shares_that_make_no_sense(parts: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError):
        Shares(*parts)


# ------------------------------------------------------------------------------- copies


def test_a_copy_is_ones_own_and_costs_no_disk(home: Path) -> None:
    digits = get_dataset("digits")
    copy = copy_dataset(digits, free_copy_name(digits, {"digits"}))
    assert (copy.name, copy.bundled, copy.rows) == ("digits (copy)", False, digits.rows)
    assert versions.ensure_sha256(copy) == versions.ensure_sha256(digits)
    items = [files.dataset_dir(key) / "items.bin" for key in (digits.id, copy.id)]
    assert items[0].stat().st_ino == items[1].stat().st_ino
    changed = erase(edits.drop(copy, [1]), [0])
    assert changed.rows == digits.rows - 2
    assert np.array_equal(Store.open(digits).image(0), Store.open(get_dataset("digits")).image(0))
    assert Store.open(digits).image(0).any()
    catalog.delete_dataset(copy.id)
    assert Store.open("digits").image(5).any()
    with pytest.raises(UsageError, match="a data set"):
        copy_dataset(digits, "mnist")


def test_a_copy_has_the_history_too(home: Path) -> None:
    later = edits.drop(texts(), [0])
    copy = copy_dataset(later, "second")
    assert copy.version == 2
    assert [one.number for one in versions.list_versions(copy)] == [2, 1]
    assert versions.go_back(copy, 1).rows == 40
    assert get_dataset("words").version == 2


# ------------------------------------------------------------------------------- erasing


def everything_on_disk(dataset: Dataset) -> bytes:
    folder = files.dataset_dir(dataset.id)
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_erased_texts_are_nowhere(home: Path) -> None:
    dataset = edits.replace_texts(texts(), {3: "secret words"}, "Changed.")
    later = edits.drop(dataset, [7])
    assert b"text number 13" in everything_on_disk(later)
    erased = erase(later, [3, 13])
    found = everything_on_disk(erased)
    assert b"secret" not in found
    assert b"text number 13" not in found
    assert b"text number 14" in found
    assert [one.rows for one in versions.list_versions(erased)] == [37, 37, 38, 38]
    assert versions.list_versions(erased)[0].summary == "Erased 2 examples for good."
    for number in (1, 2, 3, 4):
        store = Store.open(get_dataset("words", number))
        assert not {3, 13} & set(store.present().tolist())
        assert store.text(14) == "text number 14"
    first = get_dataset("words", 1)
    assert sum(sum(one.values()) for one in class_counts(first).values()) == 38
    assert versions.ensure_sha256(first) != versions.ensure_sha256(erased)


@pytest.mark.parametrize("make", [boxes, ratings, sounds, pairs])
def test_every_kind_of_data_can_be_erased(home: Path, make: Callable[[], Dataset]) -> None:
    dataset = make()
    before = Store.open(dataset)
    items, starts = before.raw()
    secret = bytes(items[starts[2] : starts[3] + 2])
    assert secret in everything_on_disk(dataset)
    later = erase(dataset, [2])
    after = Store.open(later)
    left, ends = after.raw()
    assert secret not in everything_on_disk(later) or make is ratings
    assert not left[ends[2] : ends[3]].strip(b" \0")
    assert left[ends[3] :] == items[starts[3] :]
    assert later.rows == dataset.rows - 1
    if before.target == "boxes":
        assert sum(sum(one.values()) for one in class_counts(later).values()) == 38


def test_names_of_erased_people_go(home: Path) -> None:
    dataset = ratings()
    last = len(Store.open(dataset)) - 1
    names = Store.open(erase(dataset, [0, last])).names()
    assert names["users"][-1] == names["items"][-1] == ERASED
    assert names["users"][0] == "person 0"


def test_what_was_masked_can_be_erased_from_all_versions(home: Path) -> None:
    dataset = texts()
    with pytest.raises(UsageError, match="No text"):
        erase_masked(dataset)
    masked = edits.replace_texts(dataset, {4: "text number [x]"}, "Masked.")
    later = erase_masked(masked)
    assert b"text number 4\x00" not in everything_on_disk(later)
    assert b"text number 4text" not in everything_on_disk(later)
    for number in (1, 2, 3):
        assert Store.open(get_dataset("words", number)).text(4) == "text number [x]"
    assert later.rows == 40


def test_nothing_is_erased_under_a_run(home: Path) -> None:
    dataset = texts()
    run = runs.create_run(
        name="r", task="t", model="m", dataset_id=dataset.id, dataset_name="words", config={}
    )
    with pytest.raises(BusyError, match="has not ended"):
        erase(dataset, [0])
    assert runs.delete_run(run.id)
    assert erase(dataset, [0]).rows == 39


def test_an_erasure_that_was_cut_off_can_be_done_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.datasets import erasing

    dataset = texts()

    def cut(*_: object) -> None:
        raise OSError("power")

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_overwrite", cut)
        with pytest.raises(OSError, match="power"):
            erase(dataset, [3])
    current = get_dataset("words")
    assert 3 not in Store.open(current).present()
    assert erase(current, [3]).rows == 39
    assert b"text number 3text" not in everything_on_disk(current)
