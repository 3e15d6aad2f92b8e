"""Beginnings of texts, and words to try: known to a model, and neither rare nor everywhere."""

from pathlib import Path

from backend import datasets
from backend.datasets.preview import CLASSIC, example_words, first_words
from tests.backend.tasks.samples import plain_dataset


def test_first_words_end_with_a_word() -> None:
    assert first_words("short") == "short"
    assert first_words("to be, or not to be, that is the question", 20) == "to be, or not to"
    assert first_words("x" * 60, 20) == "x" * 20
    assert first_words("one two\nthree four five", 12) == "one two"


def test_words_to_try_occur_often_enough(home: Path) -> None:
    dataset = datasets.get_dataset("plays")
    first = example_words(dataset, limit=8, seed=0)
    assert CLASSIC in first
    assert first == example_words(dataset, limit=8, seed=0)
    other = example_words(dataset, limit=8, seed=1)
    assert other != first
    assert any(" + " in words for words in other)
    everywhere = {"that", "this", "with", "have", "your"}
    assert not everywhere & {word for words in (first, other) for word in words}


def test_of_little_text_the_beginning_is_all_there_is_to_try(home: Path) -> None:
    assert len(example_words(plain_dataset(), limit=8, seed=0)) >= 1
