"""What could be cheaper: by the settings that a plan has, never by a task's name."""

from pathlib import Path
from typing import Any

import pytest

from backend.preflight.cheaper import candidates, fewer_epochs
from backend.runs import Plan, plan_run
from tests.backend.preflight.test_estimates import measured


def plan(task: str, model: str, dataset: str, **config: Any) -> Plan:
    return plan_run(task=task, dataset=dataset, model=model, config=config)


@pytest.fixture(autouse=True)
def _home(home: Path) -> None:
    """Each test in a home of its own."""


def test_half_the_epochs_but_never_none() -> None:
    found = fewer_epochs(plan("image-classification", "mlp", "digits", epochs=15))
    assert found is not None
    assert (found.words, found.changes) == ("7 epochs", {"epochs": 7})
    assert found.plan.config.epochs == 7
    assert fewer_epochs(plan("image-classification", "mlp", "digits", epochs=1)) is None


def test_pictures_backbone_and_model() -> None:
    photos = plan("image-classification", "mobilenet_v2", "shapes", pretrained=True)
    found = candidates(photos, measured(image_size=128), memory=False)
    assert [cheaper.changes for cheaper in found] == [
        {"freeze_backbone": True}, {"image_size": 64}, {},
    ]  # fmt: skip
    assert found[-1].model == "mlp"
    assert found[-1].plan.config.epochs == 60  # with what suits it and the data
    with_memory = candidates(photos, measured(image_size=128), memory=True)
    assert with_memory[0].changes == {"batch_size": 16, "gradient_accumulation": 2}


def test_small_pictures_are_not_made_smaller_and_frozen_ones_not_frozen() -> None:
    frozen = plan(
        "image-classification", "mobilenet_v2", "shapes", pretrained=True, freeze_backbone=True
    )
    assert [one.model for one in candidates(frozen, measured(image_size=32), memory=False)] == [
        "mlp"
    ]
    smallest = plan("image-classification", "cnn", "digits")
    assert candidates(smallest, measured(image_size=8), memory=False) == []


def test_texts_are_cut_shorter() -> None:
    texts = plan("text-classification", "gru", "topics", max_length=128)
    changes = [one.changes for one in candidates(texts, measured(), memory=False)]
    assert {"max_length": 64} in changes


def test_where_memory_lacks_small_additions_are_offered() -> None:
    texts = plan("text-classification", "minilm", "topics", pretrained=True, learning_rate=5e-5)
    found = candidates(texts, measured(), memory=True)
    assert found[1].words == "Small additions only (LoRA)"
    assert found[1].changes["tuning"] == "lora"
    assert found[1].changes["learning_rate"] == pytest.approx(5e-4)
    added = plan("text-classification", "minilm", "topics", pretrained=True, tuning="lora")
    changes = [one.changes for one in candidates(added, measured(), memory=True)]
    assert {"freeze_backbone": True, "tuning": "full"} in changes
    assert not any(one.get("tuning") == "lora" for one in changes)
