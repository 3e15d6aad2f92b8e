"""Labels that a model learned from: wrong ones are found, bit by bit, through every door."""

import json
from pathlib import Path

import numpy as np
import pytest

from backend import corrections, inference
from backend.cli.main import main
from backend.datasets import edits, get_dataset
from backend.datasets.copying import copy_dataset
from backend.datasets.edits import Change as Edit
from backend.datasets.store import Store
from backend.errors import InferenceError, UsageError
from backend.inference import judging
from backend.scores.results import load_results, save_results
from backend.scores.votes import outvoted
from storage.records import Run
from tests.backend.inference import test_predictor
from tests.backend.inference.test_predictor import train
from tests.backend.training.toy import Notes


def with_results(monkeypatch: pytest.MonkeyPatch, *which: str, **changes: object) -> Run:
    """A trained run with its test's results."""
    notes: list[Notes] = []
    monkeypatch.setattr(test_predictor, "Notes", lambda: notes.append(Notes()) or notes[-1])
    run, _ = train(*which, **changes)
    results = notes[-1].results
    assert results is not None
    save_results(run.id, results)
    return run


def spoilt_digits(share: float) -> tuple[str, dict[int, str]]:
    """A copy of the digits in which some training labels are wrong; its name and these labels."""
    copy = copy_dataset(get_dataset("digits"), "spoilt")
    store, drawn = Store.open(copy), np.random.default_rng(0)
    train = store.indices("train")
    numbers = drawn.choice(train, round(share * len(train)), replace=False)
    classes = copy.classes
    wrong = {
        int(one): classes[(store.labels[one] + drawn.integers(1, len(classes))) % len(classes)]
        for one in numbers
    }
    edits.change(copy, {number: Edit(label=label) for number, label in wrong.items()})
    return copy.name, wrong


def test_wrong_training_labels_are_found(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    name, wrong = spoilt_digits(0.05)
    run = with_results(monkeypatch, "image-classification", name, "mlp", epochs=15)
    assert corrections.training_labels(run) is None
    try:
        steps = list(inference.judge_labels(run.id))
    finally:
        inference.release()
    splits = get_dataset(name).splits
    assert steps[-1] == (splits["train"] + splits["validation"],) * 2
    judged = corrections.training_labels(run)
    assert judged is not None
    answers = judged.answers
    found = answers.examples[outvoted(answers)].tolist()
    right = set(found) & set(wrong)
    assert len(right) >= 0.9 * len(wrong)
    assert len(right) >= 0.75 * len(found)
    # None of the test part, which the other lists are about.
    test = set(Store.open(get_dataset(name)).indices("test").tolist())
    assert not test & set(answers.examples.tolist())

    capfd.readouterr()
    assert main(["mistakes", str(run.id), "--training", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)["likely_wrong_labels"]
    assert [one["example"] for one in listed] == found
    assert listed[0]["label"] == wrong[found[0]]
    assert main(["mistakes", str(run.id), "--training"]) == 0
    assert "those alike say" in capfd.readouterr().out


def test_it_goes_on_where_it_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = with_results(monkeypatch, "text-classification", "topics", "embedding-bag")
    monkeypatch.setattr(judging, "JUDGE_SECONDS", 0.0)
    monkeypatch.setattr(judging, "MOST_JUDGED", 40)
    seen = [judging.judge(run.id) for _ in range(3)]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen}), "each a bit further"
    assert seen[0][0] < 40
    assert corrections.training_labels(run) is None
    inference.judge_labels_here(run.id)
    found = corrections.training_labels(run)
    assert found is not None
    assert len(found.answers) == 40
    store = Store.open(get_dataset("topics"))
    assert set(found.answers.examples.tolist()) <= set(store.indices("train").tolist())


def test_a_model_that_went_on_is_asked_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = with_results(monkeypatch, "text-classification", "topics", "embedding-bag")
    monkeypatch.setattr(judging, "MOST_JUDGED", 20)
    inference.judge_labels_here(run.id)
    assert corrections.training_labels(run) is not None
    later = load_results(run.id)
    assert later is not None
    save_results(run.id, type(later)(later.step + 1, later.outcomes, None, later.classes))
    assert corrections.training_labels(run) is None
    # Whichever copy answers now: what is found is what was asked for.
    inference.judge_labels_here(run.id)
    assert corrections.training_labels(run) is not None


def test_what_has_no_classes_says_so(home: Path) -> None:
    run, _ = train("word-embeddings", "small-talk", "cbow")
    with pytest.raises(UsageError, match="sorted into classes"):
        judging.judge(run.id)
    try:
        with pytest.raises(InferenceError, match="no run 99"):
            list(inference.judge_labels(99))
    finally:
        inference.release()
