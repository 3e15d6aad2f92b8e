"""Encoder-decoders of transformers from folders: T5, BART, mBART, Pegasus, Marian, in tiny."""

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import ConfigError, ModelError
from backend.models import hub_download
from backend.models.spec import Weights
from backend.models.text_pairs import TextPairProcessor
from backend.tasks import get_task
from storage import files
from storage.records import Dataset
from tests.backend.tasks.samples import pair_dataset

CPU = torch.device("cpu")
TASK = get_task("translation")
WORDS = (
    "the a cat dog house runs sleeps big small red der die Hund Katze läuft schläft und 1 2 44 . ,"
)
SMALL = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32,
         "decoder_ffn_dim": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
         "max_position_embeddings": 40, "dropout": 0.0}  # fmt: skip


def sentences(count: int = 400) -> list[str]:
    drawn = random.Random(0)
    return [" ".join(drawn.choices(WORDS.split(), k=drawn.randint(2, 9))) for _ in range(count)]


def write_tokenizer(folder: Path, special: list[str], template: list[str]) -> dict[str, int]:
    """A tokenizer.json with these tokens first, and what it puts around a text ($A)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(sentences(), trainer)
    numbers = {token: number for number, token in enumerate(special)}
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template,
            special_tokens=[(name, numbers[name]) for name in template if name != "$A"],
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    return {**numbers, "size": tokenizer.get_vocab_size()}


def t5(folder: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    marks = write_tokenizer(folder, ["<pad>", "</s>", "<unk>"], ["$A", "</s>"])
    T5ForConditionalGeneration(
        T5Config(
            vocab_size=marks["size"],
            d_model=16,
            d_ff=32,
            d_kv=8,
            num_layers=1,
            num_heads=2,
            dropout_rate=0.0,
        )
    ).save_pretrained(folder)


def bart(folder: Path) -> None:
    from transformers import BartConfig, BartForConditionalGeneration

    marks = write_tokenizer(folder, ["<s>", "<pad>", "</s>", "<unk>"], ["<s>", "$A", "</s>"])
    model = BartForConditionalGeneration(BartConfig(vocab_size=marks["size"], **SMALL))
    # As published models do: it would let no short answer through.
    model.generation_config.min_length = 20
    model.generation_config.num_beams = 4
    model.save_pretrained(folder)


def pegasus(folder: Path) -> None:
    from transformers import PegasusConfig, PegasusForConditionalGeneration

    marks = write_tokenizer(folder, ["<pad>", "</s>", "<unk>"], [])  # says nothing of an end
    config = PegasusConfig(vocab_size=marks["size"], pad_token_id=0, eos_token_id=1, **SMALL)
    PegasusForConditionalGeneration(config).save_pretrained(folder)


def mbart(folder: Path) -> None:
    from transformers import MBartConfig, MBartForConditionalGeneration

    special = ["<s>", "<pad>", "</s>", "<unk>", "de_DE", "en_XX"]
    marks = write_tokenizer(folder, special, ["en_XX", "$A", "</s>"])
    config = MBartConfig(vocab_size=marks["size"], decoder_start_token_id=2, **SMALL)
    MBartForConditionalGeneration(config).save_pretrained(folder)


def marian(folder: Path) -> None:
    """With SentencePiece files and no tokenizer.json, as Helsinki's models are published."""
    import sentencepiece
    from transformers import MarianConfig, MarianMTModel

    (folder / "lines.txt").write_text("\n".join(sentences()), encoding="utf-8")
    pieces: set[str] = set()
    for name, size in (("source", 50), ("target", 46)):
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "lines.txt"), model_prefix=str(folder / name), vocab_size=size,
            minloglevel=2,
        )  # fmt: skip
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        model = sentencepiece.SentencePieceProcessor(str(folder / f"{name}.spm"))
        pieces |= {model.id_to_piece(number) for number in range(model.get_piece_size())}
    (folder / "lines.txt").unlink()
    names = ["</s>", "<unk>", *sorted(pieces - {"<s>", "</s>", "<unk>"}), "<pad>"]
    pad = len(names) - 1
    numbers = {name: number for number, name in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(numbers), encoding="utf-8")
    config = MarianConfig(
        vocab_size=len(names), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, **SMALL
    )
    MarianMTModel(config).save_pretrained(folder)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "t5": t5, "bart": bart, "pegasus": pegasus, "mbart": mbart, "marian": marian,
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / f"tiny-{request.param}"
    folder.mkdir()
    torch.manual_seed(0)
    FAMILIES[request.param](folder)
    return folder


@cache
def any_dataset(home: Path) -> Dataset:
    """One per home; such a model brings its tokenizer along and reads nothing of it."""
    return pair_dataset()


def build(folder: Path, **changes: Any) -> tuple[Any, TextPairProcessor]:
    config = TASK.config(pretrained=True, **changes)
    spec = TASK.get_model(str(folder))
    processor = TASK.build_processor(any_dataset(files.home()), spec, config)
    assert isinstance(processor, TextPairProcessor)
    return TASK.build_model(spec, processor, config, pretrained=True), processor


@pytest.mark.parametrize("made", FAMILIES, indirect=True)
def test_every_family_learns_answers_and_is_loaded_again(
    home: Path, tmp_path: Path, made: Path
) -> None:
    from safetensors.torch import load_file

    from backend.training import checkpoints

    spec = TASK.get_model(str(made))
    assert TASK.weights(spec) is Weights.HERE
    assert spec.defaults["learning_rate"] < 1e-3
    model, processor = build(made, max_length=30, max_answer=12)
    stored = load_file(made / "model.safetensors")
    own = model.model.state_dict()
    assert all(torch.equal(own[name], stored[name]) for name in stored)

    # Three pairs are learnt by heart: loss, decoding and texts go together.
    texts, truths = ["the cat runs", "a big dog", "red house"], ["die Katze", "44", "Hund und 1"]
    batch = teach(processor, texts, truths)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(200):
        loss = TASK.compute(model, batch, train=True)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        found = TASK.predict(model, processor, texts, CPU, TASK.options())
        beams = TASK.predict(model, processor, texts, CPU, TASK.options(beams=3))
        alone = TASK.predict(model, processor, texts[2:], CPU, TASK.options())
    assert [one["text"] for one in found] == truths
    assert [one["text"] for one in beams] == truths
    assert alone[0]["text"] == truths[2]
    attention = found[0]["attention"]
    assert "".join(attention["target"]).strip() == truths[0]
    assert all(0 <= sum(row) < 1.01 for row in attention["weights"])
    assert len(attention["weights"][0]) == len(attention["source"]) > 0

    # Nothing of the folder is needed any more.
    checkpoints.save_checkpoint(
        tmp_path / "saved", model, processor.save, {}, step=1, epoch=1.0, metrics={}, is_best=True
    )
    made.rename(tmp_path / "gone")
    saved = checkpoints.load_checkpoint(tmp_path / "saved")
    again = TASK.load_processor(saved.path)
    other = TASK.build_model(spec, again, TASK.config(pretrained=True), pretrained=False)
    checkpoints.load_weights(other, saved)
    with torch.inference_mode():
        assert TASK.predict(other.eval(), again, texts, CPU, TASK.options()) == found


def teach(processor: TextPairProcessor, texts: list[str], truths: list[str]) -> dict[str, Any]:
    """A batch as TextPairSplit makes it."""
    from backend.datasets.splits import TEST, TRAIN, VALIDATION
    from backend.datasets.store import Store
    from backend.datasets.writer import StoreWriter
    from backend.models.text_pairs import TextPairSplit

    with StoreWriter("text-pair") as writer:
        for text, truth in zip(texts, truths, strict=True):
            writer.add_pair(text, truth, TRAIN)
        writer.add_pair("for the", "others", VALIDATION)
        writer.add_pair("and", "more", TEST)
        writer.finish()
        split = TextPairSplit(Store(writer.folder), processor, "train")
    return split.batch(torch.arange(len(texts)), CPU)


@pytest.mark.parametrize("made", ["marian"], indirect=True)
def test_marians_pieces_are_those_of_its_own_tokenizer(home: Path, made: Path) -> None:
    from transformers import MarianTokenizer

    _, processor = build(made, max_length=64, max_answer=64)
    theirs = MarianTokenizer.from_pretrained(made, source_lang="en", target_lang="de")
    for text in [*sentences(60), "  two  spaces ", "xyz ß 漢 the", "groß　klein", "Haus!"]:
        assert processor.source.encode(text).ids == theirs(text).input_ids, text
        ids = processor.target.encode(text).ids
        assert ids == theirs(text_target=text).input_ids, text
        written = theirs.decode(ids, skip_special_tokens=True)
        assert processor.decode(torch.tensor([ids])) == [written.strip()], text


@pytest.mark.parametrize("made", ["mbart"], indirect=True)
def test_languages_are_said_at_the_beginning(home: Path, made: Path) -> None:
    model, processor = build(made, source_language="de_DE", target_language="en_XX")
    assert processor.source.encode("der Hund").tokens[0] == "de_DE"
    assert processor.target.encode("the dog").tokens[0] == "en_XX"
    answers = model.generate(**processor(["der Hund"]))
    assert int(answers[0, 0]) == processor.target.token_to_id("en_XX")
    with pytest.raises(ConfigError, match="de_DE, en_XX"):
        build(made, target_language="fr_FR")


@pytest.mark.parametrize("made", ["bart"], indirect=True)
def test_a_model_cannot_read_more_than_it_has_places_for(home: Path, made: Path) -> None:
    model, processor = build(made, max_length=500, max_answer=500)
    assert (processor.max_length, processor.max_answer) == (40, 40)
    with torch.inference_mode():
        [answer] = TASK.predict(model.eval(), processor, ["the cat " * 100], CPU, TASK.options())
    assert "only the first 40 tokens" in answer["hints"][0]


@pytest.mark.parametrize("made", ["t5"], indirect=True)
def test_the_instruction_goes_before_each_text_and_is_not_shown(home: Path, made: Path) -> None:
    model, processor = build(made, prefix="the big:")
    assert processor.encode(["cat"]) == [processor.source.encode("the big: cat").ids]
    with torch.inference_mode():
        [answer] = TASK.predict(model.eval(), processor, ["cat runs"], CPU, TASK.options())
    assert "".join(answer["attention"]["source"]) == "cat runs"


def test_what_only_reads_is_refused_before_the_run(home: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    folder = tmp_path / "tiny-bert"
    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=32)  # fmt: skip
    BertModel(config).save_pretrained(folder)
    with pytest.raises(ModelError, match="cannot read one text and write another"):
        TASK.weights(TASK.get_model(str(folder)))


@pytest.mark.parametrize("made", ["marian"], indirect=True)
def test_a_damaged_vocabulary_is_told(home: Path, made: Path) -> None:
    (made / "source.spm").write_bytes(b"\xff\xff nothing of the kind")
    with pytest.raises(ModelError, match=r"source\.spm of tiny-marian is damaged"):
        build(made)


def test_vocabularies_are_downloaded_too() -> None:
    names = ["model.safetensors", "config.json", "spiece.model", "source.spm", "x/y.model", "a.bin"]
    chosen = hub_download.choose_files("a/b", names)
    assert set(chosen) == {"model.safetensors", "config.json", "spiece.model", "source.spm"}
