"""Vectors of whole texts: passages and halves, the score, an index that is never out of date."""

from pathlib import Path

import pytest
import torch

from backend.models.spec import Weights
from backend.models.text_vectors import PASSAGE_WORDS, half_hits, halves, passages_of
from backend.tasks import get_task
from backend.training.config import config_from
from tests.backend.tasks.samples import plain_dataset

CPU = torch.device("cpu")


def test_passages_cover_a_text_and_repeat_nothing() -> None:
    long = " ".join(f"w{number}" for number in range(2 * PASSAGE_WORDS + 10))
    found = passages_of([long, "two words", long, "  "], 100)
    assert " ".join(found[:3]) == long
    assert found[3:] == ["two words"]
    assert len(passages_of([long] + [f"a text {number}" for number in range(50)], 7)) == 7
    wide = passages_of(["日本語の文章です。" * 20], 100)
    assert "".join(wide) == "日本語の文章です。" * 20


def test_halves_are_never_empty() -> None:
    assert halves("one two three four") == ("one two", "three four")
    assert halves("日本語文") == ("日本", "語文")
    assert halves("a") == ("a", "a")


def test_the_right_half_must_be_nearer_than_all_others() -> None:
    vectors = torch.nn.functional.normalize(
        torch.randn(40, 8, generator=torch.Generator().manual_seed(0)), dim=1
    )
    assert half_hits(vectors, vectors).mean() == 1
    assert half_hits(vectors, -vectors).mean() == 0
    assert half_hits(torch.ones(40, 8), torch.ones(40, 8)).mean() == 0
    other = torch.nn.functional.normalize(
        torch.randn(4000, 8, generator=torch.Generator().manual_seed(1)), dim=1
    )
    chance = half_hits(vectors.repeat(100, 1), other).mean()
    assert float(chance) == pytest.approx(0.1, abs=0.02)


def test_the_index_follows_the_weights(home: Path) -> None:
    task = get_task("word-embeddings")
    spec, dataset = task.get_model("minilm"), plain_dataset()
    if task.weights(spec) is not Weights.HERE:
        pytest.skip("the weights of MiniLM are not installed")
    config = config_from(task.config, {"pretrained": True})
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=True).eval()
    with torch.inference_mode():
        [answer] = task.predict(model, processor, ["rain and snow"], CPU, task.options())
    best = answer["neighbours"][0]["text"]
    assert any(word in best for word in ("rain", "snow", "wind", "雨", "雪", "sunny"))
    assert bool(model.indexed)
    before = model.index.clone()
    split = task.load_split(dataset, processor, config, "train")
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    task.compute(model, split.batch(torch.arange(8), CPU), train=True)["loss"].backward()
    optimizer.step()
    assert not bool(model.indexed)
    model.eval()
    with torch.inference_mode():
        content = task.snapshot(model, processor, split, CPU)
    assert content is not None
    assert content["kind"] == "map"
    assert not torch.allclose(model.index, before)
