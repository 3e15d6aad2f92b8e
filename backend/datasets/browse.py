"""Finding examples in a data set and showing them by the page; for the data set's page.

Everything works on arrays: a million examples are filtered in the time of a click.
"""

import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Finding
from backend.datasets.images import encode_png
from backend.datasets.preview import Example, read_example
from backend.datasets.splits import DROPPED, SPLITS
from backend.datasets.state import State, relabelled
from backend.datasets.store import Store
from backend.errors import UsageError
from storage import files
from storage.records import Dataset

LEFT_OUT = "left out"
"""What to ask for beside the splits: examples that the version has dropped."""
MOST_FOUND = 2_000_000
THUMBNAIL = 176
"""Pixels of the longer side of a picture in a gallery."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which examples to show: of a class, a part, with these words, flagged by a finding, edited.

    words: for texts, whatever their case; for ratings in the names of people and things.
    """

    label: str | None = None
    split: str | None = None
    words: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """An example with what a gallery says about it."""

    example: Example
    split: str
    edited: bool


def find_examples(
    dataset: Dataset, wanted: Wanted, finding: Finding | None = None
) -> NDArray[np.int64]:
    """The numbers of the examples that are wanted, in stored order or in the finding's.

    Raises UsageError on an unknown class or part, DataError where the files are damaged.
    """
    store = Store.open(dataset)
    found = store.present() if finding is None else finding.flagged
    if wanted.split == LEFT_OUT:
        found = np.flatnonzero(store.splits == DROPPED)
    elif wanted.split:
        if wanted.split not in SPLITS:
            raise UsageError(f"There is no part called {wanted.split!r}.")
        found = found[store.splits[found] == SPLITS.index(wanted.split)]
    if wanted.label is not None:
        found = found[_of_class(dataset, store, found, wanted.label)]
    if wanted.edited:
        found = found[edited_examples(dataset, store)[found]]
    if wanted.words.strip():
        found = found[_with_words(store, found, wanted.words.strip())]
    return found


def read_page(dataset: Dataset, indices: NDArray[np.int64]) -> list[Shown]:
    """The examples of one page; pictures small enough for a gallery."""
    store = Store.open(dataset)
    edited = edited_examples(dataset, store)
    shown = []
    for index in indices.tolist():
        example = _small_example(dataset, store, index)
        split = int(store.splits[index])
        name = LEFT_OUT if split == DROPPED else SPLITS[split]
        shown.append(Shown(example, name, bool(edited[index])))
    return shown


def edited_examples(dataset: Dataset, store: Store) -> NDArray[np.bool_]:
    """Which examples have another class, text or boxes than they were brought in with, [n]."""
    base = Store(files.dataset_dir(dataset.id))
    found = relabelled(base, State.of(dataset, store))
    for edits in (store.item_edits, store.target_edits):
        found[edits.indices] = True
    return found


def thumbnail(image: NDArray[np.uint8]) -> bytes:
    """A picture for a gallery: as it is where it is small, else shrunk, as JPEG."""
    from PIL import Image

    if max(image.shape[:2]) <= THUMBNAIL:
        return encode_png(image)
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _small_example(dataset: Dataset, store: Store, index: int) -> Example:
    """Boxes are drawn on the whole picture; others are shown small."""
    if store.kind != "image" or store.target == "boxes":
        return read_example(dataset, store, index)
    label = int(store.labels[index])
    name = dataset.classes[label] if store.target == "class" and label >= 0 else ""
    return Example(index, name, png=thumbnail(store.image(index)))


def _of_class(
    dataset: Dataset, store: Store, found: NDArray[np.int64], label: str
) -> NDArray[np.bool_]:
    if label not in dataset.classes:
        raise UsageError(f"{dataset.name} has no class called {label!r}.")
    number = dataset.classes.index(label)
    if store.target == "boxes":
        boxes, owners = store.all_boxes()
        return np.isin(found, owners[boxes["label"] == number])
    return store.labels[found] == number


def _with_words(store: Store, found: NDArray[np.int64], words: str) -> NDArray[np.bool_]:
    """Which of the examples hold the words, small letters and capitals alike, [k]."""
    if store.kind == "rating":
        return _rated(store, found, words)
    if store.kind != "text":
        return np.ones(len(found), bool)
    has = np.zeros(len(store), bool)
    pattern = ignoring_case(words)
    sides: list[tuple[Any, Any]] = [(store.raw(), store.item_edits)]
    if store.target == "text":
        sides.append((store.raw_targets(), store.target_edits))
    for (items, starts), edits in sides:
        held = np.zeros(len(store), bool)
        held[_holders(pattern, items, starts)] = True
        for index, text in edits.items():
            held[index] = pattern.search(text) is not None
        has |= held
    return has[found]


def ignoring_case(words: str) -> re.Pattern[bytes]:
    """A pattern that finds words in UTF-8 whatever their case, in any script."""
    parts = []
    for sign in " ".join(words.split())[:200]:
        if sign.isspace():
            parts.append(rb"\s+")
            continue
        forms = dict.fromkeys((sign, sign.lower(), sign.upper()))
        escaped = [re.escape(form.encode("utf-8", "replace")) for form in forms]
        parts.append(escaped[0] if len(escaped) == 1 else b"(?:" + b"|".join(escaped) + b")")
    return re.compile(b"".join(parts))


def _holders(
    pattern: re.Pattern[bytes], items: Any, starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The numbers of the items in which a pattern is found, all searched in one go."""
    if not len(items):
        return np.empty(0, np.int64)
    matches = islice(pattern.finditer(items), MOST_FOUND)
    spans = np.array([match.span() for match in matches], np.int64).reshape(-1, 2)
    owners = starts.searchsorted(spans[:, 0], "right") - 1
    # What begins in one text and ends in the next is in neither.
    return owners[spans[:, 1] <= starts[owners + 1]]


def _rated(store: Store, found: NDArray[np.int64], words: str) -> NDArray[np.bool_]:
    names, rows, plain = store.names(), store.ratings()[found], words.casefold()
    has = np.zeros(len(found), bool)
    for role, field in (("users", "user"), ("items", "item")):
        named = np.array([plain in name.casefold() for name in names[role]], bool)
        has |= named[rows[field]]
    return has
