"""The list of words: one plain sentence each, and no word that nobody explained."""

import re
from pathlib import Path

import pytest

from backend.errors import NotFoundError
from backend.glossary import GROUPS, TERMS, matching, meaning

PAGES = Path(__file__).resolve().parents[2] / "pages"


def test_each_word_has_one_sentence_and_stands_once() -> None:
    words = [term.word.casefold() for term in TERMS]
    assert len(words) == len(set(words))
    for term in TERMS:
        assert re.fullmatch(r"[A-Z][^.]{15,}\.", term.sentence), term
        assert term.group in GROUPS


def test_the_pages_ask_only_for_words_that_are_explained() -> None:
    asked = {
        word
        for file in PAGES.rglob("*.py")
        for word in re.findall(r'meaning\("([^"]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert len(asked) > 5
    for word in asked:
        assert meaning(word)
    with pytest.raises(NotFoundError):
        meaning("no such word")


def test_words_are_found_by_name_and_sentence() -> None:
    assert [term.word for term in matching("RECALL")] == ["Found"]
    assert len(matching("")) == len(TERMS)
    assert matching("xyzzy") == []
