"""The user's own examples are answered at every evaluation, and change nothing of the training."""

from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import DataError
from backend.training import pinned
from backend.training.config import TrainingConfig
from backend.training.loop import fit
from tests.backend.training.toy import DATASET, SPEC, Notes, ToyTask

CONFIG = TrainingConfig(epochs=3, batch_size=16, learning_rate=0.02, device="cpu")


class AnsweringTask(ToyTask):
    """Answers with its present weights, and draws random numbers while it does."""

    def predict(
        self, model: Any, processor: Any, inputs: Any, device: Any, options: Any
    ) -> list[dict[str, Any]]:
        torch.rand(5)
        if inputs[0] == "bad":
            raise DataError("This one cannot be read.")
        shares = model(torch.tensor([inputs[0]])).softmax(1)[0].tolist()
        return [{"label": "a", "probabilities": {"a": shares[0], "b": shares[1]}, "seen": "x" * 9}]


def train(folder: Path, pins: list[tuple[int, Any]], notes: Notes | None = None) -> Notes:
    notes = notes or Notes()
    notes.pins = pins
    fit(AnsweringTask(), SPEC, DATASET, CONFIG, device="cpu", folder=folder, monitor=notes)
    return notes


def shares(notes: Notes, pin: int) -> list[float]:
    return [
        one["answer"]["probabilities"]["a"]
        for _, content in notes.snapshots
        for one in content["answers"]
        if one["pin"] == pin
    ]


def test_each_evaluation_answers_and_the_opinion_changes(tmp_path: Path) -> None:
    a, b = [-0.5] * 4, [2.5] * 4
    notes = train(tmp_path / "with", [(3, a), (5, b)])
    assert [content["kind"] for _, content in notes.snapshots] == ["pinned"] * 3
    assert [step for step, _ in notes.snapshots] == [13, 26, 39]
    assert shares(notes, 3)[-1] > 0.8
    assert shares(notes, 5)[-1] < 0.2
    assert shares(notes, 5)[0] != shares(notes, 5)[-1]
    assert all("seen" not in one["answer"] for one in notes.snapshots[0][1]["answers"])


def test_the_training_is_the_same_to_the_bit(tmp_path: Path) -> None:
    without = train(tmp_path / "without", [])
    assert without.snapshots == []
    found = train(tmp_path / "with", [(1, [0.0] * 4)])
    for name in ("train/loss", "val/loss", "test/loss"):
        assert found.series(name) == without.series(name)


def test_one_that_is_pinned_meanwhile_is_answered_from_then_on(tmp_path: Path) -> None:
    class Growing(Notes):
        def pinned(self) -> list[tuple[int, Any]]:
            self.pins = [*self.pins, (len(self.pins) + 1, [1.0] * 4)]
            return self.pins

    notes = train(tmp_path, [], Growing())
    assert [len(content["answers"]) for _, content in notes.snapshots] == [1, 2, 3]


def test_an_example_that_cannot_be_answered_gets_its_sentence(tmp_path: Path) -> None:
    notes = train(tmp_path, [(1, "bad"), (2, [1.0] * 4)])
    first, second = notes.snapshots[0][1]["answers"]
    assert first["answer"] == {"error": "This one cannot be read."}
    assert "label" in second["answer"]


def test_slow_answers_are_cut_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pinned, "PATIENCE", -1.0)
    assert train(tmp_path, [(1, [0.0] * 4)]).snapshots == []


def test_what_is_kept_of_an_answer_is_small() -> None:
    many = {str(number): 1 / 100 for number in range(100)}
    kept = pinned.lasting({
        "label": "0", "probabilities": many, "text": "x" * 9000, "boxes": [{}] * 200,
        "seen": "picture", "attention": {},
    })  # fmt: skip
    assert len(kept["probabilities"]) == pinned.MOST_CLASSES
    assert len(kept["text"]) == pinned.LONGEST_TEXT
    assert len(kept["boxes"]) == pinned.MOST_ROWS
    assert set(kept) == {"label", "probabilities", "text", "boxes"}
