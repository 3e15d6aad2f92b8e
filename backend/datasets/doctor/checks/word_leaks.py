"""Texts that hold their own answer: the label's name, or one word that tells the class."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.checks.classes import plain_name
from backend.datasets.doctor.finding import Cure, Finding, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.doctor.texts import Texts, Words
from backend.datasets.skips import shown

SAMPLE = 100_000
LEAST = 10
"""Texts of a class from which on this is no chance."""
OWN, OTHERS = 0.8, 0.01
"""At least so much of a class has the word, and at most so much of the others."""
NAME_OWN, NAME_OTHERS = 0.6, 0.05
NAMED = 4


@check("word-leaks", "Looking for words that give the class away", items=("text",),
       targets=("class",), first=5)  # fmt: skip
def word_leaks(subject: Subject) -> Iterable[Finding]:
    if not subject.has_classes or len(subject.classes) < 2:
        return
    places = subject.sample(SAMPLE)
    table = WordTable(subject.texts.words, places, subject.labels[places], len(subject.classes))
    named = _names(subject, table)
    if named is not None:
        yield named
    yield from _words(subject, table, places, skip=named is not None)


class WordTable:
    """In how many texts of each class each word occurs, of words that occur often."""

    def __init__(
        self, words: Words, places: NDArray[np.int64], labels: NDArray[np.int64], classes: int
    ) -> None:
        counts = words.counts[places]
        owner = np.repeat(np.arange(len(places)), counts)
        begin = np.repeat(words.first[places] - np.cumsum(counts) + counts, counts)
        self.position = begin + np.arange(len(owner))
        # Each word once per text.
        _, first = np.unique(
            np.stack([words.hashes[self.position].view(np.int64), owner]), axis=1, return_index=True
        )
        self.position, self.owner = self.position[first], owner[first]
        hashes = words.hashes[self.position]
        unique, self.example, self.number, often = np.unique(
            hashes, return_index=True, return_inverse=True, return_counts=True
        )
        self.classes, self.sizes = classes, np.bincount(labels, minlength=classes)
        self.labels, self.hashes = labels, unique
        kept = often >= LEAST
        self.row = np.full(len(unique), -1)
        self.row[kept] = np.arange(int(kept.sum()))
        rows = self.row[self.number]
        self.kept = np.flatnonzero(kept)
        self.counts = np.bincount(
            rows[rows >= 0] * classes + labels[self.owner[rows >= 0]],
            minlength=len(self.kept) * classes,
        ).reshape(-1, classes)

    def texts_with(self, row: int) -> NDArray[np.int64]:
        """Which of the looked-at texts hold a word, by its row."""
        return self.owner[self.row[self.number] == row]


def _words(
    subject: Subject, table: WordTable, places: NDArray[np.int64], *, skip: bool
) -> Iterable[Finding]:
    """Single words that nearly all texts of a class hold and hardly any other."""
    sizes = table.sizes
    others = table.counts.sum(axis=1, keepdims=True) - table.counts
    telling = (
        (table.counts >= OWN * sizes)
        & (table.counts >= LEAST)
        & (others <= OTHERS * (sizes.sum() - sizes))
    )
    names = {plain_name(name) for name in subject.classes}
    best: dict[int, int] = {}  # class -> row, the word that most of its texts hold
    every: dict[str, None] = {}
    for row, label in np.argwhere(telling).tolist():
        word = _word(subject.texts, table, row)
        if skip and plain_name(word) in names:
            continue
        every[word] = None
        if label not in best or table.counts[row, label] > table.counts[best[label], label]:
            best[label] = row
    if not best:
        return
    found = {label: _word(subject.texts, table, row) for label, row in best.items()}
    listed = "; ".join(
        f"“{shown(word)}” in {share_words(int(table.counts[best[label], label]), sizes[label])} of "
        f"{shown(subject.classes[label])}"
        for label, word in list(found.items())[:NAMED]
    )
    flagged = np.unique(np.concatenate([table.texts_with(row) for row in best.values()]))
    yield Finding(
        "leak-word",
        "problem" if len(best) > len(subject.classes) / 2 else "warning",
        f"A single word gives {counted(len(best), 'class', 'classes')} away: {listed}"
        f"{' ...' if len(best) > NAMED else ''}, and in hardly any other text. If that word is not "
        "in the texts that you want to sort later, the model will not know what to do.",
        len(best),
        flagged=subject.present[places[flagged]],
        rows=[{"class": subject.classes[label], "word": word} for label, word in found.items()],
        cure=Cure(
            "words",
            "Take these words out",
            "“…” stands in their place in all texts.",
            indices=_holding(subject, list(every)),
            values={"words": list(every)},
        ),
    )


def _names(subject: Subject, table: WordTable) -> Finding | None:
    """Texts that hold the name of their own class, as a word of theirs."""
    found: dict[int, int] = {}
    for label, name in enumerate(subject.classes):
        row = _row_of(subject.texts, table, name)
        if row is None:
            continue
        own = table.counts[row, label]
        others = table.counts[row].sum() - own
        rest = table.sizes.sum() - table.sizes[label]
        if own >= max(LEAST, NAME_OWN * table.sizes[label]) and others <= NAME_OTHERS * rest:
            found[label] = row
    if not found:
        return None
    places = subject.sample(SAMPLE)
    held = np.unique(np.concatenate([table.texts_with(row) for row in found.values()]))
    names = ", ".join(shown(subject.classes[label]) for label in list(found)[:NAMED])
    return Finding(
        "leak-label",
        "problem" if len(found) > len(subject.classes) / 2 else "warning",
        f"Most texts of {counted(len(found), 'class', 'classes')} ({names}) hold the name of their "
        "class. A model only has to read it there, and learns nothing else.",
        len(held),
        flagged=subject.present[places[held]],
        cure=Cure(
            "words",
            "Take the names out",
            "“…” stands in their place in all texts.",
            indices=_holding(subject, [plain_name(subject.classes[label]) for label in found]),
            values={"words": [plain_name(subject.classes[label]) for label in found]},
        ),
    )


def _holding(subject: Subject, names: list[str]) -> NDArray[np.int64]:
    """The numbers of all texts with one of these words, also beyond the sample."""
    words = subject.texts.words
    wanted = Texts([name.encode() for name in names]).words.hashes
    positions = np.flatnonzero(np.isin(words.hashes, wanted))
    return subject.present[np.unique(words.first.searchsorted(positions, "right") - 1)]


def _row_of(texts: Texts, table: WordTable, name: str) -> int | None:
    """The row of a class's name where it is one word that occurs often."""
    words = Texts([name.encode()]).words
    if len(words.hashes) != 1:
        return None
    place = int(table.hashes.searchsorted(words.hashes[0]))
    if place == len(table.hashes) or table.hashes[place] != words.hashes[0]:
        return None
    row = int(table.row[place])
    return row if row >= 0 else None


def _word(texts: Texts, table: WordTable, row: int) -> str:
    return texts.word(int(table.position[table.example[table.kept[row]]]))
