"""Texts: any script round trip, padding that changes nothing, the tokenizer's cache."""

from pathlib import Path

import pytest
import torch

from backend.datasets.store import Store
from backend.errors import CheckpointError
from backend.models import text_processing
from backend.models.text_processing import TextProcessor, train_tokenizer
from backend.tasks import get_task
from storage import files
from tests.backend.tasks.samples import text_dataset

CPU = torch.device("cpu")
TASK = get_task("text-classification")
ZERO = ["embedding-bag", "gru", "lstm", "transformer"]


@pytest.mark.parametrize(
    "text",
    [
        "plain words, 123 and signs!?",
        "emoji 😀 and a family 👩‍👩‍👧 with joiners",
        "שלום עולם",
        "مرحبا بالعالم",
        "你好世界",
        "日本語のテキスト",
        "สวัสดีชาวโลก",
        "नमस्ते दुनिया",
        "e\u0301 combined",
        "two  spaces\nand a line",
    ],
)
def test_every_script_comes_back(text: str, tmp_path: Path) -> None:
    import unicodedata

    tokenizer = train_tokenizer(["some english words", "and others"], 400)
    processor = TextProcessor(["a"], 512, tokenizer)
    processor.save(tmp_path)
    again = TextProcessor.load(tmp_path)
    ids = again.encode([text])[0]
    assert ids == processor.encode([text])[0]
    assert again.tokenizer.decode(ids) == unicodedata.normalize("NFKC", text).lower()


@pytest.mark.parametrize("name", ZERO)
def test_the_company_of_longer_texts_changes_nothing(home: Path, name: str) -> None:
    dataset, config, spec = text_dataset(), TASK.config(vocabulary_size=400), TASK.get_model(name)
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=False).eval()
    with torch.inference_mode():
        [alone] = TASK.predict(model, processor, ["apple pear"], CPU, TASK.options())
        together = TASK.predict(
            model, processor, ["apple pear", "rain " * 60], CPU, TASK.options()
        )[0]
    assert alone["probabilities"] == pytest.approx(together["probabilities"], abs=1e-5)


@pytest.mark.parametrize("name", ZERO)
@pytest.mark.parametrize("text", ["", " ", "\u200b", "x" * 100_000])
def test_odd_texts_get_an_answer(home: Path, name: str, text: str) -> None:
    dataset, config, spec = text_dataset(), TASK.config(vocabulary_size=400), TASK.get_model(name)
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=False).eval()
    with torch.inference_mode():
        [answer] = TASK.predict(model, processor, [text], CPU, TASK.options())
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_long_texts_are_cut(home: Path) -> None:
    processor = TextProcessor(["a"], 7, train_tokenizer(["a b c"], 300))
    assert len(processor.encode(["a b c d e f g h i"])[0]) == 7
    batch = processor(["a", "a b c d e f g h i"])
    assert batch["input_ids"].shape == (2, 7)
    assert batch["attention_mask"].sum(dim=1).tolist() == [1, 7]


def test_the_tokenizer_is_trained_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = text_dataset()
    store = Store.open(dataset.id)
    first = text_processing.load_or_train_tokenizer(dataset.id, store, 400)

    def never(*args: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(text_processing, "train_tokenizer", never)
    again = text_processing.load_or_train_tokenizer(dataset.id, store, 400)
    assert again.to_str() == first.to_str()
    with pytest.raises(AssertionError):
        text_processing.load_or_train_tokenizer(dataset.id, store, 500)
    assert not list((files.home() / "tmp").iterdir())


def test_a_damaged_cache_is_made_anew(home: Path) -> None:
    dataset = text_dataset()
    store = Store.open(dataset.id)
    first = text_processing.load_or_train_tokenizer(dataset.id, store, 400)
    [cached] = (files.dataset_dir(dataset.id) / "cache").iterdir()
    cached.write_text(cached.read_text()[:100])
    again = text_processing.load_or_train_tokenizer(dataset.id, store, 400)
    assert again.to_str() == first.to_str()


def test_only_training_texts_shape_the_tokenizer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = text_dataset()
    store = Store.open(dataset.id)
    seen: list[str] = []
    train = text_processing.train_tokenizer
    monkeypatch.setattr(
        text_processing,
        "train_tokenizer",
        lambda texts, size: seen.extend(texts) or train(texts, size),
    )
    text_processing.load_or_train_tokenizer(dataset.id, store, 400)
    assert seen == [store.text(index) for index in store.indices("train").tolist()]


def test_lengths_are_those_of_the_batches(home: Path) -> None:
    dataset, config = text_dataset(), TASK.config(vocabulary_size=400)
    processor = TASK.build_processor(dataset, TASK.get_model("gru"), config)
    split = TASK.load_split(dataset, processor, config, "train")
    batch = split.batch(torch.arange(len(split)), CPU)
    assert split.lengths is not None
    assert torch.equal(batch["attention_mask"].sum(dim=1), split.lengths)
    assert int(batch["attention_mask"].sum(dim=1).max()) == batch["input_ids"].shape[1]


def test_a_damaged_tokenizer_gets_a_sentence(tmp_path: Path) -> None:
    TextProcessor(["a"], 7, train_tokenizer(["a b c"], 300)).save(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="Train the model again"):
        TextProcessor.load(tmp_path)
