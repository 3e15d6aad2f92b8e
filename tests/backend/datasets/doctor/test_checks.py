"""The doctor finds what is wrong with broken data, each kind of it, and nothing in sound data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backend import datasets
from backend.datasets.doctor.examination import examine
from backend.datasets.doctor.registry import list_checks
from backend.datasets.doctor.reports import Report
from backend.datasets.splits import TEST, TRAIN
from backend.datasets.store import Store
from backend.models.faces import can_find_faces
from storage.records import Dataset
from tests.backend.datasets.doctor import broken

Severities = dict[str, str]


def severities(report: Report) -> Severities:
    return {one.kind: one.severity for one in report.findings}


def look(dataset: Dataset) -> Report:
    report = examine(dataset)
    assert not report.skipped, "a check failed"
    for finding, examples in zip(report.findings, report.examples, strict=True):
        assert finding.sentence.endswith(".")
        assert "\n" not in finding.sentence
        assert finding.count >= 0
        assert examples or not finding.count or finding.kind == "too-few"
        present = Store.open(dataset).present()
        assert np.isin(finding.flagged, present).all(), finding.kind
    return report


def test_every_check_is_found_by_itself() -> None:
    names = [check.name for check in list_checks()]
    assert len(names) == len(set(names)) >= 15
    folder = Path(__file__).resolve().parents[4] / "backend" / "datasets" / "doctor" / "checks"
    assert len(names) == len(list(folder.glob("[!_]*.py")))


@pytest.mark.parametrize(
    "make", [lambda: broken.clean_reviews(1000), lambda: broken.clean_pictures(300)]
)
def test_nothing_is_wrong_with_sound_data(home: Path, make: Callable[[], Dataset]) -> None:
    assert severities(look(make())) in ({}, {"test-part-small": "warning"})


@pytest.mark.parametrize("name", ["digits", "mnist", "shapes"])
def test_the_bundled_pictures_are_clean(home: Path, name: str) -> None:
    assert severities(look(datasets.get_dataset(name))) == {}


@pytest.mark.parametrize("name", ["topics", "languages"])
def test_the_bundled_texts_have_no_problem(home: Path, name: str) -> None:
    """Some sentences of the corpus stand there twice with another full stop: that is true."""
    found = severities(look(datasets.get_dataset(name)))
    known = {"copies-across-parts", "conflicting-labels", "classes-uneven", "copies"}
    assert set(found) <= known
    assert "problem" not in found.values()


def test_broken_texts(home: Path) -> None:
    dataset = broken.broken_reviews()
    report = look(dataset)
    found = severities(report)
    assert {
        "copies-across-parts": "problem",
        "conflicting-labels": "problem",
        "labels-alike": "problem",
        "left-out": "warning",
        "labels-misspelt": "warning",
        "copies": "warning",
        "private-email": "warning",
        "private-phone": "warning",
        "private-iban": "warning",
        "private-card": "warning",
        "texts-foreign": "hint",
        "texts-empty": "hint",
        "texts-short": "hint",
        "texts-long": "hint",
    }.items() <= found.items()
    counts = {one.kind: one.count for one in report.findings}
    assert counts["copies-across-parts"] >= 50
    assert counts["private-email"] == counts["private-phone"] == 10
    assert counts["private-iban"] == counts["private-card"] == 1
    assert counts["texts-empty"] == 3
    assert counts["texts-short"] == 2
    assert counts["texts-foreign"] == 8
    assert counts["left-out"] == 70
    assert 12 <= counts["texts-long"] <= 14
    merged = report.find("labels-alike")
    assert merged is not None
    assert merged.cure is not None
    assert sorted(merged.cure.values["groups"]["praise"]) == ["PRAISE", "Praise ", "praise"]
    slip = report.find("labels-misspelt")
    assert slip is not None
    assert slip.cure is not None
    assert slip.cure.values["groups"] == {"praise": ["praise", "prasie"]}


@pytest.mark.parametrize(
    ("make", "kind", "severity"),
    [
        (lambda: broken.leaking_texts("label"), "leak-label", "problem"),
        (lambda: broken.leaking_texts("word"), "leak-word", "warning"),
        (lambda: broken.leaking_pictures("size"), "leak-size", "warning"),
        (lambda: broken.leaking_pictures("border"), "leak-border", "warning"),
        (broken.lying_pictures, "pictures-sideways", "hint"),
        (broken.uneven_texts, "classes-uneven", "warning"),
        (broken.uneven_texts, "classes-small", "problem"),
        (lambda: broken.clean_reviews(20), "too-few", "problem"),
        (lambda: broken.clean_reviews(24), "test-part-small", "problem"),
        (lambda: broken.clean_reviews(90), "too-few", "warning"),
    ],
)
def test_one_fault_is_one_finding(
    home: Path, make: Callable[[], Dataset], kind: str, severity: str
) -> None:
    assert severities(look(make()))[kind] == severity


def test_broken_pictures(home: Path) -> None:
    dataset = broken.broken_pictures()
    report = look(dataset)
    found = severities(report)
    assert {
        "copies-across-parts": "problem",
        "conflicting-labels": "problem",
        "copies": "warning",
        "left-out": "warning",
        "pictures-blank": "warning",
        "pictures-tiny": "hint",
        "pictures-odd-shape": "hint",
    }.items() <= found.items()
    counts = {one.kind: one.count for one in report.findings}
    assert counts["copies-across-parts"] == 12
    assert counts["conflicting-labels"] == 10
    assert counts["pictures-blank"] == 6
    assert counts["pictures-tiny"] == counts["pictures-odd-shape"] == 3
    across = report.find("copies-across-parts")
    assert across is not None
    splits = Store.open(dataset).splits[across.flagged]
    assert (splits == TEST).sum() == 12
    assert (splits == TRAIN).sum() >= 12


@pytest.mark.skipif(not can_find_faces(), reason="facenet-pytorch is not installed")
def test_faces_are_found_and_nothing_else_is_taken_for_one(home: Path) -> None:
    dataset = broken.broken_pictures(60)
    finding = look(dataset).find("private-faces")
    assert finding is not None
    assert finding.count == 2
    assert {Store.open(dataset).image(int(i)).shape[0] for i in finding.flagged} == {200}


def test_broken_boxes(home: Path) -> None:
    report = look(broken.broken_boxes())
    counts = {one.kind: one.count for one in report.findings}
    assert counts["boxes-outside"] == 6
    assert counts["boxes-flat"] == 4
    assert counts["boxes-twice"] == 5
    assert counts["boxes-bare"] == 4
    assert counts["classes-small"] == 1
    small = report.find("classes-small")
    assert small is not None
    assert "lamp (" in small.sentence


def test_broken_pairs(home: Path) -> None:
    counts = {one.kind: one.count for one in look(broken.broken_pairs()).findings}
    assert counts["pairs-same"] == 9
    assert counts["pairs-several-targets"] == 9
    assert counts["pairs-unequal"] == 8
    assert counts["private-email"] == 4


def test_broken_ratings(home: Path) -> None:
    counts = {one.kind: one.count for one in look(broken.broken_ratings()).findings}
    assert counts["ratings-twice"] == 10
    assert counts["ratings-rare-people"] == 60
    assert "ratings-rare-things" not in counts


def test_broken_sounds(home: Path) -> None:
    counts = {one.kind: one.count for one in look(broken.broken_sounds()).findings}
    assert counts["sounds-silent"] == 4
    assert counts["sounds-short"] == 4
    assert counts["sounds-clipped"] == 4
    assert counts["sounds-long"] == 1
    assert counts["copies-across-parts"] == 5
