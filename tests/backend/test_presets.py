"""Quick, balanced, best: from the model's own settings, and where somebody knows better."""

import dataclasses
from pathlib import Path

import pytest

from backend.errors import NotFoundError
from backend.presets import PRESETS, preset_config
from backend.runs import default_config
from backend.tasks import Task, get_task, list_tasks

IMAGES, TEXTS = get_task("image-classification"), get_task("text-classification")


@pytest.fixture(autouse=True)
def _home(home: Path) -> None:
    """Weights that were downloaded by others are not here."""


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_every_model_has_three_that_can_be_used(task: Task) -> None:
    for spec in (*task.models, *task.more_models):
        quick, balanced, best = (preset_config(task, spec, one.name) for one in PRESETS)
        assert balanced == default_config(task.name, spec.name), "the model's own settings"
        assert 1 <= quick.epochs <= balanced.epochs <= best.epochs, spec.name
        assert best.epochs > quick.epochs
        assert not quick.early_stopping
        assert 0 < best.early_stopping < best.epochs


def test_variety_is_for_long_runs() -> None:
    def augmentation(model: str) -> list[str]:
        spec = IMAGES.get_model(model)
        return [preset_config(IMAGES, spec, one.name).augmentation for one in PRESETS]  # type: ignore[attr-defined]

    assert augmentation("mlp") == ["none", "none", "light"]
    assert augmentation("mobilenet_v2") == ["none", "standard", "standard"]


def test_bert_like_models_get_the_classic_recipe() -> None:
    for model in ("bert-base", "distilbert", "minilm"):
        config = preset_config(TEXTS, TEXTS.get_model(model), "balanced")
        recipe = (config.epochs, config.batch_size, config.warmup_steps, config.weight_decay)
        assert recipe == (3, 16, 500, 0.01)


def test_a_model_and_a_task_may_know_better(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = IMAGES.get_model("mlp")
    monkeypatch.setattr(
        type(IMAGES), "presets", {"quick": {"epochs": 2, "batch_size": 16, "unknown": 1}}
    )
    quick = preset_config(IMAGES, spec, "quick")
    assert (quick.epochs, quick.batch_size) == (2, 16)
    better = dataclasses.replace(spec, presets={"quick": {"epochs": 1}})
    quick = preset_config(IMAGES, better, "quick")
    assert (quick.epochs, quick.batch_size) == (1, 16)


def test_an_unknown_one_lists_the_known() -> None:
    with pytest.raises(NotFoundError, match="quick, balanced, best"):
        preset_config(IMAGES, IMAGES.get_model("mlp"), "fastest")
