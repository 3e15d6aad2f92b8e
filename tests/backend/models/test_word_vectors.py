"""Words: which there are, who stands near whom, what is learnt, and what is answered."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import CheckpointError, DataError, UsageError
from backend.models.vector_questions import Term, parse_sum
from backend.models.vector_scores import NeighbourMeter
from backend.models.word_vectors import (
    DECOYS,
    WordPlaces,
    WordProcessor,
    WordVectors,
    companion_hits,
)
from backend.training.config import TrainingConfig
from backend.training.optimization import build_optimizer
from storage import files

CPU = torch.device("cpu")
ROOMS = {
    "kitchen": "kettle spoon plate oven cup bread",
    "garden": "rose spade hedge lawn bee seed",
    "sea": "wave ship sail gull harbour salt",
}


@pytest.fixture
def store(home: Path) -> Store:
    """Texts of three rooms: words of one room stand together, and little words everywhere."""
    rng = np.random.default_rng(0)
    writer = StoreWriter("text")
    for words in ROOMS.values():
        for number in range(80):
            chosen = rng.choice(words.split(), 8)
            text = " ".join(word if i % 3 else f"the {word}" for i, word in enumerate(chosen))
            writer.add_text(f"{text}. Don't {number}")
    writer.finish()
    place = files.dataset_dir("rooms")
    place.parent.mkdir(parents=True, exist_ok=True)
    writer.folder.rename(place)
    return Store.open("rooms")


def places(store: Store, processor: WordProcessor, split: str) -> WordPlaces:
    return WordPlaces(store, processor, split, window=3, subsample=0.0, per_epoch=500)


def test_words_of_any_script_and_nothing_else(store: Store, tmp_path: Path) -> None:
    processor = WordProcessor.fit("rooms", store, 100, 2)
    assert processor.words[:2] == ["[UNK]", "the"]
    assert "don't" in processor.words
    assert processor.counts[0] == 0
    assert processor.counts[1:] == sorted(processor.counts[1:], reverse=True)
    shown = processor.split_words("Größe, it's हिन्दी 日本 x2 — well-known!")
    assert shown == ["größe", "it's", "हिन्दी", "日", "本", "x", "well", "known"]
    processor.save(tmp_path)
    again = WordProcessor.load(tmp_path)
    assert (again.words, again.counts) == (processor.words, processor.counts)
    (tmp_path / "processor.json").write_text("{")
    with pytest.raises(CheckpointError, match="list of words"):
        WordProcessor.load(tmp_path)


def test_what_is_asked_reads_as_what_was_learnt(store: Store) -> None:
    """The known words of a split's texts, asked one by one, are the words that it learns from."""
    processor = WordProcessor.fit("rooms", store, 100, 2)
    split = places(store, processor, "validation")
    texts = [store.text(index) for index in store.indices("validation").tolist()]
    asked = [processor([text], CPU)["ids"][0] for text in texts]
    assert torch.equal(torch.cat(asked), split.ids)


def test_companions_are_within_the_window_and_the_text(store: Store) -> None:
    processor = WordProcessor.fit("rooms", store, 100, 2)
    split = places(store, processor, "validation")
    batch = split.batch(torch.arange(200), CPU)
    again = split.batch(torch.arange(200), CPU)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert batch["contexts"].shape == (200, 6)
    rows = [set(words.split()) for words in ROOMS.values()]
    everywhere = {"the", "don't"}
    for centre, contexts, mask in zip(
        batch["centres"].tolist(), batch["contexts"].tolist(), batch["mask"].tolist(), strict=True
    ):
        word = processor.words[centre]
        room = next((row for row in rows if word in row), None)
        for context, counts in zip(contexts, mask, strict=True):
            near = processor.words[context]
            assert not counts or room is None or near in room | everywhere


def test_decoys_are_other_words_about_as_frequent(store: Store) -> None:
    processor = WordProcessor.fit("rooms", store, 100, 2)
    batch = places(store, processor, "test").batch(torch.arange(300), CPU)
    rows = batch["candidates"][batch["candidates"][:, 0] > 0]
    assert len(rows) > 100
    assert rows.shape[1] == 1 + DECOYS
    assert (rows[:, 1:] > 0).all()
    assert (rows[:, 1:] != rows[:, :1]).all()
    assert (rows < len(processor.words)).all()


def test_vectors_that_are_all_alike_score_nothing() -> None:
    model = WordVectors(30, 4, skip_gram=True, negatives=5, mapped=5)
    torch.nn.init.ones_(model.words.weight)
    candidates = torch.arange(1, 11).repeat(3, 1)
    candidates[2] = 0
    hits = companion_hits(model, torch.tensor([11, 12, 13]), candidates)
    assert hits[:2].tolist() == [0, 0]
    assert bool(hits[2].isnan())
    meter = NeighbourMeter()
    meter.add({"hits": hits}, {})
    assert meter.compute() == {"neighbours": 0.0}


@pytest.mark.parametrize("skip_gram", [True, False], ids=["skip-gram", "cbow"])
def test_words_of_one_room_come_together(store: Store, skip_gram: bool) -> None:
    """Both learn it, score far above a tenth of guessing, and answer with it."""
    torch.manual_seed(0)
    processor = WordProcessor.fit("rooms", store, 100, 2)
    model = WordVectors(len(processor.words), 16, skip_gram=skip_gram, negatives=5, mapped=12)
    train, held_out = places(store, processor, "train"), places(store, processor, "test")
    optimizer = build_optimizer(model, TrainingConfig(learning_rate=0.02, weight_decay=0.0), CPU)
    first = 0.0
    for step in range(150):
        loss = model.learn(train.batch(torch.arange(256), CPU))["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        first = first or float(loss.detach())
        assert step == 0 or float(loss.detach()) < first
    model.eval()
    meter = NeighbourMeter()
    with torch.inference_mode():
        meter.add(model.learn(held_out.batch(torch.arange(300), CPU)), {})
        assert meter.compute()["neighbours"] > 0.3
        for room, words in ROOMS.items():
            word, *others = words.split()
            answer = model.ask(processor, f"  {word.upper()} ", CPU, 4)
            near = [one["text"] for one in answer["neighbours"]]
            assert set(near) <= set(others), (room, near)
            scores = [one["score"] for one in answer["neighbours"]]
            assert scores == sorted(scores, reverse=True)
        answer = model.ask(processor, "kettle + rose - spoon", CPU, 3)
        assert not {"kettle", "rose", "spoon"} & {one["text"] for one in answer["neighbours"]}


def test_a_sum_has_signs_with_spaces_around() -> None:
    assert parse_sum("king - man + woman") == [Term(1, "king"), Term(-1, "man"), Term(1, "woman")]
    assert parse_sum(" well-known ") == [Term(1, "well-known")]
    assert parse_sum("- man") == [Term(-1, "man")]
    assert parse_sum("good night + day") == [Term(1, "good night"), Term(1, "day")]
    for nonsense in ("king - ", "+ - king", " + "):
        with pytest.raises(UsageError):
            parse_sum(nonsense)


def test_an_unknown_word_gets_a_sentence_with_similar_ones(store: Store) -> None:
    processor = WordProcessor.fit("rooms", store, 100, 2)
    model = WordVectors(len(processor.words), 8, skip_gram=True, negatives=5, mapped=12)
    with pytest.raises(UsageError, match=r"'kettel'.*Did you mean kettle"):
        model.ask(processor, "kettel", CPU, 3)
    with pytest.raises(UsageError, match="Try another word"):
        model.ask(processor, "xyzzyplugh", CPU, 3)
    with pytest.raises(UsageError, match="does not know"):
        model.ask(processor, "kettle + 123", CPU, 3)


def test_too_few_words_are_told(home: Path) -> None:
    writer = StoreWriter("text")
    for number in range(5):
        writer.add_text(f"one two three {number}")
    writer.finish()
    place = files.dataset_dir("few")
    place.parent.mkdir(parents=True, exist_ok=True)
    writer.folder.rename(place)
    with pytest.raises(DataError, match="too few to compare"):
        WordProcessor.fit("few", Store.open("few"), 100, 2)
