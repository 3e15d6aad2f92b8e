"""The commands check, export and delete-dataset: answers, JSON, exit statuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend import datasets
from backend.cli import main as cli
from backend.datasets import edits
from storage import runs
from storage.records import Dataset
from tests.backend.datasets.doctor import broken


@pytest.fixture
def reviews(home: Path) -> Dataset:
    return broken.broken_reviews(200)


def answer(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capfd.readouterr()
    status = cli.main(list(arguments))
    out, err = capfd.readouterr()
    return status, out, err


def read_json(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, err = answer(capfd, *arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_check_prints_findings(reviews: Dataset, capfd: pytest.CaptureFixture[str]) -> None:
    found = read_json(capfd, "check", reviews.name)
    assert found["version"] == 1
    assert found["not_looked_at"] == []
    kinds = {one["kind"]: one for one in found["findings"]}
    assert set(kinds["copies-across-parts"]) == {
        "kind", "severity", "sentence", "count", "examples", "cure",
    }  # fmt: skip
    assert kinds["copies-across-parts"]["severity"] == "problem"
    (example, *_) = kinds["private-iban"]["examples"]
    assert example["label"] == "complaint"
    assert "DE89 3704" in example["text"]
    assert kinds["left-out"]["examples"][0] == {
        "where": "line 2", "reason": "The label is empty.",
    }  # fmt: skip
    status, out, _ = answer(capfd, "check", reviews.name)
    assert status == 0
    assert "problem: " in out
    assert max(map(len, out.splitlines())) < 400


def test_check_looks_at_the_version_that_is_named(
    reviews: Dataset, capfd: pytest.CaptureFixture[str]
) -> None:
    edits.merge_classes(reviews, ["praise", "PRAISE", "Praise ", "prasie"], "praise")
    kinds = [{one["kind"] for one in read_json(capfd, "check", reviews.name, *version)["findings"]}
             for version in ((), ("--version", "1"))]  # fmt: skip
    assert "labels-alike" not in kinds[0]
    assert "labels-alike" in kinds[1]


def test_check_of_sound_data_says_so(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = answer(capfd, "check", "digits")
    assert (status, out) == (
        0, "digits, version 1: nothing found that would spoil a training.\n",
    )  # fmt: skip


def test_export_writes_a_file_once(
    reviews: Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = read_json(capfd, "export", reviews.name, str(tmp_path / "out.csv"))
    assert Path(found["path"]).stat().st_size == found["bytes"] > 1000
    status, _, err = answer(capfd, "export", reviews.name, str(tmp_path / "out.csv"))
    assert (status, "there already" in err) == (2, True)
    status, out, _ = answer(capfd, "export", reviews.name, str(tmp_path))
    assert (status, (tmp_path / "broken reviews.csv").exists()) == (0, True)
    assert "broken reviews.csv" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check"], "DATASET"),
        (["check", "nothing"], "Known"),
        (["check", "digits", "--version", "7"], "no version 7"),
        (["check", "digits", "--version", "0"], "whole number"),
        (["export", "digits"], "PATH"),
        (["export", "digits", "/tmp/x.csv"], "as .zip"),
        (["export", "digits", "/nowhere/at/all/x.zip"], "no folder"),
        (["export", "nothing", "x.zip"], "Known"),
        (["delete-dataset", "nothing"], "Known"),
        (["delete-dataset", "digits"], "came with Trainroom"),
        (["delete-dataset", "broken reviews"], "has not ended"),
    ],
)
def test_bad_usage_is_one_line_and_two(
    arguments: list[str], words: str, reviews: Dataset, capfd: pytest.CaptureFixture[str]
) -> None:
    runs.create_run(
        name="r", task="t", model="m", dataset_id=reviews.id, dataset_name=reviews.name, config={}
    )
    status, out, err = answer(capfd, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err


def test_delete_dataset(reviews: Dataset, capfd: pytest.CaptureFixture[str]) -> None:
    found = read_json(capfd, "delete-dataset", reviews.name)
    assert found == {"dataset": reviews.name, "id": reviews.id, "deleted": True}
    assert reviews.name not in [one.name for one in datasets.list_datasets()]
