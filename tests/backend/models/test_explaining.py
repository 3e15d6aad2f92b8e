"""Explanations are faithful: what they mark matters more to the answer than anything else does."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.datasets.preview import read_example
from backend.datasets.store import Store
from backend.models import explaining
from backend.models.explaining_texts import Words, per_word, smallest_change, without, word_spans
from backend.models.picture_cells import Cells
from backend.tasks import Task, get_task
from backend.training.config import config_from
from backend.training.optimization import build_optimizer
from tests.backend.tasks.samples import SAMPLES

CPU = torch.device("cpu")
ASKED = 6
CASES = [
    ("image-classification", "mlp", 60), ("image-classification", "cnn", 80),
    ("image-classification", "resnet18", 25),
    ("text-classification", "embedding-bag", 80), ("text-classification", "gru", 60),
    ("text-classification", "lstm", 80), ("text-classification", "transformer", 60),
    ("audio-classification", "cnn", 40),
]  # fmt: skip


def trained(name: str, model_name: str, steps: int) -> tuple[Task, Any, Any, list[Any]]:
    """A task, a model that learned the tiny data, its processor, and test inputs."""
    task = get_task(name)
    spec, dataset = task.get_model(model_name), SAMPLES[task.formats[0]]()
    values = {
        **spec.defaults, "pretrained": False, "image_size": 32, "max_length": 16,
        "vocabulary_size": 400, "augmentation": "none", "learning_rate": 3e-3, "optimizer": "adamw",
    }  # fmt: skip
    known = set(task.config.__dataclass_fields__)
    config = config_from(task.config, {key: values[key] for key in values if key in known})
    torch.manual_seed(0)
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=False)
    split = task.load_split(dataset, processor, config, "train")
    batch = split.batch(torch.arange(len(split)), CPU)
    optimizer = build_optimizer(model, config, CPU)
    model.train()
    for _ in range(steps):
        task.compute(model, batch, train=True)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    store = Store.open(dataset)
    inputs = [read_example(dataset, store, one).value for one in store.indices("test").tolist()]
    return task, model.eval().requires_grad_(False), processor, inputs


@pytest.mark.parametrize(("name", "model_name", "steps"), CASES)
def test_the_marked_tenth_hurts_more_than_a_random_tenth(
    home: Path, name: str, model_name: str, steps: int
) -> None:
    task, model, processor, inputs = trained(name, model_name, steps)
    drops: dict[str, list[tuple[float, float]]] = {}
    for value in inputs[:ASKED]:
        for part in task.explain(model, processor, value, CPU):
            json.dumps(part, allow_nan=False)
            if "check" in part:
                found = part["check"]
                pair = (found["drop_marked"], found["drop_random"])
                drops.setdefault(part["method"], []).append(pair)
                assert found["holds"] or pair[0] <= pair[1]
    assert drops
    for method, pairs in drops.items():
        marked, random = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
        assert marked > random, (method, marked, random)


def test_a_vision_transformer_is_followed_through_its_attention() -> None:
    from torchvision.models import VisionTransformer

    from backend.models.explaining_gradients import heat_of

    torch.manual_seed(0)
    model = VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3).eval()
    torch.nn.init.normal_(model.heads.head.weight)  # torchvision begins with zeros
    found = heat_of(model, model, torch.randn(3, 32, 32))(1)
    assert found.shape == (4, 4)
    assert found.min() >= 0
    assert found.max() > 0


def test_a_heat_map_marks_the_stripe_that_tells_the_classes_apart(home: Path) -> None:
    task, model, processor, inputs = trained("image-classification", "cnn", 80)
    parts = list(task.explain(model, processor, inputs[0], CPU))
    (covering,) = [part for part in parts if part.get("method") == "covering"]
    heat = torch.tensor(covering["values"])
    stripe = {"top": 0, "middle": 1, "below": 2}[covering["about"]]
    thirds = [float(part.sum()) for part in heat.tensor_split(3)]
    assert max(range(3), key=thirds.__getitem__) == stripe


def test_what_would_change_it_really_changes_it(home: Path) -> None:
    task, model, processor, inputs = trained("text-classification", "embedding-bag", 80)
    found = 0
    for value in inputs:
        (change,) = [
            part for part in task.explain(model, processor, value, CPU) if part["kind"] == "changes"
        ]
        if not change["found"]:
            continue
        found += 1
        spans = [(word["start"], word["end"]) for word in change["removed"]]
        shorter = without(value, spans)
        (answer,) = task.predict(model, processor, [shorter], CPU, task.options())
        assert answer["label"] == change["after"] != change["before"]
    assert found


def test_words_and_their_tokens() -> None:
    text = "It isn't 雨, is it?"
    assert [text[start:end] for start, end in word_spans(text)] == [
        "It", "isn't", "雨", ",", "is", "it", "?",
    ]  # fmt: skip
    assert len(word_spans("天" * 20)) == 20
    assert without("a bad film", [(2, 5)]) == "a film"
    sums = per_word(
        [(0, 2), (3, 8)], [(0, 2), (2, 5), (5, 8), (0, 0)], torch.tensor([1.0, 2, 3, 9])
    )
    assert sums.tolist() == [1, 5]


def test_a_change_names_no_word_that_is_not_needed() -> None:
    text = "good very bad film"

    def answers(texts: Any) -> list[tuple[str, float]]:
        return [("no" if "bad" in one else "yes", 0.9) for one in texts]

    weights = torch.tensor([0.1, 0.5, 0.4, 0.0])
    found = smallest_change(Words.of(text, 0.001), weights, answers, "no")
    assert found["found"]
    assert [text[one["start"] : one["end"]] for one in found["removed"]] == ["bad"]


def test_cells_cover_every_pixel_once() -> None:
    cells = Cells.over(7, 20, 8)
    masks = cells.masks(
        torch.eye(cells.count, dtype=torch.bool).view(-1, cells.rows, cells.columns)
    )
    assert torch.equal(masks.sum(dim=0), torch.ones(7, 20, dtype=torch.int64))


def test_log_odds_tell_sure_answers_apart() -> None:
    scores = torch.tensor([[50.0, 0.0], [60.0, 0.0]])
    assert explaining.log_odds(scores, 0).tolist() == [50, 60]


def test_slow_models_are_asked_less_often() -> None:
    assert explaining.affordable(0.001, 2, 81) == 81
    assert explaining.affordable(0.1, 2, 81, 1.25) == 12
    assert explaining.affordable(50.0, 2, 81) == 2
