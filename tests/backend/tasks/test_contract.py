"""What every task promises with every model that needs no download; new ones are covered here."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.datasets.formats import get_format
from backend.datasets.preview import read_example
from backend.datasets.ratings import Ratings
from backend.datasets.store import Store
from backend.jobs.gauge import ProcessGauge
from backend.models.spec import ModelSpec, Weights
from backend.tasks import Task, get_task, list_tasks
from backend.training import checkpoints, probe
from backend.training.config import TrainingConfig, config_from
from backend.training.evaluation import evaluate, measure
from backend.training.loop import fit
from backend.training.optimization import build_optimizer
from storage.records import Dataset
from tests.backend.tasks.samples import SAMPLES

CPU = torch.device("cpu")
# Small inputs, so that the large networks stay quick.
SMALL = {
    "image_size": 32, "vocabulary_size": 400, "max_length": 16, "augmentation": "none",
    "score_threshold": 0.001, "max_answer": 8,
    "context": 16, "windows": 20, "words_per_epoch": 400, "dimensions": 16, "min_count": 2,
}  # fmt: skip
HEAVY = 25_000_000
STEPS = 6


def _cases() -> list[Any]:
    """Every model from zero, and from its pretrained weights where these are here."""
    cases = []
    for task in list_tasks():
        for spec in task.models:
            marks = [pytest.mark.slow] if spec.parameters > HEAVY else []
            for pretrained in (False, True):
                if pretrained and task.weights(spec) is not Weights.HERE:
                    continue
                name = f"{task.name}-{spec.name}-{'pretrained' if pretrained else 'zero'}"
                cases.append(pytest.param(task.name, spec.name, pretrained, id=name, marks=marks))
    return cases


def _config(task: Task, spec: ModelSpec, pretrained: bool, **changes: Any) -> TrainingConfig:
    values = {**spec.defaults, "pretrained": pretrained, **SMALL, **changes}
    known = set(task.config.__dataclass_fields__)
    return config_from(task.config, {key: values[key] for key in values if key in known})


def _dataset(task: Task) -> Dataset:
    return SAMPLES[task.formats[0]]()


def _raw_inputs(task: Task, dataset: Dataset, count: int = 4) -> list[Any]:
    """The first validation examples as a user would bring them."""
    store = Store.open(dataset.id)
    if task.input_kind == "items":
        return _likes(store)[:count]
    indices = store.indices("validation")[:count].tolist()
    values = [read_example(dataset, store, index).value for index in indices]
    if task.input_kind == "two-images":
        return [values[place : place + 2] for place in range(0, count, 2)]
    return values


def _likes(store: Store) -> list[list[str]]:
    """What each person with likes in both parts liked in the training part, by name."""
    ratings = Ratings(store)
    parts = [ratings.by_person(split, liked=True) for split in ("train", "validation")]
    found = [before for before, later in zip(*parts, strict=True) if len(before) and len(later)]
    return [[ratings.items[number] for number in one] for one in found]


def _check_label(answer: dict[str, Any], classes: list[str]) -> None:
    """Likeliest class first, all of them there, shares that sum up to one."""
    shares = list(answer["probabilities"].values())
    assert set(answer["probabilities"]) == set(classes)
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert answer["label"] == next(iter(answer["probabilities"]))


def _check_match(answer: dict[str, Any], classes: list[str]) -> None:
    """Which side of the threshold, in agreement with how likely; likes of the training part."""
    assert 0 <= answer["score"] <= 1
    assert answer["match"] == (answer["score"] >= 0.5)
    assert (answer["distance"] <= answer["threshold"]) == answer["match"]
    assert 0 <= answer["distance"] <= 2
    assert [len(one) for one in answer["alike"]] == [4, 4]
    assert {one["label"] for row in answer["alike"] for one in row} <= set(classes)


def _check_items(answer: dict[str, Any], classes: list[str]) -> None:
    """Best first, nothing twice, and nothing that was picked already."""
    items = [one["item"] for one in answer["items"]]
    scores = [one["score"] for one in answer["items"]]
    assert items
    assert len(set(items)) == len(items)
    assert scores == sorted(scores, reverse=True)
    assert not {one["because"] for one in answer["items"]} & set(items)


def _check_boxes(answer: dict[str, Any], classes: list[str]) -> None:
    """The surest first, known classes, corners in order and in the picture."""
    scores = [box["score"] for box in answer["boxes"]]
    assert scores == sorted(scores, reverse=True)
    for box in answer["boxes"]:
        x1, y1, x2, y2 = box["box"]
        assert box["label"] in classes
        assert 0 <= box["score"] <= 1
        assert 0 <= x1 <= x2 <= 56 + 1e-3
        assert 0 <= y1 <= y2 <= 48 + 1e-3


def _check_text(answer: dict[str, Any], classes: list[str]) -> None:
    """A text, and where there is attention, a share for each of its pieces."""
    assert isinstance(answer["text"], str)
    if "attention" in answer:
        found = answer["attention"]
        assert "".join(found["target"]).strip() == answer["text"]
        assert len(found["weights"]) == len(found["target"])
        for row in found["weights"]:
            assert len(row) == len(found["source"])
            assert 0 <= sum(row) <= 1 + 1e-2
        shares = [one["share"] for one in answer["sentences"]]
        assert not found["target"] or sum(shares) == pytest.approx(1, abs=1e-2)


def _check_neighbours(answer: dict[str, Any], classes: list[str]) -> None:
    """Nearest first, each once, and all of them on the map beside it."""
    near = answer["neighbours"]
    scores = [one["score"] for one in near]
    assert near
    assert scores == sorted(scores, reverse=True)
    assert all(-1.001 <= score <= 1.001 for score in scores)
    texts = [one["text"] for one in near]
    assert len(set(texts)) == len(texts)
    shown = {one["text"] for one in answer["map"]["points"] if one["group"] == "near"}
    assert shown == set(texts)


CHECKS = {
    "boxes": _check_boxes,
    "label": _check_label,
    "neighbours": _check_neighbours,
    "text": _check_text,
    "items": _check_items,
    "match": _check_match,
}
"""What every answer of a kind must be like."""


@pytest.mark.parametrize(("task_name", "model_name", "pretrained"), _cases())
def test_learns_saves_and_answers_the_same(
    home: Path, tmp_path: Path, task_name: str, model_name: str, pretrained: bool
) -> None:
    task = get_task(task_name)
    spec, dataset = task.get_model(model_name), _dataset(task)
    config = _config(task, spec, pretrained)
    torch.manual_seed(0)
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=pretrained)
    split = task.load_split(dataset, processor, config, "train")

    # A few steps on one batch: the loss falls.
    batch = split.batch(torch.arange(0, len(split), 3), CPU)
    optimizer = build_optimizer(model, config, CPU)
    model.train()
    losses = []
    for _ in range(STEPS):
        result = task.compute(model, batch, train=True)
        result["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(result["loss"].detach()))
    assert all(math.isfinite(loss) for loss in losses)
    assert min(losses[-2:]) < losses[0], losses
    for value in task.batch_metrics(result, batch).values():
        assert math.isfinite(float(value))

    # Saved and loaded in another place: the same answers to the last bit.
    inputs = _raw_inputs(task, dataset)
    model.eval()
    with torch.inference_mode():
        before = task.predict(model, processor, inputs, CPU, task.options())
    checkpoints.save_checkpoint(
        tmp_path / "saved", model, processor.save, {}, step=1, epoch=1.0, metrics={}, is_best=True
    )
    (tmp_path / "saved").rename(tmp_path / "moved")
    saved = checkpoints.load_checkpoint(tmp_path / "moved")
    again = task.load_processor(saved.path)
    other = task.build_model(spec, again, config, pretrained=False)
    checkpoints.load_weights(other, saved)
    other.eval()
    with torch.inference_mode():
        after = task.predict(other, again, inputs, CPU, task.options())
    assert after == before

    # An answer is plain JSON of its kind.
    assert len(before) == len(inputs)
    for answer in before:
        json.dumps(answer, allow_nan=False)
        CHECKS[task.answer_kind](answer, dataset.classes)


FEW_CLASSES = {"top5"}
"""Scores that say nothing about the three classes of the samples."""


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_scores_are_finite_and_have_names(home: Path, task: Task) -> None:
    spec, dataset = task.models[0], _dataset(task)
    config = _config(task, spec, False)
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=False)
    split = task.load_split(dataset, processor, config, "validation")
    found = evaluate(task, model, processor, split, 8, CPU)
    assert found is not None
    assert {metric.name for metric in task.metrics} - FEW_CLASSES <= found.keys()
    assert task.best_metric in found
    assert all(math.isfinite(value) for value in found.values())
    for metric in (one for one in task.metrics if one.name in found):
        assert not metric.percent or 0 <= found[metric.name] <= 1


APPROXIMATE = {"map", "map50", "verification", "bleu", "chrf"}
"""Scores of a whole split that are no mean of what single examples give."""


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_each_example_has_an_outcome_and_a_naive_guess_a_score(home: Path, task: Task) -> None:
    spec, dataset = task.models[0], _dataset(task)
    config = _config(task, spec, False)
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=False)
    train = task.load_split(dataset, processor, config, "train")
    split = task.load_split(dataset, processor, config, "test")
    found = measure(task, model, processor, split, 8, CPU, each=True)
    assert found is not None
    outcomes = found.outcomes
    assert outcomes is not None
    assert len(outcomes) == len(outcomes.examples) == len(split)
    assert len(set(outcomes.examples.tolist())) == len(split)
    names = {metric.name for metric in task.metrics}
    assert outcomes.values.keys() <= names
    assert task.primary_metric in outcomes.values
    for name in outcomes.values.keys() - APPROXIMATE:
        values, weights = outcomes.values[name].astype(float), outcomes.weights
        asked = ~np.isnan(values)
        mean = np.average(values[asked], weights=None if weights is None else weights[asked])
        assert mean == pytest.approx(found.metrics[name], abs=1e-5), name
    naive = task.naive_baseline(processor, train, split)
    assert naive is not None
    assert naive.words
    assert naive.metrics.keys() <= names | {"loss"}
    assert task.primary_metric in naive.metrics
    assert all(math.isfinite(value) for value in naive.metrics.values())


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_a_pre_flight_measures_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    monkeypatch.setattr(probe, "LEAST_SECONDS", 0.01)
    spec, dataset = task.models[0], _dataset(task)
    config = _config(task, spec, False, epochs=1)
    with ProcessGauge("cpu") as gauge:
        found = probe.probe(task, spec, dataset, config, device="cpu", folder=tmp_path, gauge=gauge)
    steps: list[int] = []

    class Steps(probe.Silence):
        def begin(self, total_steps: int, start_step: int) -> None:
            steps.append(total_steps)

    fit(task, spec, dataset, config, device="cpu", folder=tmp_path / "run", monitor=Steps())
    assert steps == [found.steps_per_epoch]
    size = sum(path.stat().st_size for path in (tmp_path / "run").glob("step-*/*"))
    assert found.checkpoint_mb == pytest.approx(size / 2**20, rel=0.2, abs=0.05)
    assert found.step_seconds > 0
    assert found.validation_seconds > 0
    assert found.memory_mb > found.resting_mb - 200


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_formats_exist_and_examples_can_be_tried(home: Path, task: Task) -> None:
    assert [get_format(name).name for name in task.formats] == list(task.formats)
    examples = task.examples(_dataset(task), limit=3, seed=0)
    assert examples
    assert all(example.title for example in examples)


ONE_STREAM = {
    "text-generation": "tests/backend/models/test_running_text.py",
    "word-embeddings": "tests/backend/models/test_word_vectors.py",
}
"""Tasks whose examples are places in a split's texts, not texts: where their one path is tested."""


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_use_sees_what_training_saw(home: Path, task: Task) -> None:
    if task.name in ONE_STREAM:
        assert Path(ONE_STREAM[task.name]).exists()
        return
    dataset = _dataset(task)
    spec = task.models[0]
    config = _config(task, spec, False)
    processor = task.build_processor(dataset, spec, config)
    split = task.load_split(dataset, processor, config, "validation")
    inputs = _raw_inputs(task, dataset)
    shown = len(inputs) * (2 if task.input_kind == "two-images" else 1)
    batch = split.batch(torch.arange(shown), CPU)
    for name, value in processor(inputs, CPU).items():
        assert torch.equal(value, batch[name]), name


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_specs_tell_the_true_number_of_parameters(home: Path, task: Task) -> None:
    for spec in task.models:
        processor = _usual_processor(task, spec)
        with torch.device("meta"):
            model = task.build_model(spec, processor, task.config(), pretrained=False)
        assert sum(weight.numel() for weight in model.parameters()) == spec.parameters, spec.name


def _usual_processor(task: Task, spec: ModelSpec) -> Any:
    """What the specs count for: ten classes, 28 x 28 grey pixels, 8,000 tokens, usual canvases."""
    from tokenizers import Tokenizer, models

    from backend.models import huggingface_audio
    from backend.models.box_processing import BoxProcessor
    from backend.models.huggingface import build_processor
    from backend.models.image_processing import ImageProcessor
    from backend.models.rating_processing import RatingProcessor
    from backend.models.similarity_processing import PairProcessor
    from backend.models.sound_processing import SoundProcessor
    from backend.models.text_processing import TextProcessor

    classes = [str(number) for number in range(10)]
    if task.input_kind == "items":
        return RatingProcessor([f"thing {number}" for number in range(300)], 600, 0.0, [])
    if task.input_kind == "audio":
        sound = SoundProcessor(classes, 16_000, 0.0, 1.0)
        if spec.library == "trainroom":
            return sound
        return huggingface_audio.build_processor(spec, sound, pretrained=False)
    if task.formats[0] == "image-class":
        grey = spec.library == "trainroom"
        size, channels = (28, 1) if grey else (224, 3)
        pictures = ImageProcessor(classes, size, channels, [0.5], [0.5], False)
        pair = task.input_kind == "two-images"
        return PairProcessor(pictures, False, "none", []) if pair else pictures
    if task.formats[0] == "image-boxes":
        from backend.tasks.object_detection import SIZES

        return BoxProcessor(classes, SIZES[spec.name][0], [0.5] * 3, [0.5] * 3, 20.0)
    if task.formats[0] == "text-pair":
        return _usual_pairs(spec)
    if task.name == "text-generation":
        return _usual_writing(spec)
    if task.name == "word-embeddings":
        return _usual_words(spec)
    if spec.library == "transformers":
        return build_processor(spec, classes, 128, pretrained=False)
    vocabulary = {f"token{number}": number for number in range(8000)}
    return TextProcessor(classes, 128, Tokenizer(models.WordLevel(vocabulary, "token1")))


def _usual_pairs(spec: ModelSpec) -> Any:
    """1,000 pieces of words for both sides, or what the pretrained model brings."""
    from backend.models.huggingface import plain_config
    from backend.models.huggingface_seq2seq import KNOWN
    from backend.models.text_pairs import TextPairProcessor

    config = plain_config(KNOWN[spec.checkpoint]) if spec.checkpoint else None
    count = config["vocab_size"] if config else 1000
    tokenizer = _numbered(count)
    return TextPairProcessor(tokenizer, tokenizer, 128, 64, model_config=config)


def _numbered(count: int) -> Any:
    """A tokenizer of so many tokens."""
    from tokenizers import Tokenizer, models

    vocabulary = {f"token{number}": number for number in range(count)}
    return Tokenizer(models.WordLevel(vocabulary, "token1"))


def _usual_writing(spec: ModelSpec) -> Any:
    """2,000 pieces of words, or what the pretrained model brings."""
    from backend.models import causal_models
    from backend.models.running_text import WritingProcessor

    if not spec.checkpoint:
        return WritingProcessor(_numbered(2000), 128)
    config = causal_models.full_config(causal_models.KNOWN[spec.checkpoint])
    return WritingProcessor(_numbered(config["vocab_size"]), 128, model_config=config)


def _usual_words(spec: ModelSpec) -> Any:
    """8,000 words, or the encoder's own tokenizer."""
    from backend.models.huggingface import build_processor
    from backend.models.text_vectors import PassageProcessor
    from backend.models.word_vectors import WordProcessor

    if spec.checkpoint:
        return PassageProcessor(build_processor(spec, [], 128, pretrained=False), ["a text"])
    return WordProcessor(_numbered(8000), [1] * 8000)


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_specs_are_complete(home: Path, task: Task) -> None:
    assert len({spec.name for spec in task.models}) == len(task.models)
    for spec in task.models:
        assert spec.title
        assert spec.description.endswith(".")
        assert spec.memory_mb > 0
        assert spec.licence
        assert (spec.download_mb > 0) == bool(spec.checkpoint)
        assert isinstance(task.weights(spec), Weights)
        config_from(task.config, spec.defaults)
