"""What every task promises with every model that needs no download; new ones are covered here."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.datasets.images import encode_png
from backend.datasets.store import Store
from backend.models.spec import ModelSpec, Weights
from backend.tasks import Task, get_task, list_tasks
from backend.training import checkpoints
from backend.training.config import TrainingConfig, config_from
from backend.training.optimization import build_optimizer
from storage.records import Dataset
from tests.backend.tasks.samples import image_dataset, text_dataset

CPU = torch.device("cpu")
DATASETS = {"image": image_dataset, "text": text_dataset}
# Small inputs, so that the large networks stay quick.
SMALL = {"image_size": 32, "vocabulary_size": 400, "max_length": 16, "augmentation": "none"}
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


def _raw_inputs(task: Task, dataset: Dataset, count: int = 5) -> list[Any]:
    """The first validation examples as a user would bring them."""
    store = Store.open(dataset.id)
    indices = store.indices("validation")[:count].tolist()
    if task.input_kind == "text":
        return [store.text(index) for index in indices]
    return [encode_png(store.image(index)) for index in indices]


@pytest.mark.parametrize(("task_name", "model_name", "pretrained"), _cases())
def test_learns_saves_and_answers_the_same(
    home: Path, tmp_path: Path, task_name: str, model_name: str, pretrained: bool
) -> None:
    task = get_task(task_name)
    spec, dataset = task.get_model(model_name), DATASETS[task.input_kind]()
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
    right = task.batch_metrics(result["output"], batch)["accuracy"]
    assert 0 <= int(right) <= len(batch["labels"])

    # Saved and loaded in another place: the same answers to the last bit.
    inputs = _raw_inputs(task, dataset)
    model.eval()
    with torch.inference_mode():
        before = task.predict(model, processor, inputs, CPU)
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
        after = task.predict(other, again, inputs, CPU)
    assert after == before

    # An answer is plain JSON, likeliest class first.
    assert len(before) == len(inputs)
    for answer in before:
        json.dumps(answer, allow_nan=False)
        shares = list(answer["probabilities"].values())
        assert set(answer["probabilities"]) == set(dataset.classes)
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-4)
        assert answer["label"] == next(iter(answer["probabilities"]))


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_use_sees_what_training_saw(home: Path, task: Task) -> None:
    dataset = DATASETS[task.input_kind]()
    spec = task.models[0]
    config = _config(task, spec, False)
    processor = task.build_processor(dataset, spec, config)
    split = task.load_split(dataset, processor, config, "validation")
    inputs = _raw_inputs(task, dataset)
    batch = split.batch(torch.arange(len(inputs)), CPU)
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
    """What the specs count for: ten classes, 28 x 28 grey pixels, 8,000 tokens."""
    from tokenizers import Tokenizer, models

    from backend.models.huggingface import build_processor
    from backend.models.image_processing import ImageProcessor
    from backend.models.text_processing import TextProcessor

    classes = [str(number) for number in range(10)]
    if task.input_kind == "image":
        grey = spec.library == "trainroom"
        size, channels = (28, 1) if grey else (224, 3)
        return ImageProcessor(classes, size, channels, [0.5], [0.5], False)
    if spec.library == "transformers":
        return build_processor(spec, classes, 128, pretrained=False)
    vocabulary = {f"token{number}": number for number in range(8000)}
    return TextProcessor(classes, 128, Tokenizer(models.WordLevel(vocabulary, "token1")))


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


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_metrics_of_known_outputs(task: Task) -> None:
    outputs = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 3.0, 1.0], [1.0, 0.0, 0.5]])
    found = task.evaluate(outputs, torch.tensor([0, 1, 2, 0]), ["a", "b", "c"])
    assert found["accuracy"] == 0.75
    assert found["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
