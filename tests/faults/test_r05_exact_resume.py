"""R5: a resumed run computes the same to the bit, for every model family, from any step."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.tasks import Task, get_task
from backend.training import checkpoints, loop
from backend.training.config import config_from
from storage.records import Dataset
from tests.backend.tasks.samples import image_dataset, text_dataset
from tests.backend.training.toy import Notes

IMAGE, TEXT = "image-classification", "text-classification"
SMALL: dict[str, dict[str, Any]] = {
    IMAGE: {"image_size": 32, "augmentation": "standard"},
    TEXT: {"vocabulary_size": 400, "max_length": 16},
}
CASES = [
    (IMAGE, "mlp", False), (IMAGE, "cnn", False), (IMAGE, "mobilenet_v2", True),
    (TEXT, "embedding-bag", False), (TEXT, "gru", False), (TEXT, "lstm", False),
    (TEXT, "transformer", False), (TEXT, "minilm", True),
]  # fmt: skip


def train(
    folder: Path, task: Task, model: str, dataset: Dataset, config: Any, **options: Any
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
    return hashlib.sha256((found.path / checkpoints.MODEL).read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model", "pretrained"), CASES, ids=[case[1] for case in CASES])
def test_losses_and_weights_are_equal(
    home: Path, tmp_path: Path, name: str, model: str, pretrained: bool
) -> None:
    """Stopped twice within epochs, with dropout, augmentation and early stopping on."""
    torch.manual_seed(0)
    task = get_task(name)
    dataset = image_dataset() if name == IMAGE else text_dataset()
    values = {**task.get_model(model).defaults, **SMALL[name]}
    values |= {"batch_size": 8, "epochs": 3, "early_stopping": 2, "pretrained": pretrained}
    known = {field.name for field in dataclasses.fields(task.config)}
    config = config_from(task.config, {k: v for k, v in values.items() if k in known})
    whole = train(tmp_path / "whole", task, model, dataset, config)
    parts = tmp_path / "parts"
    first = train(parts, task, model, dataset, config, stop_at=2)
    steps = whole.total_steps // 3
    second = train(parts, task, model, dataset, config, stop_at=steps + 3, resume=True)
    third = train(parts, task, model, dataset, config, resume=True)
    for metric in ("train/loss", "train/accuracy", "val/loss", "lr"):
        joined = {**first.series(metric), **second.series(metric), **third.series(metric)}
        assert joined == whole.series(metric)
    assert weights(parts) == weights(tmp_path / "whole")
    print(f"R5: {model}: {len(whole.series('train/loss'))} losses and all weights equal")
