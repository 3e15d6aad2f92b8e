"""Running text: what goes in comes out, windows cover a split once, and use reads as training."""

import math
from collections import Counter
from pathlib import Path

import pytest
import torch

from backend.datasets.store import Store
from backend.models.running_text import (
    NOT_SCORED,
    Windows,
    WritingMeter,
    WritingProcessor,
    load_or_train,
    next_token_loss,
    train_characters,
    train_pieces,
)
from tests.backend.tasks.samples import plain_dataset

CPU = torch.device("cpu")
ODD = "Ünïcode 日本語 🙂 <|end|>\n\n  two  spaces\t١٢"


def processors() -> list[WritingProcessor]:
    texts = ["A first text, and a second one.", "Another text: a third."] * 3
    return [
        WritingProcessor(train_pieces(texts, 300), 8),
        WritingProcessor(train_characters(texts), 8),
    ]


@pytest.mark.parametrize("processor", processors(), ids=["pieces", "characters"])
def test_every_text_comes_back_as_it_was(processor: WritingProcessor, tmp_path: Path) -> None:
    for text in (ODD, "A first text", "\n"):
        ids = processor.encode([text])[0]
        assert ids[0] == processor.end_id
        # The words "<|end|>" in a text do not end it.
        assert ids.count(processor.end_id) == 1
        assert processor.decode(ids[1:]) == text
    processor.save(tmp_path)
    again = WritingProcessor.load(tmp_path)
    assert again.encode([ODD]) == processor.encode([ODD])
    assert again.context == processor.context


def test_half_a_character_is_not_shown() -> None:
    processor = processors()[1]
    ids = processor.encode(["a🙂"])[0]
    assert processor.decode(ids[1:-1]) == "a"
    assert processor.decode(ids[1:]) == "a🙂"


def test_windows_hold_each_token_once_and_the_bytes_of_the_split(home: Path) -> None:
    store = Store.open(plain_dataset().id)
    processor = WritingProcessor(load_or_train("tinytext", store, "pieces", 300), 16)
    split = Windows(store, processor, "test", most=None)
    batch = split.batch(torch.arange(len(split)), CPU)
    seen = batch["targets"][batch["targets"] != NOT_SCORED]
    texts = [store.text(index) for index in store.indices("test").tolist()]
    stream = [number for ids in processor.encode(texts) for number in ids] + [processor.end_id]
    assert seen.tolist() == stream[1:]
    assert batch["ids"].flatten()[: len(stream) - 1].tolist() == stream[:-1]
    size = sum(len(text.encode()) for text in texts)
    assert float(batch["bytes"].sum()) == pytest.approx(size, rel=1e-5)
    fewer = Windows(store, processor, "test", most=2)
    assert len(fewer) == 2


def test_training_windows_begin_anywhere_and_repeat_with_the_random_state(home: Path) -> None:
    store = Store.open(plain_dataset().id)
    processor = WritingProcessor(load_or_train("tinytext", store, "characters", 0), 16)
    split = Windows(store, processor, "train", most=20)
    assert len(split) == 20
    torch.manual_seed(3)
    first = split.batch(torch.arange(8), CPU)["ids"]
    second = split.batch(torch.arange(8), CPU)["ids"]
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(split.batch(torch.arange(8), CPU)["ids"], first)


def test_what_is_asked_reads_as_what_was_learnt(home: Path) -> None:
    """A prompt becomes the very tokens with which the same text begins in a split."""
    store = Store.open(plain_dataset().id)
    processor = WritingProcessor(load_or_train("tinytext", store, "pieces", 300), 16)
    split = Windows(store, processor, "validation", most=None)
    prompt = processor([split.texts[0]], CPU)["prompts"][0]
    assert torch.equal(split.ids[: len(prompt)].long(), prompt)
    with_space = processor([split.texts[0] + "  "], CPU)["prompts"][0]
    assert torch.equal(with_space, prompt)


def test_bits_per_byte_do_not_depend_on_batches(home: Path) -> None:
    """Of a model that finds all tokens equally likely they are known: log2(v) per token."""
    store = Store.open(plain_dataset().id)
    processor = WritingProcessor(load_or_train("tinytext", store, "pieces", 300), 16)
    split = Windows(store, processor, "test", most=None)
    size = processor.vocabulary_size
    values = []
    for step in (1, 3):
        meter = WritingMeter()
        for indices in torch.arange(len(split)).split(step):
            batch = split.batch(indices, CPU)
            scores = torch.zeros(*batch["ids"].shape, size)
            meter.add(next_token_loss(scores, batch["targets"]), batch)
        values.append(meter.compute())
    assert values[0] == pytest.approx(values[1], rel=1e-5)
    expected = math.log2(size) / split.bytes_per_token
    assert values[0]["bits_per_byte"] == pytest.approx(expected, rel=1e-4)
    assert values[0]["perplexity"] == pytest.approx(size, rel=1e-4)


def test_rare_characters_are_written_in_bytes() -> None:
    tokenizer = train_characters(["aaa bbb", "ccc é"])
    counts = Counter(tokenizer.encode("é").tokens)
    assert counts == {"<0xC3>": 1, "<0xA9>": 1}
