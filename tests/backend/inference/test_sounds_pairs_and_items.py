"""Recordings, pairs and picked things: use gives what the run measured, bad input a sentence."""

import dataclasses
import json
from collections import OrderedDict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend import datasets, inference
from backend.cli import main as cli
from backend.datasets.preview import encode_wav
from backend.datasets.ratings import Ratings
from backend.datasets.store import Store
from backend.errors import DataError, UsageError
from backend.inference import predictor
from backend.tasks import get_task
from backend.training.config import config_from
from backend.training.loop import fit
from storage import files
from storage import runs as stored
from storage.records import Dataset
from tests.backend.tasks.samples import SAMPLES, note
from tests.backend.training.toy import Notes


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every home here has a run 1 of as many steps."""
    monkeypatch.setattr(predictor, "_loaded", OrderedDict())


def train(task: str, model: str, **changes: Any) -> tuple[int, Dataset, dict[str, float]]:
    """A run on the tiny data set of a task: its number, the data, the last metrics."""
    found = get_task(task)
    spec, dataset = found.get_model(model), SAMPLES[found.formats[0]]()
    config = config_from(found.config, {**spec.defaults, "epochs": 3, "batch_size": 16, **changes})
    run = stored.create_run(
        name=model, task=task, model=model, dataset_id=dataset.id, dataset_name=dataset.name,
        config=dataclasses.asdict(config),
    )  # fmt: skip
    outcome = fit(
        found, spec, dataset, config, device="cpu", folder=files.checkpoints_dir(run.id),
        monitor=Notes(),
    )  # fmt: skip
    return run.id, dataset, outcome.metrics


@pytest.mark.parametrize("model", ["cnn", "gru"])
def test_recordings_score_what_the_run_scored(home: Path, model: str) -> None:
    run, dataset, metrics = train("audio-classification", model)
    examples = datasets.list_examples(dataset, "test", limit=1000)
    found = inference.predict_here(run, [one.value for one in examples]).predictions
    right = [answer["label"] == one.label for answer, one in zip(found, examples, strict=True)]
    assert np.mean(right) == metrics["test/accuracy"]


def test_a_silent_recording_and_a_picture_get_a_sentence(home: Path) -> None:
    run, _, _ = train("audio-classification", "cnn", epochs=1)
    with pytest.raises(DataError, match="silent"):
        inference.predict_here(run, [encode_wav(np.zeros(16_000, np.int16))])
    with pytest.raises(DataError, match="cannot be read"):
        inference.predict_here(run, [b"\x89PNG\r\n\x1a\n"])
    with pytest.raises(UsageError, match="recordings"):
        inference.predict_here(run, ["left"])
    answer = inference.predict_here(run, [encode_wav(note(250, seconds=2.0))])
    assert "loudest" in answer.predictions[0]["hints"][0]


def test_pairs_score_what_the_run_scored(home: Path) -> None:
    run, dataset, metrics = train("image-similarity", "cnn", image_size=16)
    examples = datasets.list_examples(dataset, "test", limit=1000)
    both = list(combinations(examples, 2))
    found = inference.predict_here(run, [[one.value, other.value] for one, other in both])
    same = np.array([one.label == other.label for one, other in both])
    said = np.array([answer["match"] for answer in found.predictions])
    balanced = (said[same].mean() + (~said[~same]).mean()) / 2
    assert balanced == pytest.approx(metrics["test/verification"])
    itself = inference.predict_here(run, [[examples[0].value] * 2]).predictions[0]
    assert itself["distance"] == pytest.approx(0, abs=1e-5)
    assert itself["match"]
    assert itself["score"] > 0.5


def test_three_pictures_and_a_file_that_is_none_get_a_sentence(home: Path) -> None:
    run, dataset, _ = train("image-similarity", "cnn", epochs=1, image_size=16)
    picture = datasets.list_examples(dataset, "test", limit=1)[0].value
    with pytest.raises(UsageError, match="two pictures"):
        inference.predict_here(run, [[picture] * 3])
    with pytest.raises(UsageError, match="two pictures at a time"):
        inference.predict_here(run, [picture])
    with pytest.raises(DataError):
        inference.predict_here(run, [[picture, b"no picture"]])


def test_without_its_data_a_model_still_compares(home: Path) -> None:
    run, dataset, _ = train("image-similarity", "cnn", epochs=1, image_size=16)
    pair = [one.value for one in datasets.list_examples(dataset, "test", limit=2)]
    files.remove_folder(files.dataset_dir(dataset.id))
    assert inference.predict_here(run, [pair]).predictions[0]["alike"] == [[], []]


def test_faces_are_cut_out_before_they_are_compared(home: Path) -> None:
    """A run that crops to the face: pictures without one get a sentence that says which."""
    from backend.datasets.images import encode_png
    from tests.backend.models.test_face_crops import drawn_face

    run, _, _ = train("image-similarity", "cnn", epochs=1, image_size=32, crop_faces=True)
    near, far = (encode_png(drawn_face(side, middle)) for side, middle in
                 ((200, (0.5, 0.5)), (400, (0.4, 0.45))))  # fmt: skip
    answer = inference.predict_here(run, [[near, far]]).predictions[0]
    assert answer["distance"] < 0.2, "the same face at another place and size"
    plain = encode_png(np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(DataError, match="second picture"):
        inference.predict_here(run, [[near, plain]])


@pytest.mark.parametrize("model", ["matrix-factorisation", "two-tower"])
def test_suggestions_score_what_the_run_scored(home: Path, model: str) -> None:
    run, dataset, metrics = train("recommendation", model)
    ratings = Ratings(Store.open(dataset.id))
    before = ratings.by_person("train", liked=True)
    met = ratings.by_person("train", "validation", liked=False)
    later = ratings.by_person("test", liked=True)
    recalls = []
    for liked, known, wanted in zip(before, met, later, strict=True):
        if not len(liked) or not len(wanted):
            continue
        names = [ratings.items[thing] for thing in liked]
        answer = inference.predict_here(run, [names], options={"count": 30}).predictions[0]
        seen = {ratings.items[thing] for thing in known}
        ten = [one["item"] for one in answer["items"] if one["item"] not in seen][:10]
        hits = set(ten) & {ratings.items[thing] for thing in wanted}
        recalls.append(len(hits) / min(10, len(wanted)))
    assert np.mean(recalls) == pytest.approx(metrics["test/recall_10"])
    assert metrics["test/recall_10"] > metrics["test/popular_recall_10"]


def test_the_command_line_takes_all_texts_as_one_question(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, _, _ = train("recommendation", "matrix-factorisation", epochs=1)
    ask = ["predict", str(run), "--text"]
    assert cli.main([*ask, "Tea 1", "tea 2", "--set", "count=3", "--json"]) == 0
    (answer,) = json.loads(capfd.readouterr().out)
    assert [set(one) for one in answer["items"]] == [{"item", "score", "because"}] * 3
    assert {one["because"] for one in answer["items"]} <= {"Tea 1", "Tea 2"}
    assert cli.main([*ask, "Tea 1", "Cafe 3"]) == 2
    assert "Café 3" in capfd.readouterr().err
    assert cli.main(["predict", str(run), "--text", "Tea 1"]) == 0
    assert "and 5 more" in capfd.readouterr().out
