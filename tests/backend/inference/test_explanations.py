"""Why a run's model answered so: by the inference process, with the training examples alike."""

import json
from pathlib import Path

import pytest

from backend import datasets, inference
from backend.cli.main import main
from backend.datasets.preview import read_example
from backend.datasets.store import Store
from backend.errors import InferenceError, UsageError
from backend.inference.wording import change_words, check_words
from tests.backend.inference.test_predictor import train


def test_the_process_explains_and_finds_alike_training_examples(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, _ = train("text-classification", "topics", "embedding-bag", epochs=3)
    dataset = datasets.get_dataset("topics")
    store = Store.open(dataset)
    seen = int(store.indices("train")[0])
    text = store.text(seen)
    try:
        found = inference.explain_answer(run.id, text)
        again = inference.explain_answer(run.id, text)
    finally:
        inference.release()
    kinds = [part["kind"] for part in found.parts]
    assert kinds[-1] == "nearest"
    assert {"words", "changes"} <= set(kinds)
    (first,), (second,) = (
        [part for part in one.parts if part["kind"] == "nearest"] for one in (found, again)
    )
    assert len(first["examples"]) == 6
    assert second["searched"] >= first["searched"] > 0
    same = [one for one in second["examples"] if one["example"] == seen]
    if second["searched"] == second["of"]:  # the text itself is among them
        assert same
        assert same[0]["similarity"] == pytest.approx(1, abs=1e-3)
    scores = [one["similarity"] for one in second["examples"]]
    assert scores == sorted(scores, reverse=True)
    for one in second["examples"]:
        assert one["label"] == read_example(dataset, store, one["example"]).label

    # The command line says the same.
    assert main(["explain", str(run.id), "--text", text, "--json"]) == 0
    parts = json.loads(capfd.readouterr().out)
    assert [part["kind"] for part in parts] == kinds
    assert main(["explain", str(run.id), "--text", text]) == 0
    assert "nearest" in capfd.readouterr().out


def test_what_cannot_be_explained_is_said(home: Path) -> None:
    run, _ = train("text-classification", "topics", "embedding-bag")
    with pytest.raises(UsageError, match="it takes texts"):
        inference.explain_here(run.id, b"no text")
    try:
        with pytest.raises(InferenceError, match="no run 99"):
            inference.explain_answer(99, "hello")
    finally:
        inference.release()


def test_checks_and_changes_in_words() -> None:
    check = {"before": 0.943, "marked": 0.2, "random": 0.92}
    assert check_words({"kind": "heat", "about": "cat", "check": check}) == (
        "Covering the marked tenth lowers “cat” from 94 % to 20 %; a tenth taken anywhere leaves "
        "92 %."
    )
    words = {
        "kind": "changes", "of": "text", "found": True, "before": "bad", "after": "good",
        "probability": 0.7, "text": "not bad", "removed": [{"start": 4, "end": 7}],
    }  # fmt: skip
    assert change_words(words) == "Without “bad” it would answer “good” (70 %)."
    assert "stays “bad”" in change_words({**words, "found": False})
