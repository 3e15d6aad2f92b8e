"""Every model of every task that explains gives parts that a page can draw, and features."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.datasets.preview import read_example
from backend.datasets.store import Store
from backend.tasks import get_task, list_tasks
from backend.training.config import config_from
from tests.backend.tasks.samples import SAMPLES

CPU = torch.device("cpu")
SMALL = {
    "image_size": 32, "vocabulary_size": 400, "max_length": 16, "augmentation": "none",
    "score_threshold": 0.001, "max_answer": 8, "pretrained": False,
}  # fmt: skip
HEAVY = 15_000_000
SEEN = {"heat", "words", "changes"}


def _cases() -> list[Any]:
    return [
        pytest.param(
            task.name, spec.name, id=f"{task.name}-{spec.name}",
            marks=[pytest.mark.slow] if spec.parameters > HEAVY else [],
        )
        for task in list_tasks()
        if task.explains
        for spec in task.models
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "model_name"), _cases())
def test_it_explains_what_it_answers(home: Path, name: str, model_name: str) -> None:
    task = get_task(name)
    spec, dataset = task.get_model(model_name), SAMPLES[task.formats[0]]()
    values = {**spec.defaults, **SMALL}
    known = set(task.config.__dataclass_fields__)
    config = config_from(task.config, {key: values[key] for key in values if key in known})
    torch.manual_seed(0)
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=False)
    model = model.eval().requires_grad_(False)
    store = Store.open(dataset)
    value = read_example(dataset, store, int(store.indices("test")[0])).value
    parts = list(task.explain(model, processor, value, CPU))
    json.dumps(parts, allow_nan=False)
    with torch.inference_mode():
        (answer,) = task.predict(model, processor, [value], CPU, task.options())
    answered = answer.get("label") or answer.get("boxes") or answer.get("text")
    assert bool(parts) or not answered
    for part in parts:
        assert part["kind"] in SEEN
        if part["kind"] == "heat":
            assert {len(row) for row in part["values"]} == {len(part["values"][0])}
            assert all(0 <= value <= 1 for row in part["values"] for value in row)
        if part["kind"] == "words":
            assert all(-1 <= word["weight"] <= 1 for word in part["words"])
            ends = [word["end"] for word in part["words"]]
            assert ends == sorted(ends)
        if part["kind"] in ("heat", "words") and "label" in answer:
            # What has not learned is torn between classes: then either may be the likeliest.
            shares = answer["probabilities"]
            assert shares[part["about"]] == pytest.approx(shares[answer["label"]], abs=1e-3)
    with torch.inference_mode():
        batch = processor([value, value], CPU)
    vectors = task.features(model, batch)
    if vectors is not None:
        assert vectors.shape[0] == 2
        assert torch.isfinite(vectors).all()
