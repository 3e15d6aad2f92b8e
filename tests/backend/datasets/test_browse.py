"""Finding and showing examples: filters, words in any script, edits, and a million rows quickly."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.charts import histogram_figure
from backend.datasets import catalog, edits, get_dataset
from backend.datasets.browse import LEFT_OUT, THUMBNAIL, Wanted, find_examples, read_page, thumbnail
from backend.datasets.doctor.finding import Finding
from backend.datasets.measures import measure, spread
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import UsageError
from storage.records import Dataset
from tests.backend.datasets.test_edits import pairs, ratings, sounds
from tests.backend.datasets.test_versions import boxes, texts

TEXTS = ["Größe", "GRÖSSE zählt", "größer als", "Привет, мир", "ПРИВЕТ", "a.b(c", "tail", "head"]


def scripts() -> Dataset:
    with StoreWriter("text-class") as writer:
        for number in range(3):
            for place, text in enumerate(TEXTS):
                writer.add_text(f"{text}{' ' * bool(number)}{number or ''}", "ab"[place % 2])
        return catalog.publish(writer, name="scripts", task="x", source="t", licence="n")


def found(dataset: Dataset, **wanted: object) -> list[int]:
    return find_examples(dataset, Wanted(**wanted)).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("größe", [0, 1, 2]),
        ("GRÖSSE", [1]),
        ("привет", [3, 4]),
        ("A.B(", [5]),
        ("tailhead", []),  # it ends in the next text
        ("il", [6]),
        ("  Привет,   МИР ", [3]),
        (".", [5]),
        ("nothing", []),
    ],
)
def test_words_are_found_whatever_their_case(home: Path, words: str, places: list[int]) -> None:
    dataset = scripts()
    assert [index for index in found(dataset, words=words) if index < len(TEXTS)] == places


def test_classes_parts_and_what_was_left_out(home: Path) -> None:
    dataset = edits.drop(texts(), [4, 6])
    store = Store.open(dataset)
    assert found(dataset) == store.present().tolist()
    assert found(dataset, label="b") == list(range(1, 40, 2))
    assert found(dataset, split="test") == store.indices("test").tolist()
    assert found(dataset, split=LEFT_OUT) == [4, 6]
    assert set(found(dataset, label="a", split="train")) == set(store.indices("train")) & set(
        range(0, 40, 2)
    )
    for wrong in ({"label": "nope"}, {"split": "nope"}):
        with pytest.raises(UsageError):
            found(dataset, **wrong)


def test_only_edited_ones(home: Path) -> None:
    dataset = edits.set_label(texts(), [2, 4], "b")
    dataset = edits.replace_texts(dataset, {7: "other words"}, "Changed.")
    assert found(dataset, edited=True) == [2, 4, 7]
    assert found(dataset, words="other") == [7]
    assert found(dataset, words="number 7") == []
    shown = read_page(dataset, np.array([7, 8]))
    assert [(one.edited, one.example.text) for one in shown] == [
        (True, "other words"), (False, "text number 8"),
    ]  # fmt: skip


def test_a_finding_gives_its_own_order(home: Path) -> None:
    finding = Finding("x", "hint", "x.", 3, np.array([9, 2, 30]))
    dataset = texts()
    assert find_examples(dataset, Wanted(), finding).tolist() == [9, 2, 30]
    assert find_examples(dataset, Wanted(label="a"), finding).tolist() == [2, 30]


def test_boxes_pairs_and_ratings(home: Path) -> None:
    assert found(boxes(), label="cat") == list(range(1, 20, 2))
    assert found(pairs(), words="TARGET 7") == [7]
    stars = ratings()
    assert len(found(stars, words="Person 3")) == 6
    assert found(stars, words="rare") == [72]
    page = read_page(stars, np.array([72]))
    assert page[0].example.text == "only once: rare thing, 3"


@pytest.mark.parametrize("make", [texts, boxes, pairs, ratings, sounds])
def test_every_kind_of_data_can_be_looked_at(home: Path, make: Callable[[], Dataset]) -> None:
    dataset = edits.drop(make(), [0])
    for one in read_page(dataset, np.arange(3)):
        assert one.split in (*dataset.splits, LEFT_OUT)
    assert read_page(dataset, np.array([0]))[0].split == LEFT_OUT
    for each in measure(dataset):
        assert each.counts.sum() == dataset.rows
        assert len(each.edges) == len(each.counts) + 1
        assert (np.diff(each.edges) > 0).all()
        assert each.least <= each.middle <= each.most
        figure = histogram_figure(each.edges, each.counts, each.unit, each.most)
        assert sum(figure.data[0].y) == dataset.rows


def test_large_pictures_are_shown_small() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (20, 30, 3), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(thumbnail(small)))), small)
    large = thumbnail(rng.integers(0, 255, (256, 500, 1), np.uint8))
    assert max(Image.open(io.BytesIO(large)).size) == THUMBNAIL
    assert len(large) < 30_000


def test_far_values_do_not_squeeze_the_chart() -> None:
    values = np.concatenate([np.arange(1000.0) % 100, [1e6]])
    found = spread("Length", "characters", values)
    assert found.edges[-1] < 200
    assert found.counts.sum() == 1001
    figure = histogram_figure(found.edges, found.counts, found.unit, found.most)
    assert "and more, up to 1,000,000" in figure.data[0].customdata[-1]
    same = spread("Width", "pixels", np.full(9, 28.0))
    assert (same.counts.tolist(), same.edges.tolist()) == ([9], [27.5, 28.5])


def test_lengths_count_characters_not_bytes(home: Path) -> None:
    (only,) = measure(scripts())
    assert only.least == 4
    assert only.most == 14


@pytest.mark.slow
def test_a_million_rows_are_looked_at_in_the_time_of_a_click(home: Path) -> None:
    """Filters and charts of a page; each a fraction of a second, also on a busy computer."""
    dataset = get_dataset("topics")
    big = million()
    for wanted in (
        Wanted(), Wanted(label="b"), Wanted(split="test"), Wanted(words="number 99999"),
        Wanted(edited=True),
    ):  # fmt: skip
        began = time.process_time()
        hits = find_examples(big, wanted)
        read_page(big, hits[:36])
        assert time.process_time() - began < 1.5, wanted
    began = time.process_time()
    measure(big)
    assert time.process_time() - began < 1.5
    assert len(find_examples(big, Wanted(words="number 99999"))) == 11
    assert dataset.rows < big.rows


def million() -> Dataset:
    """Written straight into place: bringing in a million rows is another test's matter."""
    with StoreWriter("text-class") as writer:
        add = writer.add_text
        for number in range(1_000_000):
            add(f"text number {number}", "ab"[number % 2], (0, 0, 0, 1, 2)[number % 5])
        return catalog.publish(writer, name="big", task="x", source="t", licence="n")
