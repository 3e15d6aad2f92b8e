"""A look into a data set: examples as texts, PNG or WAV files, and counts; for the pages."""

import io
import re
import wave
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.datasets.images import encode_png
from backend.datasets.splits import SPLITS
from backend.datasets.state import State, count_classes
from backend.datasets.store import SAMPLE_RATE, Store
from backend.errors import UsageError
from storage.records import Dataset

LONGEST_TITLE = 200
EXAMPLE_TEXTS, EVERYWHERE, CANDIDATES, USUAL = 200, 60, 300, 8
"""Texts in which words to try are looked for, ranks of words that are in each text, words to choose
from, and how often one must occur."""
CLASSIC = "king - man + woman"
_LONG_WORD = re.compile(r"[^\W\d_]{4,}|king|man")


@dataclass(frozen=True, slots=True)
class ShownBox:
    """A box in a picture: its class and its corners in pixels."""

    label: str
    corners: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its number in the store and what there is of it.

    label: its class, "" without classes. text, png, wav: what it is. target: the text that belongs
    to it. boxes: what is where in its picture.
    """

    index: int
    label: str
    text: str | None = None
    png: bytes | None = None
    wav: bytes | None = None
    target: str | None = None
    boxes: tuple[ShownBox, ...] = ()

    @property
    def value(self) -> str | bytes:
        """What a model is asked with."""
        return next(one for one in (self.text, self.png, self.wav, "") if one is not None)

    @property
    def title(self) -> str:
        """What to call it in a list."""
        return self.text[:LONGEST_TITLE] if self.text is not None else f"example {self.index}"

    @property
    def truth(self) -> str | None:
        """The right answer as a text, where there is one."""
        if self.boxes:
            return ", ".join(sorted(box.label for box in self.boxes))
        return self.target if self.target is not None else self.label or None


def list_examples(
    dataset: Dataset,
    split: str = "train",
    *,
    limit: int = 24,
    seed: int = 0,
    label: str | None = None,
) -> list[Example]:
    """Up to `limit` examples of a split in an order drawn by seed, of one class where asked.

    Raises DataError where the files are damaged, UsageError on an unknown split or class.
    """
    if split not in SPLITS:
        raise UsageError(f"There is no split called {split!r}. Known: {', '.join(SPLITS)}.")
    if label is not None and label not in dataset.classes:
        known = ", ".join(dataset.classes[:20])
        raise UsageError(f"{dataset.name} has no class called {label!r}. Known: {known}.")
    store = Store.open(dataset)
    indices = store.indices(split)
    if label is not None:
        indices = indices[_of_class(store, indices, dataset.classes.index(label))]
    chosen = np.random.default_rng(seed).permutation(indices)[:limit]
    return [read_example(dataset, store, int(index)) for index in chosen]


def read_example(dataset: Dataset, store: Store, index: int) -> Example:
    """One example by its number, as it can be shown."""
    label = dataset.classes[store.labels[index]] if store.target == "class" else ""
    target: str | None = None
    boxes: tuple[ShownBox, ...] = ()
    if store.target == "text":
        target = store.target_text(index)
    elif store.target == "boxes":
        boxes = _boxes(dataset, store, index)
    if store.kind == "image":
        return Example(index, label, png=encode_png(store.image(index)), boxes=boxes)
    if store.kind == "audio":
        return Example(index, label, wav=encode_wav(store.sound(index)))
    if store.kind == "rating":
        return Example(index, label, text=_rating(store, index))
    return Example(index, label, text=store.text(index), target=target)


def first_words(text: str, most: int = 40) -> str:
    """The beginning of a text up to about `most` characters, at the end of a word."""
    if len(text) <= most:
        return text
    cut = text[:most]
    place = max(cut.rfind(" "), cut.rfind("\n"))
    return cut[:place] if place > most // 3 else cut


def example_words(dataset: Dataset, *, limit: int, seed: int) -> list[str]:
    """Words of the texts that are neither rare nor in each of them, a sum of words, a beginning."""
    texts = [one.text or "" for one in list_examples(dataset, "test", limit=EXAMPLE_TEXTS)]
    learnt = list_examples(dataset, "train", limit=EXAMPLE_TEXTS)
    counts = Counter(
        word for one in learnt for word in _LONG_WORD.findall((one.text or "").lower())
    )
    often = [word for word, count in counts.most_common() if count >= USUAL]
    middle = often[min(EVERYWHERE, len(often) // 4) :][:CANDIDATES]
    begun = first_words(texts[seed % len(texts)])
    if len(middle) < 3:
        return [begun]
    order = np.random.default_rng(seed).permutation(len(middle)).tolist()
    words = [middle[place] for place in order[: max(3, limit - 2)]]
    known = all(counts[word] >= USUAL for word in CLASSIC.split()[::2])
    asked = CLASSIC if known and seed == 0 else f"{words[0]} + {words[1]}"
    return [*words[:3], asked, begun, *words[3:]][:limit]


def _of_class(store: Store, indices: NDArray[np.int64], label: int) -> NDArray[np.bool_]:
    """Which of the examples are of a class, or have a box of it."""
    if store.target == "boxes":
        return np.array([label in store.boxes(int(i))[1] for i in indices], bool)
    return store.labels[indices] == label


def _boxes(dataset: Dataset, store: Store, index: int) -> tuple[ShownBox, ...]:
    corners, labels = store.boxes(index)
    return tuple(
        ShownBox(dataset.classes[label], (x1, y1, x2, y2))
        for (x1, y1, x2, y2), label in zip(corners.tolist(), labels.tolist(), strict=True)
    )


def _rating(store: Store, index: int) -> str:
    row, names = store.ratings()[index], store.names()
    return f"{names['users'][row['user']]}: {names['items'][row['item']]}, {row['value']:g}"


def encode_wav(sound: NDArray[np.int16]) -> bytes:
    """A mono recording of SAMPLE_RATE samples a second, int16 [n], as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(np.ascontiguousarray(sound, "<i2").tobytes())
    return file.getvalue()


def class_counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    """How many examples each class has in each split: class -> split -> number."""
    counts = dataset.details.get("counts")
    if counts is None:
        store = Store.open(dataset)
        counts = count_classes(dataset.classes, store, State.of(dataset, store))
    return counts
