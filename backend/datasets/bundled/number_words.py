"""Writes numbers in words in ten languages, for the bundled `number-words`.

The words come from the package num2words; which number comes next is drawn by the program, always
the same ones. What makes it worth learning: German and Dutch say the ones before the tens, French
counts in twenties up to a hundred and Danish in scores, some write all of it as one long word.
"""

import random
from collections.abc import Iterator
from pathlib import Path

from backend.datasets.bundled import record
from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "da", "sv", "pl", "tr")
COUNT = 6000
LARGEST = 6
"""Digits of the longest number."""
SEED = 2026


def write_numbers() -> Iterator[tuple[str, str]]:
    """Pairs of a number in words and its digits; short ones are as likely as long ones."""
    from num2words import num2words

    drawn = random.Random(SEED)
    seen: set[str] = set()
    while len(seen) < COUNT:
        number = int(10 ** drawn.uniform(0, LARGEST))
        words = num2words(number, lang=drawn.choice(LANGUAGES))
        if words not in seen:
            seen.add(words)
            yield words, str(number)


def _fill_number_words(writer: StoreWriter, folder: Path) -> None:
    for words, digits in write_numbers():
        writer.add_pair(words, digits)


SETS = (
    Bundled(
        name="number-words",
        title="Numbers in words",
        description="6,000 numbers below a million in the words of ten languages, to be written in "
        "digits: siebenundneunzig and quatre-vingt-dix-sept are both 97.",
        format="text-pair",
        task="translation",
        source="The package num2words by Virgil Dupras and contributors",
        licence="LGPL-2.1 (num2words); the numbers are drawn by Trainroom",
        needs="the package num2words (pip install --no-deps num2words==0.5.14)",
        source_note="English, German, French, Spanish, Italian, Dutch, Danish, Swedish, Polish and "
        "Turkish. No number stands in two parts in the same language.",
        find=lambda: record.package_file("num2words", "lang_EN.py"),
        fill=_fill_number_words,
    ),
)
