"""Each cure makes a version in which what it cures is gone; nothing else is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.datasets import class_counts, copying, edits, get_dataset, versions
from backend.datasets.doctor.cures import carry_out
from backend.datasets.doctor.examination import examine
from backend.datasets.doctor.finding import Cure, Finding
from backend.datasets.doctor.reports import Report
from backend.datasets.shares import Shares, change_shares
from backend.datasets.splits import TEST, TRAIN
from backend.datasets.store import Store
from backend.errors import BusyError, UsageError
from storage.records import Dataset
from tests.backend.datasets.doctor import broken


def cure(dataset: Dataset, kind: str) -> tuple[Dataset, Report]:
    """The version after the cure of a finding, and what is found on it."""
    finding = examine(dataset).find(kind)
    assert finding is not None, f"{kind} was not found"
    assert finding.cure is not None
    later = carry_out(dataset, finding)
    return later, examine(later)


CASES: list[tuple[Callable[[], Dataset], str]] = [
    (lambda: broken.broken_reviews(300), "copies-across-parts"),
    (lambda: broken.broken_reviews(300), "copies"),
    (lambda: broken.broken_reviews(300), "conflicting-labels"),
    (lambda: broken.broken_reviews(300), "labels-alike"),
    (lambda: broken.broken_reviews(300), "labels-misspelt"),
    (lambda: broken.broken_reviews(300), "texts-empty"),
    (lambda: broken.broken_reviews(300), "texts-short"),
    (lambda: broken.broken_reviews(300), "texts-foreign"),
    (lambda: broken.broken_reviews(300), "private-email"),
    (lambda: broken.broken_reviews(300), "private-phone"),
    (lambda: broken.broken_reviews(300), "private-iban"),
    (lambda: broken.broken_reviews(300), "private-card"),
    (lambda: broken.leaking_texts("label"), "leak-label"),
    (lambda: broken.leaking_texts("word"), "leak-word"),
    (lambda: broken.broken_pictures(100), "copies-across-parts"),
    (lambda: broken.broken_pictures(100), "pictures-blank"),
    (lambda: broken.broken_pictures(100), "pictures-tiny"),
    (broken.broken_boxes, "boxes-outside"),
    (broken.broken_boxes, "boxes-flat"),
    (broken.broken_boxes, "boxes-twice"),
    (broken.broken_pairs, "pairs-same"),
    (broken.broken_pairs, "private-email"),
    (broken.broken_ratings, "ratings-twice"),
    (broken.broken_sounds, "sounds-silent"),
    (broken.broken_sounds, "copies-across-parts"),
]


@pytest.mark.parametrize(
    ("make", "kind"), CASES, ids=[f"{n}-{k}" for n, (_, k) in enumerate(CASES)]
)
def test_what_was_cured_is_gone(
    home: Path, make: Callable[[], Dataset], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.models import faces

    monkeypatch.setattr(faces, "can_find_faces", lambda: False)  # it takes seconds, and is no cure
    dataset = make()
    later, report = cure(dataset, kind)
    assert report.find(kind) is None
    assert later.version == 2
    summary = versions.list_versions(later)[0].summary
    assert summary.endswith(".")
    assert "\n" not in summary
    assert get_dataset(dataset.id, 1).rows == dataset.rows


def test_a_test_part_that_is_too_small_grows(home: Path) -> None:
    dataset = broken.clean_reviews(400)
    finding = examine(dataset).find("test-part-small")
    assert finding is not None
    later = carry_out(dataset, finding)
    assert later.splits["test"] >= 95
    assert later.rows == dataset.rows


def test_masked_texts_keep_the_rest(home: Path) -> None:
    dataset = broken.broken_reviews(200)
    finding = examine(dataset).find("private-email")
    assert finding is not None
    later = carry_out(dataset, finding)
    index = int(finding.flagged[0])
    before, after = Store.open(dataset).text(index), Store.open(later).text(index)
    assert "@mail.net" in before
    assert after == before.replace(before.split("Write to ")[1].rstrip("."), "[e-mail]")


def test_boxes_are_cut_to_the_picture(home: Path) -> None:
    later, _ = cure(broken.broken_boxes(), "boxes-outside")
    corners, _labels = Store.open(later).boxes(2)
    assert corners.max() <= 72
    assert len(corners) == 3
    assert sum(class_counts(later)["car"].values()) > 100


def test_conflicting_copies_are_not_dropped_unseen(home: Path) -> None:
    """Dropping copies never decides which of two labels is right."""
    dataset = broken.broken_reviews(300)
    later, report = cure(dataset, "copies")
    before = examine(dataset).find("conflicting-labels")
    after = report.find("conflicting-labels")
    assert before is not None
    assert after is not None
    assert 0 < after.count <= before.count
    assert later.rows < dataset.rows


def test_near_copies_stay_together_when_all_is_divided_anew(home: Path) -> None:
    """The doctor knows copies that differ in a word or two; the division heeds them."""
    dataset = broken.broken_reviews(400)
    examine(dataset)
    later = change_shares(dataset, Shares(60, 20, 20), seed=5)
    assert examine(later).find("copies-across-parts") is None


def test_a_setting_is_no_change_of_the_data(home: Path) -> None:
    dataset = broken.uneven_texts()
    finding = examine(dataset).find("classes-uneven")
    assert finding is not None
    assert finding.cure is not None
    assert finding.cure.values == {"settings": {"class_balance": "weights"}}
    for nothing in (finding, Finding("x", "hint", "x.", 0, cure=None)):
        with pytest.raises(UsageError, match="nothing that can be done"):
            carry_out(dataset, nothing)


def test_cures_are_for_the_version_that_was_looked_at(home: Path) -> None:
    dataset = broken.broken_reviews(200)
    finding = examine(dataset).find("texts-empty")
    assert finding is not None
    edits.drop(dataset, [0])
    with pytest.raises(BusyError, match="changed by somebody else"):
        carry_out(dataset, finding)


def test_bundled_sets_are_copied_first(home: Path) -> None:
    topics = get_dataset("topics")
    finding = examine(topics).find("copies-across-parts")
    assert finding is not None
    with pytest.raises(UsageError, match="Make a copy"):
        carry_out(topics, finding)
    copy = copying.copy_dataset(topics, "my topics")
    later = carry_out(copy, finding)
    assert examine(later).find("copies-across-parts") is None


def test_moved_copies_are_in_the_part_of_the_others(home: Path) -> None:
    dataset = broken.broken_pictures(300)
    finding = examine(dataset).find("copies-across-parts")
    assert finding is not None
    assert finding.cure == Cure(
        "move", finding.cure.button, finding.cure.result, finding.cure.indices, finding.cure.splits
    )  # fmt: skip
    before = Store.open(dataset)
    assert set(before.splits[finding.cure.indices].tolist()) == {TEST}
    after = Store.open(carry_out(dataset, finding))
    assert set(after.splits[finding.cure.indices].tolist()) == {TRAIN}
