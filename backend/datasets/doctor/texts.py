"""Many texts at once as arrays: their words as hashes, so that a million are looked through fast.

Words are found without a loop in Python: a polynomial hash of every range of bytes comes from
running sums (Karp and Rabin, 1987), all arithmetic modulo 2^64.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 200_000_000
"""Together; of longer collections the beginning of each text is read."""
LEAST_BYTES = 400
CHUNK = 4_000_000
_SEPARATOR, _SPACE = 0, 32
_LETTERS = bytes(
    sign if sign >= 0x80 or sign == 0 or chr(sign).isalnum() else 32 for sign in range(256)
)
"""Every sign of ASCII that is part of no word, as a space."""
_SIGNS = re.compile(
    "[\u00a0-\u00bf\u00d7\u00f7\u2000-\u206f\u3000-\u3003\u3008-\u301f\uff01-\uff0f]+"
)
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0487]+")
_WIDE = re.compile("([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff])")
BASE, STEP = np.uint64(0x9E3779B97F4A7C15 | 1), np.uint64(0xD6E8FEB86659FD93)


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers whose bits all depend on each other (the finalizer of SplitMix64, Steele 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of all texts, one after the other: where each lies in `plain`, its hash [w]."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    first: NDArray[np.int64]
    """Where each text's words begin, and where the last one's end, [m + 1]."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Words per text, [m]."""
        return np.diff(self.first)

    def owners(self) -> NDArray[np.int64]:
        """Which text each word is of, [w]."""
        return np.repeat(np.arange(len(self.first) - 1), self.counts)


class Texts:
    """A collection of texts, read once; all arrays are in their order, [m]."""

    def __init__(self, texts: list[bytes]) -> None:
        """texts: UTF-8."""
        self.bytes = np.array([len(text) for text in texts], np.int64)
        self.cut = 0
        total = int(self.bytes.sum())
        if total > MOST_BYTES:
            self.cut = max(LEAST_BYTES, MOST_BYTES // max(1, len(texts)))
            texts = [text[: self.cut].decode("utf-8", "ignore").encode() for text in texts]
        self.blob = b"\0".join(text.replace(b"\0", b" ") for text in texts) + b"\0"
        self.ends = np.flatnonzero(np.frombuffer(self.blob, np.uint8) == _SEPARATOR)
        self.starts = np.concatenate([[0], self.ends[:-1] + 1]).astype(np.int64)

    def __len__(self) -> int:
        return len(self.bytes)

    def text(self, place: int) -> str:
        """One text, cut where it is very long."""
        return self.blob[self.starts[place] : self.ends[place]].decode("utf-8")

    def place_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which text each position in the blob lies in."""
        return self.ends.searchsorted(positions)

    @cached_property
    def characters(self) -> NDArray[np.int64]:
        """Characters per text: bytes that do not continue one."""
        begins = (np.frombuffer(self.blob, np.uint8) & 0xC0) != 0x80
        # The zero at each end counts as one more.
        return np.add.reduceat(begins, self.starts, dtype=np.int64) - 1

    @cached_property
    def plain(self) -> bytes:
        """All texts in lower case, without accents, and spaces for whatever is part of no word."""
        if self.blob.isascii():
            return self.blob.lower().translate(_LETTERS)
        text = unicodedata.normalize("NFKD", self.blob.decode("utf-8")).casefold()
        text = _SIGNS.sub(" ", _MARKS.sub("", text))
        text = _WIDE.sub(r" \1 ", text)  # scripts without spaces: each sign is a word
        return text.encode().translate(_LETTERS)

    @cached_property
    def words(self) -> Words:
        """The words of all texts."""
        signs = np.frombuffer(self.plain, np.uint8)
        inside = (signs != _SEPARATOR) & (signs != _SPACE)
        edges = np.flatnonzero(np.diff(inside.view(np.int8), prepend=0, append=0))
        starts, ends = edges[::2], edges[1::2]
        borders = np.flatnonzero(signs == _SEPARATOR)
        first = np.concatenate([[0], ends.searchsorted(borders, "right")]).astype(np.int64)
        return Words(starts, ends, range_hashes(signs, starts, ends), first)

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """A hash of each text's words in their order; of the bytes where it has no word."""
        words = self.words
        counts = words.counts
        position = np.arange(len(words.hashes)) - np.repeat(words.first[:-1], counts)
        powers = _powers(STEP, int(counts.max(initial=0)) + 1)
        values = words.hashes * powers[position]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values)])
        found = mixed(sums[words.first[1:]] - sums[words.first[:-1]] + counts.astype(np.uint64))
        for place in np.flatnonzero(counts == 0).tolist():
            found[place] = hash(bytes(self.blob[self.starts[place] : self.ends[place]])) % 2**63
        return found

    def word(self, number: int) -> str:
        """One word as it is written in `plain`."""
        words = self.words
        return self.plain[words.starts[number] : words.ends[number]].decode("utf-8")


def range_hashes(
    signs: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """A hash of each range of bytes, equal where the bytes are; ranges rise and do not overlap."""
    found = np.empty(len(starts), np.uint64)
    for chunk in _chunks(starts, ends):
        low, high = int(starts[chunk.start]), int(ends[chunk.stop - 1])
        powers = _powers(BASE, high - low + 1)
        values = (signs[low:high].astype(np.uint64) + np.uint64(1)) * powers[: high - low]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values)])
        inverse = _powers(np.uint64(pow(int(BASE), -1, 2**64)), high - low + 1)
        begin, end = starts[chunk] - low, ends[chunk] - low
        found[chunk] = mixed((sums[end] - sums[begin]) * inverse[begin])
    return found


def _chunks(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[slice]:
    """Slices of ranges that lie within about CHUNK bytes; running sums over all would be large."""
    place = 0
    while place < len(starts):
        after = int(starts.searchsorted(starts[place] + CHUNK))
        after = max(after, place + 1)
        yield slice(place, after)
        place = after


_known: dict[int, NDArray[np.uint64]] = {}


def _powers(base: np.uint64, count: int) -> NDArray[np.uint64]:
    """base^0, base^1, ... modulo 2^64, [at least count]."""
    known = _known.get(int(base))
    if known is None or len(known) < count:
        size = max(count, CHUNK + 1)
        steps = np.full(size, base, np.uint64)
        steps[0] = 1
        known = _known[int(base)] = np.cumprod(steps)
    return known
