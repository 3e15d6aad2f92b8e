"""Comparisons of stored runs: what differs, the best, what may be compared, the history."""

import json
from pathlib import Path

import pytest

from backend import runs
from backend.cli import main as cli
from backend.comparing import compare
from backend.datasets import delete_dataset, edits, get_dataset, rename_dataset
from backend.datasets.copying import copy_dataset, same_origin
from backend.errors import NotFoundError, UsageError
from tests.backend.comparing.tested import seed_tested
from tests.backend.datasets.test_versions import texts

GOOD = [1.0] * 40 + [0.0] * 10
BAD = [1.0] * 20 + [0.0] * 30


def test_only_what_differs_is_listed_in_the_words_of_the_form(home: Path) -> None:
    one = seed_tested("one", GOOD, config={"learning_rate": 0.05, "seed": 1})
    other = seed_tested("other", BAD, config={"learning_rate": 0.5, "seed": 1})
    found = compare([one.id, other.id])
    assert [(row.name, row.label, row.values) for row in found.rows] == [
        ("learning_rate", "Learning rate", (0.05, 0.5))
    ]
    assert found.links[0].sentence == "“one” and “other” differ in one thing only: learning rate."


def test_the_best_is_marked_and_the_difference_told(home: Path) -> None:
    one, other = seed_tested("one", BAD), seed_tested("other", GOOD)
    found = compare([one.id, other.id])
    assert found.standings[0].best == (other.id,)
    [(difference, sentence)] = found.differences
    assert (difference.first, difference.only_first, difference.only_second) == (other.id, 20, 0)
    assert sentence.startswith("“other” is right on 20 examples that “one” gets wrong")
    assert not found.doubts


def test_runs_of_the_same_name_are_told_apart(home: Path) -> None:
    found = compare([seed_tested("same", GOOD).id, seed_tested("same", BAD).id])
    assert found.names == {1: "same (#1)", 2: "same (#2)"}


def test_other_versions_are_compared_by_what_they_share(home: Path) -> None:
    one = seed_tested("one", BAD)
    later = seed_tested("later", GOOD[3:], version=2, examples=range(3, 50))
    found = compare([one.id, later.id])
    [(told, sentence)] = found.differences
    assert told.examples == 47
    assert sentence.startswith("“later” is right on 20 examples that “one” gets wrong")
    assert "by the 47 test examples that carry the same label in both" in found.doubts[0]
    assert found.standings[0].best == ()
    assert "different versions" in found.note
    relabelled = seed_tested("relabelled", GOOD, version=2, classes=("b", "a", "<c>"))
    assert "by the 16 test examples" in compare([one.id, relabelled.id]).doubts[0]


def test_the_classes_of_versions_may_have_other_numbers(home: Path) -> None:
    one = seed_tested("one", [1.0] * 30, classes=("a", "b", "c"))
    later = seed_tested("later", [1.0] * 30, version=2, classes=("a", "c", "b"))
    found = compare([one.id, later.id])
    assert "by the 10 test examples" in found.doubts[0]
    assert all(told.examples == 10 and told.is_same for told, _ in found.differences)


def test_other_examples_are_not_compared(home: Path) -> None:
    one = seed_tested("one", GOOD)
    moved = seed_tested("moved", GOOD, examples=range(1, 51))
    assert "not tested on the very same examples" in compare([one.id, moved.id]).doubts[0]
    far = seed_tested("far", GOOD, version=2, examples=range(45, 95))
    found = compare([one.id, far.id])
    assert not found.differences
    assert "different versions of the data, so chance" in found.doubts[0]
    other = seed_tested("other", GOOD, dataset="mnist")
    assert "tested on different data" in compare([one.id, other.id]).doubts[0]


def test_a_corrected_copy_is_compared_with_its_original(home: Path) -> None:
    copy = copy_dataset(get_dataset("digits"), "digits (copy)")
    one = seed_tested("one", BAD)
    child = seed_tested("child", GOOD, dataset=copy.id, version=2, parent=one.id)
    found = compare([one.id, child.id])
    [(told, _)] = found.differences
    assert (told.first, told.only_first) == (child.id, 20)
    assert "different versions" in found.note
    assert compare([child.id, one.id]).differences[0][0].first == child.id


def test_a_copy_is_known_by_what_it_was_made_of_and_not_by_a_name(home: Path) -> None:
    own = rename_dataset(texts().id, "mine")
    copy = copy_dataset(own, "mine (copy)")
    assert same_origin(copy.id, own.id)
    other = texts(name="other")
    assert not same_origin(copy.id, other.id)
    rename_dataset(own.id, "once mine")
    assert same_origin(own.id, copy.id)
    delete_dataset(own.id)
    rename_dataset(other.id, "mine")
    assert not same_origin(copy.id, other.id)


def test_what_was_done_to_a_corrected_copy_is_told(home: Path) -> None:
    copy = copy_dataset(get_dataset("digits"), "digits (copy)")
    changed = edits.drop(copy, [0], "a test")
    one = seed_tested("one", BAD)
    child = seed_tested("child", GOOD, dataset=copy.id, version=changed.version)
    told = [link.sentence for link in compare([one.id, child.id]).links if link.kind == "data"]
    assert len(told) == 1
    assert "left out" in told[0].lower()


def test_of_copies_that_went_apart_no_history_is_told(home: Path) -> None:
    own = texts()
    copy = edits.drop(copy_dataset(own, "a copy"), [0], "a test")
    runs_of = [
        seed_tested(name, GOOD, task="text-classification", dataset=dataset.id, version=version)
        for name, dataset, version in (("one", own, 1), ("copy", copy, copy.version))
    ]
    links = compare([run.id for run in runs_of]).links
    assert not [link for link in links if link.kind == "data"]


def test_other_tasks_have_no_common_best(home: Path) -> None:
    one = seed_tested("one", GOOD)
    text = seed_tested("text", GOOD, task="text-classification", dataset="topics")
    found = compare([one.id, text.id])
    assert "learn different things" in found.note
    assert not found.differences
    assert {row.name for row in found.rows} >= {"task", "dataset"}


def test_three_runs_are_held_against_the_best_with_one_correction(home: Path) -> None:
    ids = [seed_tested(name, right).id for name, right in (("a", GOOD), ("b", BAD), ("c", BAD))]
    found = compare(ids)
    assert [(one.first, one.second) for one, _ in found.differences] == [(1, 2), (1, 3)]
    two = compare(ids[:2]).differences[0][0]
    assert found.differences[0][0].chance == pytest.approx(2 * two.chance)


def test_a_copy_and_a_corrected_run_are_known(home: Path) -> None:
    one = seed_tested("one", GOOD)
    other = seed_tested("other", BAD, parent=one.id)
    later = seed_tested("later", BAD, parent=one.id, version=2)

    def said(*numbers: int) -> list[str]:
        return [link.sentence for link in compare(numbers).links]

    assert "“other” was made from “one”." in said(one.id, other.id)
    assert "“later” was made from “one” (#1), on other data than that." in said(other.id, later.id)
    runs.delete_run(one.id)
    assert "“other” was made from run #1, which was deleted." in said(other.id, later.id)


def test_one_run_or_an_unknown_one_is_refused(home: Path) -> None:
    one = seed_tested("one", GOOD)
    with pytest.raises(UsageError, match="at least two"):
        compare([one.id, one.id])
    with pytest.raises(NotFoundError):
        compare([one.id, 99])


def test_the_command_says_the_same(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one, other = seed_tested("one", GOOD), seed_tested("other", BAD, config={"epochs": 3})
    assert cli.main(["compare", str(one.id), str(other.id), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["differs"] == [{"name": "epochs", "label": "Epochs", "values": [2, 3]}]
    assert found["differences"][0]["only_right"] == [20, 0]
    assert found["scores"][0]["best"] == [one.id]
    assert cli.main(["compare", str(one.id), str(other.id)]) == 0
    assert "“one” is right on 20 examples" in capfd.readouterr().out
    assert cli.main(["compare", str(one.id)]) == 2
