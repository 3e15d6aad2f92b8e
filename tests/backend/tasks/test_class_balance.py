"""Uneven classes: the setting is obeyed by both tasks, helps the small class, resumes exactly."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.datasets import catalog
from backend.datasets.writer import StoreWriter
from backend.tasks import Task, get_task
from backend.training.config import config_from
from storage.records import Dataset
from tests.backend.tasks.samples import picture
from tests.faults.test_r05_exact_resume import train, weights

IMAGE, TEXT = "image-classification", "text-classification"
SMALL: dict[str, dict[str, Any]] = {
    IMAGE: {"image_size": 16},
    TEXT: {"vocabulary_size": 400, "max_length": 16},
}


def uneven(task: str) -> Dataset:
    """Two classes, one with twelve times as many examples."""
    rng = np.random.default_rng(0)
    with StoreWriter("image-class" if task == IMAGE else "text-class") as writer:
        for number in range(130):
            label = "rare" if number % 13 == 0 else "often"
            if task == IMAGE:
                writer.add_image(picture(number, int(label == "rare")), label)
            else:
                common = " ".join(rng.choice(["one", "two", "three", "four", "five"], 4))
                writer.add_text(f"{common} {'red' if label == 'rare' else 'blue'} {number}", label)
        return catalog.publish(writer, name=f"u {task}", task=task, source="t", licence="n")


def config(task: Task, **values: Any) -> Any:
    return config_from(task.config, {"batch_size": 8, "epochs": 2, **SMALL[task.name], **values})


@pytest.mark.parametrize("name", [IMAGE, TEXT])
def test_only_the_training_part_is_evened(home: Path, name: str) -> None:
    task, dataset = get_task(name), uneven(name)
    spec = task.models[0]
    for how, field in (("weights", "weights"), ("sampling", "draw")):
        chosen = config(task, class_balance=how)
        processor = task.build_processor(dataset, spec, chosen)
        split = task.load_split(dataset, processor, chosen, "train")
        assert getattr(split, field) is not None
        held_out = task.load_split(dataset, processor, chosen, "validation")
        batch = held_out.batch(torch.arange(len(held_out)), torch.device("cpu"))
        assert "weights" not in batch
        assert getattr(held_out, "draw", None) is None
    plain = task.load_split(dataset, processor, config(task), "train")
    assert "weights" not in plain.batch(torch.arange(3), torch.device("cpu"))


@pytest.mark.parametrize("how", ["weights", "sampling"])
@pytest.mark.parametrize("name", [IMAGE, TEXT])
def test_a_resumed_run_is_exact(home: Path, tmp_path: Path, name: str, how: str) -> None:
    torch.manual_seed(0)
    task, dataset = get_task(name), uneven(name)
    model = "mlp" if name == IMAGE else "embedding-bag"
    chosen = config(task, class_balance=how)
    whole = train(tmp_path / "whole", task, model, dataset, chosen)
    first = train(tmp_path / "parts", task, model, dataset, chosen, stop_at=5)
    second = train(tmp_path / "parts", task, model, dataset, chosen, resume=True)
    joined = {**first.series("train/loss"), **second.series("train/loss")}
    assert joined == whole.series("train/loss")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    plain = train(
        tmp_path / "plain", task, model, dataset, dataclasses.replace(chosen, class_balance="none")
    )
    assert plain.series("train/loss") != whole.series("train/loss")


def test_small_classes_are_found_sooner(home: Path, tmp_path: Path) -> None:
    """After as many steps the mean over the classes is better where they count alike."""
    task, dataset = get_task(TEXT), uneven(TEXT)
    found = {}
    for how in ("none", "weights", "sampling"):
        notes = train(
            tmp_path / how, task, "embedding-bag", dataset,
            config(task, class_balance=how, epochs=4, learning_rate=1e-2, warmup_steps=0),
        )  # fmt: skip
        found[how] = [value for _, name, value in notes.values if name == "val/f1"][-1]
    assert found["weights"] > found["none"]
    assert found["sampling"] > found["none"]
