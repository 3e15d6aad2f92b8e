"""An examination runs by itself, tells how far it is, is kept, and one fault does not end it."""

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.datasets import catalog, doctor, edits, erasing
from backend.datasets.doctor import examination, registry, reports
from backend.datasets.doctor.examination import examine
from backend.datasets.doctor.finding import Finding
from backend.datasets.doctor.subject import Subject
from backend.errors import DataError
from backend.jobs import errands
from storage import files
from storage.records import Dataset
from tests.backend.datasets.doctor import broken


@pytest.fixture
def reviews(home: Path) -> Dataset:
    return broken.broken_reviews(200)


def wait_for_report(dataset: Dataset, seconds: float = 90) -> reports.Report:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        report = doctor.get_report(dataset)
        if report is not None:
            return report
        time.sleep(0.05)
    raise TimeoutError("no report")


def test_what_was_found_is_kept(reviews: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.get_report(reviews) is None
    first = examine(reviews)
    monkeypatch.setattr(examination, "Subject", None)  # nothing is looked at again
    again = examine(reviews)
    kept = doctor.get_report(reviews)
    assert kept is not None
    for other in (again, kept):
        assert other.examples == first.examples
        for one, two in zip(other.findings, first.findings, strict=True):
            assert (one.kind, one.sentence, one.count) == (two.kind, two.sentence, two.count)
            assert one.flagged.tolist() == two.flagged.tolist()
            assert (one.cure is None) == (two.cure is None)
            if one.cure is not None and two.cure is not None:
                assert one.cure.indices.tolist() == two.cure.indices.tolist()
                assert one.cure.values == two.cure.values


def test_another_version_another_report(reviews: Dataset) -> None:
    examine(reviews)
    later = edits.drop(reviews, [3])
    assert doctor.get_report(later) is None
    assert doctor.get_report(reviews) is not None


def test_a_report_of_older_checks_is_made_anew(
    reviews: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine(reviews)
    monkeypatch.setattr(reports, "VERSION", reports.VERSION + 1)
    assert doctor.get_report(reviews) is None


def test_nothing_of_what_was_erased_stays_in_reports(reviews: Dataset) -> None:
    report = examine(reviews)
    finding = report.find("private-iban")
    assert finding is not None
    erasing.erase(reviews, finding.flagged)
    folder = files.dataset_dir(reviews.id)
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"DE89 3704" not in kept
    assert doctor.get_report(reviews) is None


def test_a_damaged_report_is_made_anew(reviews: Dataset) -> None:
    examine(reviews)
    reports.report_path(reviews).write_bytes(b"no report")
    assert doctor.get_report(reviews) is None
    assert examine(reviews).findings


def test_it_tells_how_far_it_is(reviews: Dataset) -> None:
    told: list[tuple[str, float]] = []
    examine(reviews, lambda words, share: told.append((words, share)))
    assert len({words for words, _ in told}) > 5
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_a_check_that_fails_takes_nothing_from_the_others(
    reviews: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(subject: Subject) -> Iterable[Finding]:
        raise ZeroDivisionError

    bad = registry.Check("bad", "Doing the impossible", fail, (), (), 0)
    monkeypatch.setattr(examination, "list_checks", lambda: [bad, *registry.list_checks()])
    report = examine(reviews)
    assert report.skipped == ["Doing the impossible"]
    assert report.find("labels-alike") is not None


def test_a_data_set_that_is_deleted_meanwhile(
    reviews: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(subject: Subject) -> Iterable[Finding]:
        catalog.delete_dataset(subject.dataset.id)
        return []

    check = registry.Check("gone", "Deleting it", delete, (), (), 0)
    monkeypatch.setattr(examination, "list_checks", lambda: [check])
    with pytest.raises(DataError, match="deleted while"):
        examine(reviews)
    assert not files.dataset_dir(reviews.id).exists()


def test_it_runs_in_a_process_of_its_own(reviews: Dataset) -> None:
    errand = doctor.start_examination(reviews)
    assert errand.is_running
    assert doctor.start_examination(reviews).id == errand.id  # a second page: the same one
    report = wait_for_report(reviews)
    assert report.find("labels-alike") is not None
    assert report.seconds > 0
    assert errands.wait_for_errand(errand.id, 30).state == "done"
    assert doctor.find_examination(reviews) is None
    assert errands.list_errands() == []


def test_what_cannot_be_read_gets_a_sentence_and_can_be_tried_again(reviews: Dataset) -> None:
    path = files.dataset_dir(reviews.id) / "items.bin"
    data = path.read_bytes()
    path.write_bytes(b"")
    errand = doctor.start_examination(reviews)
    ended = errands.wait_for_errand(errand.id, 60)
    assert ended.state == "failed"
    assert "missing or damaged" in ended.error
    found = doctor.find_examination(reviews)
    assert found is not None
    assert found.state == "failed"
    path.write_bytes(data)
    doctor.start_examination(reviews)
    assert wait_for_report(reviews).findings
