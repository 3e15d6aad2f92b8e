"""The lesson's numbers are those of the network: forwards, loss, gradient, correction."""

import dataclasses
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from backend import datasets, inference, lessons
from backend.datasets.preview import list_examples
from backend.errors import InferenceError, UsageError
from backend.lesson_drawing import layers_svg
from backend.lessons import Lesson
from backend.runs import Run, default_config, get_run
from backend.tasks import get_task
from backend.training.config import config_from
from backend.training.loop import fit
from storage import database, files, runs
from storage.records import RunStatus
from tests.test_docs import Losses

TASK = "image-classification"


def trained(model: str = "mlp", **settings: Any) -> Run:
    """A finished run with a checkpoint, made in this process."""
    task = get_task(TASK)
    values = {**dataclasses.asdict(default_config(TASK, model)), "epochs": 2, **settings}
    run = runs.create_run(
        name="small", task=TASK, model=model, dataset_id="digits", dataset_name="digits",
        config=values,
    )  # fmt: skip
    claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="test")
    assert claimed is not None
    outcome = fit(
        task, task.get_model(model), datasets.get_dataset("digits"),
        config_from(task.config, values), device="cpu",
        folder=files.checkpoints_dir(run.id), monitor=Losses(),
    )  # fmt: skip
    assert outcome.metrics["test/accuracy"] > 0.5
    with database.write() as session:
        runs.record_progress(
            session, run.id, claimed[1], step=46, total_steps=46, epoch=2.0, metrics={},
            best_step=46,
        )  # fmt: skip
    runs.move_run(run.id, RunStatus.FINISHED, when=list(RunStatus), message="Done.")
    return get_run(run.id)


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A trained network; the lesson is computed in this process, the door has its own test."""
    from backend.inference.teaching import teach

    monkeypatch.setattr(inference, "teach", teach)
    return trained()


def wrong_about(run: Run) -> Lesson:
    """A lesson on a picture that the network is told is something else."""
    [example] = list_examples(datasets.get_dataset("digits"), "test", limit=1)
    assert example.png is not None
    truth = "3" if example.label != "3" else "8"
    return lessons.teach(run.id, example.png, truth, 0.001)


def test_the_numbers_are_those_of_the_network(run: Run) -> None:
    lesson = wrong_about(run)
    truth, hidden = lesson.truth, np.array(lesson.hidden)
    assert lesson.pixels == [1, 8, 8]
    assert lesson.weights == 64 * 128 + 128 + 128 * 10 + 10
    assert hidden @ np.array(lesson.outgoing) + lesson.bias == pytest.approx(lesson.scores[truth])
    shares = np.exp(lesson.scores) / np.exp(lesson.scores).sum()
    assert lesson.shares[0] == pytest.approx(shares.tolist())
    assert lesson.losses[0] == pytest.approx(-math.log(shares[truth]))
    by_hand = (shares[truth] - 1) * hidden[lesson.unit]
    assert lesson.gradient == pytest.approx(by_hand)
    slope = (lesson.nudged_loss - lesson.losses[0]) / lesson.nudge
    assert slope == pytest.approx(lesson.gradient, rel=0.02)
    assert lesson.weight_after == lesson.weight - 0.001 * lesson.gradient


def test_corrections_help_and_leave_the_trained_network_alone(run: Run) -> None:
    lesson = wrong_about(run)
    assert lesson.losses == sorted(lesson.losses, reverse=True)
    assert lesson.shares[-1][lesson.truth] > lesson.shares[0][lesson.truth]
    assert wrong_about(run) == lesson


def test_too_large_a_rate_makes_it_worse(run: Run) -> None:
    [example] = list_examples(datasets.get_dataset("digits"), "test", limit=1)
    assert example.png is not None
    lesson = lessons.teach(run.id, example.png, "3" if example.label != "3" else "8", 5.0)
    assert all(math.isfinite(loss) for loss in lesson.losses)


def test_only_small_networks_and_known_classes_are_taught(run: Run) -> None:
    [example] = list_examples(datasets.get_dataset("digits"), "test", limit=1)
    assert example.png is not None
    with pytest.raises(UsageError, match="no class"):
        lessons.teach(run.id, example.png, "cat", 0.001)
    other = trained("cnn")
    assert lessons.teachable_runs() == [run]
    with pytest.raises(UsageError, match="two layers"):
        lessons.teach(other.id, example.png, "3", 0.001)


def test_any_examples_are_offered_where_the_test_kept_none(run: Run) -> None:
    assert len(lessons.hard_examples(run)) == lessons.SHOWN
    assert lessons.classes_of(run) == [str(digit) for digit in range(10)]
    choices = lessons.first_choices()
    assert choices is not None
    assert choices[0].name == TASK


def test_the_inference_process_teaches_the_same(home: Path) -> None:
    run = trained()
    [example] = list_examples(datasets.get_dataset("digits"), "test", limit=1)
    assert example.png is not None
    try:
        lesson = lessons.teach(run.id, example.png, example.label, 0.001)
        assert lesson.classes[lesson.truth] == example.label
        with pytest.raises(InferenceError, match="no class"):
            lessons.teach(run.id, example.png, "cat", 0.001)
    finally:
        inference.release()


def test_the_picture_shows_the_followed_weight_and_the_right_class(run: Run) -> None:
    lesson = dataclasses.replace(
        wrong_about(run), classes=["<a>", *map(str, range(1, 10))], truth=0
    )
    root = ElementTree.fromstring(layers_svg(lesson))
    words = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(word.startswith("<a>: ") for word in words)
    assert "64 numbers" in words
