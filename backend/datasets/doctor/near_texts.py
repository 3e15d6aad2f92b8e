"""Which texts are equal or nearly so: MinHash (Broder, 1997) in bands, each pair then verified."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.texts import Texts, mixed

PERMUTATIONS, ROWS = 32, 4
"""Eight bands of four: of pairs that share 80 % of their pieces, 98.5 % are looked at."""
SIMILAR = 0.8
"""The least share of common pieces (words, and words with their successor) of near copies."""
LEAST_WORDS, LEAST_BYTES = 8, 48
"""In shorter texts one other word may change all: only equal ones count."""
CHUNK, CHUNK_TEXTS = 2_000_000, 100_000
MOST_PAIRS = 400_000


@dataclass(frozen=True, slots=True)
class Groups:
    """equal: for each text the first one that has the same words, [m]; near: or nearly, [m]."""

    equal: NDArray[np.int64]
    near: NDArray[np.int64]
    complete: bool = True
    """False where there were too many pairs to look at all of them."""


def find_near_texts(texts: Texts) -> Groups:
    """Groups of texts that are the same but for case, accents, signs and spaces, or nearly."""
    _, first, group = np.unique(texts.hashes, return_index=True, return_inverse=True)
    equal = first[group]
    unique = np.sort(first)
    is_long = (texts.words.counts >= LEAST_WORDS) & (texts.bytes >= LEAST_BYTES)
    long = unique[is_long[unique]]
    pieces, starts = _pieces(texts, long)
    pairs, complete = _candidates(_signatures(pieces, starts))
    close = _verified(pieces, starts, pairs)
    return Groups(equal, join_pairs(len(equal), long[close])[equal], complete)


def join_pairs(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of so many things the first one that it is joined to, over others too, [count]."""
    parent = list(range(count))

    def root(thing: int) -> int:
        while parent[thing] != thing:
            parent[thing] = parent[parent[thing]]
            thing = parent[thing]
        return thing

    for one, other in pairs.tolist():
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    found = np.array(parent, np.int64)
    while not np.array_equal(further := found[found], found):
        found = further
    return found


def _pieces(
    texts: Texts, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of the chosen texts' words and pairs of neighbours; where each text's begin, [c+1]."""
    words = texts.words
    begin, counts = words.first[chosen], words.counts[chosen]
    starts = np.concatenate([[0], np.cumsum(2 * counts - 1)]).astype(np.int64)
    pieces = np.empty(int(starts[-1]), np.uint64)
    for low in range(0, len(chosen), CHUNK_TEXTS):
        part = slice(low, low + CHUNK_TEXTS)
        pieces[starts[low] : starts[min(low + CHUNK_TEXTS, len(chosen))]] = _pieces_of(
            words.hashes, begin[part], counts[part]
        )
    return pieces, starts


def _pieces_of(
    hashes: NDArray[np.uint64], begin: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Of each text first its words, then its pairs of neighbours."""
    sizes = 2 * counts - 1
    ends = np.cumsum(sizes)
    within = np.arange(int(ends[-1])) - np.repeat(ends - sizes, sizes)
    lengths = np.repeat(counts, sizes)
    is_pair = within >= lengths
    word = np.repeat(begin, sizes) + np.where(is_pair, within - lengths, within)
    pieces = hashes[word]
    pieces[is_pair] = mixed(pieces[is_pair] * np.uint64(3) + hashes[word[is_pair] + 1])
    return pieces


def _signatures(pieces: NDArray[np.uint64], starts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The least value of each text's pieces under each permutation, [c, PERMUTATIONS]."""
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 2**63, PERMUTATIONS, np.uint64) * np.uint64(2) + np.uint64(1)
    found = np.empty((len(starts) - 1, PERMUTATIONS), np.uint32)
    place = 0
    while place < len(found):
        after = max(place + 1, int(starts.searchsorted(starts[place] + CHUNK)) - 1)
        part = pieces[starts[place] : starts[after]]
        edges = starts[place:after] - starts[place]
        for number, factor in enumerate(factors):
            # The upper half of a product: the lower bits of a multiplication are weak.
            values = ((part * factor) >> np.uint64(32)).astype(np.uint32)
            found[place:after, number] = np.minimum.reduceat(values, edges)
        place = after
    return found


def _candidates(signatures: NDArray[np.uint32]) -> tuple[NDArray[np.int64], bool]:
    """Pairs that agree in a band and in most values, [k, 2]; and whether these are all."""
    found = []
    for band in range(0, PERMUTATIONS, ROWS):
        rows = signatures[:, band : band + ROWS].astype(np.uint64)
        keys = mixed(rows[:, 0] << np.uint64(32) | rows[:, 1]) ^ (
            rows[:, 2] << np.uint64(32) | rows[:, 3]
        )
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(np.diff(keys[order]) == 0)
        # Each with its neighbour in the band, and with the first of its group.
        begins = np.flatnonzero(np.diff(keys[order], prepend=~keys[order][:1]) != 0)
        first = order[begins[begins.searchsorted(same, "right") - 1]] if len(same) else same
        found += [np.stack([order[same], order[same + 1]]), np.stack([first, order[same + 1]])]
    pairs = np.sort(np.concatenate(found, axis=1), axis=0)
    pairs = np.unique(pairs[:, pairs[0] != pairs[1]], axis=1)
    agree = np.concatenate(
        [
            (signatures[part[0]] == signatures[part[1]]).mean(axis=1)
            for part in np.array_split(pairs, max(1, pairs.shape[1] // 200_000), axis=1)
        ]
    )
    pairs = pairs[:, agree > SIMILAR - 0.25]
    return pairs[:, :MOST_PAIRS].T, pairs.shape[1] <= MOST_PAIRS


def _verified(
    pieces: NDArray[np.uint64], starts: NDArray[np.int64], pairs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The pairs that really share so much, [k, 2]: sizes of both sets, counted."""
    kept = []
    sets: dict[int, set[int]] = {}
    for one, other in pairs.tolist():
        for number in (one, other):
            if number not in sets:
                sets[number] = set(pieces[starts[number] : starts[number + 1]].tolist())
        left, right = sets[one], sets[other]
        common = len(left & right)
        if common >= SIMILAR * (len(left) + len(right) - common):
            kept.append((one, other))
    return np.array(kept, np.int64).reshape(-1, 2)
