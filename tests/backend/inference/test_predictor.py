"""The playground's path gives exactly what the run measured, and picks the right checkpoint."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from backend import datasets, inference, runs
from backend.errors import CheckpointError, NotFoundError, UsageError
from backend.inference.predictor import load_predictor
from backend.tasks import get_task
from backend.training.checkpoints import save_checkpoint
from backend.training.config import config_from
from backend.training.loop import fit
from storage import files
from storage import runs as stored
from storage.records import Run
from tests.backend.training.toy import Notes

CASES = [("image-classification", "digits", "mlp"), ("text-classification", "topics", "gru")]


def train(task: str, data: str, model: str, **changes: object) -> tuple[Run, dict[str, float]]:
    """A run trained in this process; its row and its metrics."""
    found, dataset = get_task(task), datasets.get_dataset(data)
    defaults = dataclasses.asdict(runs.default_config(task, model))
    config = config_from(found.config, {**defaults, "epochs": 1, "device": "cpu", **changes})
    run = stored.create_run(
        name=model,
        task=task,
        model=model,
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        dataset_version=dataset.version,
        config=dataclasses.asdict(config),
    )
    outcome = fit(
        found,
        found.get_model(model),
        dataset,
        config,
        device="cpu",
        folder=files.checkpoints_dir(run.id),
        monitor=Notes(),
    )
    return run, outcome.metrics


def test_examples(dataset: str) -> tuple[list[str | bytes], list[str]]:
    found = datasets.list_examples(datasets.get_dataset(dataset), "test", limit=100_000)
    inputs: list[str | bytes] = [
        example.text if example.text is not None else example.png or b"" for example in found
    ]
    return inputs, [example.label for example in found]


test_examples.__test__ = False  # type: ignore[attr-defined] - a helper, not a test


@pytest.mark.parametrize(("task", "data", "model"), CASES)
def test_playground_scores_exactly_what_the_run_scored(
    home: Path, task: str, data: str, model: str
) -> None:
    run, metrics = train(task, data, model)
    inputs, labels = test_examples(data)
    answer = inference.predict_here(run.id, inputs[:1000])
    for start in range(1000, len(inputs), 1000):
        more = inference.predict_here(run.id, inputs[start : start + 1000])
        answer.predictions.extend(more.predictions)
    right = sum(
        found["label"] == label for found, label in zip(answer.predictions, labels, strict=True)
    )
    assert right / len(labels) == metrics["test/accuracy"]
    for found in answer.predictions[:5]:
        assert sum(found["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
        assert found["label"] == max(found["probabilities"], key=found["probabilities"].get)


def test_child_process_answers_like_this_one(home: Path) -> None:
    run, _ = train(*CASES[0])
    inputs, _ = test_examples("digits")
    try:
        there = inference.predict(run.id, inputs[:20])
        again = inference.predict(run.id, inputs[:20])
    finally:
        inference.release()
    assert there.predictions == inference.predict_here(run.id, inputs[:20]).predictions
    assert again.load_seconds < there.load_seconds, "the model stays loaded"


def test_better_checkpoint_of_a_running_run_is_noticed(home: Path) -> None:
    run, _ = train(*CASES[0])
    inputs, _ = test_examples("digits")
    first = inference.predict_here(run.id, inputs[:1])
    loaded = load_predictor(run.id)
    save_checkpoint(
        files.checkpoints_dir(run.id),
        loaded.model,
        loaded.processor.save,
        {},
        step=first.step + 1,
        epoch=1.1,
        metrics={},
        is_best=True,
    )
    assert inference.predict_here(run.id, inputs[:1]).step == first.step + 1


def test_both_models_in_memory_answer_for_themselves(home: Path) -> None:
    one, _ = train(*CASES[0])
    other, _ = train(*CASES[0], learning_rate=1e-8)
    inputs, labels = test_examples("digits")
    scores = Counter[int]()
    for run in (one, other, one):
        for found, label in zip(
            inference.predict_here(run.id, inputs).predictions, labels, strict=True
        ):
            scores[run.id] += found["label"] == label
    assert scores[one.id] / 2 > scores[other.id]


def test_wrong_questions_get_a_sentence(home: Path) -> None:
    run, _ = train(*CASES[0])
    with pytest.raises(UsageError, match="it takes pictures"):
        inference.predict_here(run.id, ["a text"])
    with pytest.raises(UsageError, match="best or last"):
        inference.predict_here(run.id, [b"x"], checkpoint="../../etc")
    with pytest.raises(NotFoundError, match="no run 77"):
        inference.predict_here(77, [b"x"])
    files.remove_folder(files.checkpoints_dir(run.id))
    with pytest.raises(CheckpointError, match="not saved a model yet"):
        inference.predict_here(run.id, [b"x"])


def test_a_model_leaves_the_graphics_card_that_a_run_needs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.inference import predictor
    from storage import runs as stored

    on_card, on_processor = (1, "best", "cuda:0", ()), (1, "best", "cpu", ())
    loaded = {on_card: object(), on_processor: object()}
    monkeypatch.setattr(predictor, "_loaded", loaded)
    stored.list_runs()
    assert not predictor.is_in_the_way()
    stored.create_run(
        name="a", task="toy", model="toy", dataset_id="d", dataset_name="d", config={}
    )
    assert stored.claim_run(lambda *_: "cuda:0", pid=1, process_started=0.0, host="here")
    assert predictor.is_in_the_way()
    del loaded[on_card]
    assert not predictor.is_in_the_way()


def test_an_answer_from_the_processor_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.training import devices
    from storage import runs as stored

    run, _ = train(*CASES[0])
    inputs, _ = test_examples("digits")
    assert inference.predict_here(run.id, inputs[:1]).notes == []
    stored.create_run(
        name="a", task="toy", model="toy", dataset_id="d", dataset_name="d", config={}
    )
    assert stored.claim_run(lambda *_: "cuda:0", pid=1, process_started=0.0, host="here")
    monkeypatch.setattr(devices, "list_devices", lambda: ["cuda:0", "cpu"])
    (note,) = inference.predict_here(run.id, inputs[:1]).notes
    assert "needs the graphics card" in note
