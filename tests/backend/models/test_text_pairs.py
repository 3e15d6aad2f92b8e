"""Pairs of texts: any script comes back to the letter, long ones are cut, pieces stand for text."""

from pathlib import Path

import pytest
import torch

from backend.datasets.store import Store
from backend.errors import CheckpointError
from backend.models.text_pairs import (
    END_ID,
    NOT_COUNTED,
    PAD_ID,
    START_ID,
    TextPairProcessor,
    TextPairSplit,
    load_or_train_pair_tokenizer,
)
from storage import files
from storage.records import Dataset
from tests.backend.tasks.samples import pair_dataset

CPU = torch.device("cpu")


def make(
    max_length: int = 64, max_answer: int = 64, prefix: str = "", dataset: Dataset | None = None
) -> TextPairProcessor:
    dataset = dataset or pair_dataset()
    tokenizer = load_or_train_pair_tokenizer(dataset.id, Store.open(dataset.id), 400)
    return TextPairProcessor(tokenizer, tokenizer, max_length, max_answer, prefix=prefix)


@pytest.mark.parametrize(
    "text", ["Two PLUMS, 2026-11-24!", "Äpfel für 3 m²", "雨が降る", "שלום", "👩‍👩‍👧 and é", "a  b"]
)
def test_answers_come_back_to_the_letter(home: Path, tmp_path: Path, text: str) -> None:
    processor = make()
    processor.save(tmp_path)
    again = TextPairProcessor.load(tmp_path)
    [ids] = again.encode_answers([text])
    assert ids == processor.encode_answers([text])[0]
    assert ids[-1] == END_ID
    assert again.decode(torch.tensor([[*ids, PAD_ID, PAD_ID]])) == [text]


def test_both_sides_and_every_digit_are_known_by_the_same_number(home: Path) -> None:
    processor = make()
    [read], [written] = processor.encode(["7 balls"]), processor.encode_answers(["7 balls"])
    assert read == written
    tokens = processor.source.encode("1907").tokens
    assert tokens[:4] == ["1", "9", "0", "7"]


def test_what_is_too_long_keeps_its_end(home: Path) -> None:
    processor = make(max_length=5, max_answer=4)
    [read], [written] = processor.encode(["plums " * 30]), processor.encode_answers(["1 2 3 4 5"])
    assert (len(read), len(written)) == (5, 4)
    assert read[-1] == written[-1] == END_ID
    assert processor.source_pieces("plums " * 30)[1] is False
    assert processor.source_pieces("plums")[1] is True


def test_a_batch_begins_with_start_and_counts_no_padding(home: Path) -> None:
    dataset = pair_dataset()
    processor = make(dataset=dataset)
    split = TextPairSplit(Store.open(dataset.id), processor, "train")
    batch = split.batch(torch.tensor([3, 0, 7]), CPU)
    labels, begun = batch["labels"], batch["decoder_input_ids"]
    assert begun[:, 0].tolist() == [START_ID] * 3
    kept = labels[:, :-1] != NOT_COUNTED
    assert torch.equal(begun[:, 1:][kept], labels[:, :-1][kept])
    for row, truth in zip(labels, batch["truths"], strict=True):
        ids = row[row != NOT_COUNTED]
        assert ids[-1] == END_ID
        assert processor.decode(ids[None]) == [truth]


@pytest.mark.parametrize("prefix", ["", "translate: "])
def test_pieces_of_what_is_read_make_up_the_text(home: Path, prefix: str) -> None:
    processor = make(prefix=prefix)
    text = "There are seven Äpfel 👩‍👧 and 雨."
    pieces, _ = processor.source_pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    assert [text[piece.start :][: len(piece.text)] for piece in pieces] == [
        piece.text for piece in pieces
    ]
    places = [place for piece in pieces for place in range(piece.first, piece.last + 1)]
    ids = processor.encode([text])[0]
    assert places == sorted(set(places))
    assert places[-1] == len(ids) - 2  # all but the end


def test_pieces_of_an_answer_write_whole_characters(home: Path) -> None:
    processor = make()
    ids = processor.encode_answers(["4 雨 Ä"])[0]
    pieces = processor.answer_pieces([*ids, PAD_ID])
    assert "".join(piece.text for piece in pieces) == "4 雨 Ä"
    assert pieces[0].first == 0
    assert pieces[-1].last == len(ids) - 2


def test_the_tokenizer_is_trained_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = pair_dataset()
    first = make(dataset=dataset)
    monkeypatch.setattr("backend.models.text_pairs.train_tokenizer", None)
    assert make(dataset=dataset).source.to_str() == first.source.to_str()
    [kept] = (files.dataset_dir(dataset.id) / "cache").glob("tokenizer-*.json")
    kept.write_text("{")  # a damaged one is made anew
    monkeypatch.undo()
    monkeypatch.setenv("TRAINROOM_HOME", str(home))
    assert make(dataset=dataset).source.to_str() == first.source.to_str()


@pytest.mark.parametrize("name", ["processor.json", "tokenizer.json"])
def test_a_damaged_processor_is_told(home: Path, tmp_path: Path, name: str) -> None:
    make().save(tmp_path)
    (tmp_path / name).write_text("{")
    with pytest.raises(CheckpointError, match="Train the model again"):
        TextPairProcessor.load(tmp_path)
