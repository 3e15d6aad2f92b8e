"""R5: a resumed run computes the same to the bit, for every model of every task, from any step."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.models.spec import Weights
from backend.tasks import Task, get_task, list_tasks
from backend.training import checkpoints, loop
from backend.training.config import TrainingConfig, config_from
from storage.records import Dataset
from tests.backend.tasks.test_contract import HEAVY, SMALL
from tests.backend.tasks.test_contract import _dataset as tiny_dataset
from tests.backend.training.toy import Notes

EVERYTHING_ON = {**SMALL, "augmentation": "standard", "batch_size": 8, "early_stopping": 2}
# Larger ones write gigabytes, and are of a family of which a smaller one is here (BERT: MiniLM).
LARGEST = 100_000_000
# From each of their steps: one model without and one with chance in every batch, one of texts.
SMALL_MODELS = ("mlp", "cnn", "embedding-bag")


def cases() -> list[Any]:
    """Every model that is registered, from its pretrained weights where these are here."""
    return [
        pytest.param(task.name, spec.name, id=f"{task.name}-{spec.name}")
        for task in list_tasks()
        for spec in task.models
        if spec.parameters < LARGEST
    ]


def settings(task: Task, model: str, **changes: Any) -> TrainingConfig:
    """Dropout, augmentation and early stopping are on wherever the model knows them."""
    spec = task.get_model(model)
    pretrained = task.weights(spec) is Weights.HERE
    values = {**spec.defaults, "pretrained": pretrained, **EVERYTHING_ON, **changes}
    known = {field.name for field in dataclasses.fields(task.config)}
    return config_from(task.config, {name: values[name] for name in values if name in known})


def train(
    folder: Path, task: Task, model: str, dataset: Dataset, config: TrainingConfig, **options: Any
) -> Notes:
    resume = options.pop("resume", False)
    notes = Notes(**options)
    loop.fit(
        task, task.get_model(model), dataset, config, device="cpu", folder=folder,
        monitor=notes, resume=resume,
    )  # fmt: skip
    return notes


def weights(folder: Path) -> str:
    found = checkpoints.load_checkpoint(folder, "last")
    # Not of the file: its header names shared weights in an order that is never the same.
    digest = hashlib.sha256()
    for name, weight in sorted(load_file(found.path / checkpoints.MODEL).items()):
        digest.update(name.encode() + weight.contiguous().numpy().tobytes())
    return digest.hexdigest()


def same(whole: Notes, *parts: Notes) -> int:
    """Whether the parts together logged what the whole did, each step once; how many losses."""
    # How long something took is no result, and never the same.
    timed = ("samples_per_second", "_ms", "system/data_percent")
    names = {name for _, name, _ in whole.values if not name.endswith(timed)}
    assert {"train/loss", "val/loss", "lr"} <= names
    for name in names:
        joined = [step for part in parts for step in part.series(name)]
        assert len(joined) == len(set(joined)), f"{name}: a step appears twice"
        together = {step: value for part in parts for step, value in part.series(name).items()}
        assert together == whole.series(name), name
    assert [shown for part in parts for shown in part.snapshots] == whole.snapshots
    return len(whole.series("train/loss"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model"), cases())
def test_losses_and_weights_are_equal(home: Path, tmp_path: Path, name: str, model: str) -> None:
    """Stopped twice within epochs; the largest models once, in their only epoch."""
    torch.manual_seed(0)
    task = get_task(name)
    large = task.get_model(model).parameters > HEAVY
    dataset, config = tiny_dataset(task), settings(task, model, epochs=1 if large else 3)
    whole = train(tmp_path / "whole", task, model, dataset, config)
    parts = tmp_path / "parts"
    found = [train(parts, task, model, dataset, config, stop_at=2)]
    if not large:
        third = whole.total_steps // 3
        found.append(train(parts, task, model, dataset, config, stop_at=third + 3, resume=True))
    found.append(train(parts, task, model, dataset, config, resume=True))
    losses = same(whole, *found)
    assert weights(parts) == weights(tmp_path / "whole")
    print(f"R5: {name}, {model}: {losses} losses and all weights equal")


@pytest.mark.slow
@pytest.mark.parametrize("model", SMALL_MODELS)
def test_from_every_step(home: Path, tmp_path: Path, model: str) -> None:
    task = next(one for one in list_tasks() if model in {spec.name for spec in one.models})
    dataset, config = tiny_dataset(task), settings(task, model, epochs=2)
    whole = train(tmp_path / "whole", task, model, dataset, config)
    expected = weights(tmp_path / "whole")
    for step in range(1, whole.total_steps + 1):
        folder = tmp_path / str(step)
        first = train(folder, task, model, dataset, config, stop_at=step)
        rest = train(folder, task, model, dataset, config, resume=True)
        same(whole, first, rest)
        assert weights(folder) == expected
    print(f"R5: {model}: equal from each of its {whole.total_steps} steps")


def test_a_finished_run_that_is_trained_further_is_the_longer_run(
    home: Path, tmp_path: Path
) -> None:
    """Where the learning rate does not depend on the length."""
    task, model = get_task("image-classification"), "mlp"
    dataset = tiny_dataset(task)
    short, long = (
        settings(task, model, epochs=epochs, scheduler="constant", warmup_steps=0)
        for epochs in (2, 4)
    )
    whole = train(tmp_path / "whole", task, model, dataset, long)
    first = train(tmp_path / "parts", task, model, dataset, short)
    rest = train(tmp_path / "parts", task, model, dataset, long, resume=True)
    for name in ("train/loss", "val/loss", "lr"):
        assert {**first.series(name), **rest.series(name)} == whole.series(name), name
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
