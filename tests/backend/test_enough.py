"""A small data set is repeated more often; a large one, and what a user sets, are left alone."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from backend import datasets, runs
from backend.enough import FROM_ZERO, MOST_EPOCHS, PRETRAINED, enough_for
from backend.presets import preset_config
from backend.tasks import get_task
from storage.records import Dataset

IMAGES = get_task("image-classification")


def dataset(train: int) -> Dataset:
    """A record alone: nothing but the size of its training part matters."""
    return Dataset(
        id="d", name="d", task=IMAGES.name, format="image-class", source="", licence="",
        rows=train, classes=["a", "b"], splits={"train": train}, skipped=[], bundled=False, bytes=0,
        created_at=0.0, details={}, version=1,
    )  # fmt: skip


def settings(model: str, train: int, **config: Any) -> tuple[int, int]:
    """Epochs and batch size."""
    base = dataclasses.replace(runs.default_config(IMAGES.name, model), **config)
    found = enough_for(IMAGES, base, dataset(train))
    return found.epochs, found.batch_size


def test_enough_examples_change_nothing() -> None:
    base = runs.default_config(IMAGES.name, "cnn")
    assert enough_for(IMAGES, base, dataset(50 * base.batch_size)) == base


@pytest.mark.parametrize(("train", "pretrained"), [(40, False), (320, False), (60, True)])
def test_few_examples_are_repeated_until_something_can_be_learnt(
    train: int, pretrained: bool
) -> None:
    model = "mobilenet_v2" if pretrained else "cnn"
    epochs, batch = settings(model, train, pretrained=pretrained)
    least = PRETRAINED if pretrained else FROM_ZERO
    assert least <= epochs * -(-train // batch) < 2 * least
    assert epochs > runs.default_config(IMAGES.name, model).epochs


def test_it_never_repeats_without_end() -> None:
    assert settings("cnn", 2) == (MOST_EPOCHS, 8)


def test_steps_that_are_summed_up_count_once() -> None:
    few, _ = settings("cnn", 640)
    assert settings("cnn", 640, gradient_accumulation=4)[0] > few


@pytest.mark.parametrize("task", ["text-generation", "word-embeddings"])
def test_where_an_epoch_is_as_long_as_it_should_it_stays(task: str, home: Path) -> None:
    (found, *_) = datasets.list_datasets(task)
    model = get_task(task).models[0].name
    assert runs.default_config(task, model, found) == runs.default_config(task, model)


def test_forms_and_commands_start_from_it(home: Path) -> None:
    shapes = datasets.get_dataset("shapes")
    expected = runs.default_config(IMAGES.name, "cnn", shapes)
    assert expected.epochs == 60
    assert preset_config(IMAGES, IMAGES.get_model("cnn"), "balanced", shapes) == expected
    choices = {"task": IMAGES.name, "dataset": "shapes", "model": "cnn"}
    assert runs.plan_run(**choices).config == expected
    assert runs.plan_run(**choices, config={"epochs": 3}).config.epochs == 3
