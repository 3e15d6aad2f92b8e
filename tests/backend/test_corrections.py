"""From mistakes to a better run: corrections make versions, bundled data gets a copy."""

import json
from pathlib import Path

import pytest

from backend import corrections, runs
from backend.cli.main import main
from backend.datasets import get_dataset, list_datasets
from backend.errors import UsageError
from backend.pins import NewPin, add_pin, list_pins
from backend.scores.results import save_results
from backend.tasks import get_task
from storage.records import Run
from tests.backend.inference.test_predictor import train
from tests.backend.training.toy import Notes


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with its test's results; nobody is there to train what is queued."""
    monkeypatch.setattr(runs, "ensure_supervisor", lambda: None)
    notes: list[Notes] = []
    monkeypatch.setattr(
        "tests.backend.inference.test_predictor.Notes",
        lambda: notes.append(Notes()) or notes[-1],
    )
    found, _ = train("text-classification", "topics", "embedding-bag")
    results = notes[-1].results
    assert results is not None
    save_results(found.id, results)
    return found


def test_bundled_data_is_corrected_in_a_copy_and_trained_on(run: Run) -> None:
    assert corrections.has_mistakes(run)
    tested = corrections.tested(run)
    wrong = tested.answers.examples[tested.answers.wrong].tolist()
    with pytest.raises(UsageError, match="Nothing is corrected yet"):
        corrections.train_again(run)
    first, second = wrong[:2]
    label = tested.answers.classes[tested.answers.answer[tested.answers.wrong[0]]]
    made = corrections.relabel(run, {first: label})
    assert made.name == "topics (copy)"
    assert get_dataset("topics").version == 1
    again = corrections.leave_out(run, [second])
    assert again.id == made.id
    assert again.version == made.version + 1
    now = corrections.labels_now(run, [first, second])
    assert now == {first: label, second: corrections.LEFT_OUT}

    add_pin(run.id, get_task(run.task), NewPin("what is money", "what is money"))
    child = corrections.train_again(run)
    assert (child.dataset_id, child.dataset_version) == (again.id, again.version)
    assert child.parent_id == run.id
    assert child.config == run.config
    assert [pin.title for pin in list_pins(child.id)] == ["what is money"]
    assert len([one for one in list_datasets(run.task) if one.details.get("copy_of")]) == 1


def test_before_and_after_on_the_same_examples(run: Run) -> None:
    tested = corrections.tested(run)
    place = int(tested.answers.wrong[0])
    number = int(tested.answers.examples[place])
    label = tested.answers.classes[tested.answers.answer[place]]
    corrections.relabel(run, {number: label})
    child = corrections.train_again(run)
    assert corrections.before_and_after(child) is None  # no test of it yet
    from backend.scores.results import load_results

    results = load_results(run.id)
    assert results is not None
    assert results.outcomes is not None
    results.outcomes.truth[place] = results.outcomes.answer[place]  # type: ignore[index]
    save_results(child.id, results)
    found = corrections.before_and_after(child)
    assert found is not None
    parent, change = found
    assert parent.id == run.id
    right = len(tested.answers) - len(tested.answers.wrong)
    assert (change.before, change.after) == (right + 1, right + 1)  # the label alone was wrong


def test_the_command_line_lists_them(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    answers = corrections.tested(run).answers
    capfd.readouterr()
    assert main(["mistakes", str(run.id), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["wrong"] == len(found["mistakes"]) == len(answers.wrong)
    assert sum(map(sum, found["confusion"])) == found["examples"] == len(answers)
    shares = [one["share"] for one in found["mistakes"]]
    assert shares == sorted(shares, reverse=True)
    assert main(["mistakes", str(run.id)]) == 0
    assert "label likely wrong" in capfd.readouterr().out


def test_runs_without_a_test_say_so(home: Path) -> None:
    found, _ = train("text-classification", "topics", "embedding-bag")
    assert not corrections.has_mistakes(found)
    with pytest.raises(UsageError, match="no test yet"):
        corrections.tested(found)
