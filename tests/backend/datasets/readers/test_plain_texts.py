"""Plain texts: cut where a person would, with the file that each example came from."""

import io
from pathlib import Path

import pytest

from backend.datasets.readers.plain_texts import (
    CUTTERS,
    LONGEST,
    PASSAGE,
    WHOLE,
)
from backend.errors import UsageError
from tests.backend.datasets.conftest import (
    bring,
    by_split,
    look,
    reasons,
    refused,
    texts,
    write_files,
    write_zip,
)

SENTENCE = "The quick brown fox jumps over the lazy dog number {}. "


def paragraphs(count: int, sentences: int = 3) -> str:
    return "\n\n".join(
        "\n".join(SENTENCE.format(f"{n}-{k}") for k in range(sentences)) for n in range(count)
    )


def cut(kind: str, text: str) -> list[str]:
    return list(CUTTERS[kind](io.StringIO(text)))


def test_paragraphs() -> None:
    found = cut("paragraphs", "\n\nOne line\nand  another.\n \n\nSecond.\n\n\n")
    assert found == ["One line and another.", "Second."]


def test_lines() -> None:
    assert cut("lines", "a\n\n  b  \nc") == ["a", "b", "c"]


def test_passages_end_with_a_sentence_or_paragraph() -> None:
    found = cut("passages", paragraphs(60) + "\n\n" + SENTENCE.format("x") * 100)
    assert all(PASSAGE * 0.9 <= len(text) <= 2 * PASSAGE for text in found[:-1])
    assert all(text.endswith(".") for text in found)
    assert "".join("".join(found).split()) == "".join(
        (paragraphs(60) + SENTENCE.format("x") * 100).split()
    )


@pytest.mark.parametrize("kind", sorted(CUTTERS))
@pytest.mark.parametrize(
    "text",
    [
        "word " * 50_000,
        "x" * 100_000,
        "no end here " * 3_000 + "\n\n" + "y" * 30_000 + "\n" + "z\n" * 5_000,
        "一" * 50_000,
        "\n" * 10_000,
        "",
    ],
)
def test_nothing_is_lost_and_nothing_is_endless(kind: str, text: str) -> None:
    found = cut(kind, text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(found)
    most = {"passages": 2 * LONGEST, "paragraphs": LONGEST, "files": WHOLE, "lines": 2 * WHOLE}
    assert all(len(one) <= most[kind] for one in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (paragraphs(8), "paragraphs"),
        (paragraphs(400), "passages"),
        ("\n".join(SENTENCE.format(n) for n in range(40)), "lines"),
        ("\n".join(SENTENCE.format(n) for n in range(4000)), "lines"),
        ("".join(SENTENCE.format(n) for n in range(2000)), "passages"),
    ],
)
def test_how_a_text_is_cut_is_found_out(
    home: Path, tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "book.txt"
    path.write_text(text)
    found = look(path, "text", tmp_path / "look")
    assert found.cut == expected
    dataset = bring(path, "text")
    assert dataset.details["cut"] == expected
    assert dataset.details["sources"] == [{"name": "book.txt", "examples": dataset.rows}]
    assert dataset.rows == found.count
    # Or as the user wants it.
    other = bring(path, "text", "other", cut="lines")
    assert other.details["cut"] == "lines"
    with pytest.raises(UsageError, match="passages, paragraphs, lines, files"):
        bring(path, "text", "third", cut="words")


def test_many_short_files_are_examples_as_they_are(home: Path, tmp_path: Path) -> None:
    members = {f"notes/{n}.txt": f"note {n}\n\nwith a tail\n".encode() for n in range(20)}
    members |= {
        "notes/empty.txt": b"", "notes/blank.txt": b" \n", "notes/x.png": b"x",
        "notes/b.txt": bytes(range(256)), "notes/old.txt": "für".encode("latin-1"),
    }  # fmt: skip
    dataset = bring(write_zip(tmp_path / "a.zip", members), "text")
    assert dataset.rows == 21
    assert "note 3\n\nwith a tail" in texts(dataset)
    assert "für" in texts(dataset)
    assert reasons(dataset) == {
        "notes/empty.txt": "It is empty (0 bytes).",
        "notes/blank.txt": "It holds no text.",
        "notes/x.png": "It is not a text file.",
        "notes/b.txt": "It is not a text file: it holds binary data.",
    }


def test_folders_named_for_splits(home: Path, tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "books",
        {f"{s}/{n}.txt": paragraphs(9).encode() + str(n).encode() for s in ("train", "test")
         for n in range(2)},
    )  # fmt: skip
    assert by_split(bring(folder, "text"))["test"] == 18


def test_tables_are_read_as_tables(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text\n" + "".join(f"some words, and more {n}\n" for n in range(20)))
    dataset = bring(path, "text")
    assert texts(dataset)[0] == "some words, and more 0"
    path.write_text("id,text,n\n" + "".join(f"{n},words {n},x\n" for n in range(20)))
    assert texts(bring(path, "text", "second"))[3] == "words 3"


@pytest.mark.parametrize("text", ["", "\n \n\n"])
def test_nothing_in_it(home: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.txt"
    path.write_text(text)
    with refused(tmp_path, "t.txt"):
        bring(path, "text")


def test_the_encoding_can_be_said(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes("\n".join(f"Łódź {n} żółć" for n in range(20)).encode("cp1250"))
    assert texts(bring(path, "text", encoding="cp1250"))[0] == "Łódź 0 żółć"
    with pytest.raises(UsageError, match="utf-8, utf-16"):
        bring(path, "text", "other", encoding="rot13")
