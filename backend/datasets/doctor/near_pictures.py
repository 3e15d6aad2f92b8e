"""Which pictures are equal or nearly so: difference hashes, then the small copies compared.

A hash says of each of 8 x 8 fields whether the next one is brighter (dHash, N. Krawetz 2013), to
the right and below: pictures that were saved again, resized or brightened differ in a few bits.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.near_texts import Groups, join_pairs
from backend.datasets.doctor.pictures import SIDE, Pictures
from backend.datasets.sameness import content_hashes
from backend.datasets.store import Store

FIELDS = 8
BRIGHTER = 2.0
"""Of 255: smaller differences are noise of the file format."""
MOST_BITS = 9
"""Of 112 that may differ."""
LIKE, LIKE_TINY, TINY = 0.988, 0.997, 48
"""The least correlation of two small copies, also where one has a side of fewer pixels than TINY:
different digits of MNIST reach 0.986, those of 8 x 8 pixels 0.995; copies that were resized,
brightened or saved as poor JPEG stay above 0.991."""
LEAST_SPREAD = 4.0
"""Standard deviation below which a picture is as good as blank, and like any other blank one."""
MOST_COMPARED = 100_000
"""Beyond so many only equal hashes are compared: every pair would take minutes."""
ROWS = 2048


def find_near_pictures(store: Store, present: NDArray[np.int64], pictures: Pictures) -> Groups:
    """Groups of pictures that are equal to the bit, and of those that are nearly so."""
    _, first, group = np.unique(
        content_hashes(store)[present], return_index=True, return_inverse=True
    )
    equal = first[group]
    unique = np.sort(first)
    unique = unique[pictures.grey_spread[unique] > LEAST_SPREAD]
    hashes = difference_hashes(pictures.small[unique])
    everything = len(unique) <= MOST_COMPARED
    found = _all_pairs(hashes) if everything else _equal_hashes(hashes)
    small = _normalised(pictures.small[unique])
    tiny = pictures.shapes[unique, :2].min(axis=1) < TINY
    close = [pairs[_alike(small, tiny, pairs)] for pairs in found]
    pairs = np.concatenate([*close, np.empty((0, 2), np.int64)])
    return Groups(equal, join_pairs(len(equal), unique[pairs])[equal], everything)


def difference_hashes(small: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """112 bits of each grey copy, as two numbers, [m, 2]."""
    step = SIDE // FIELDS
    fields = small.reshape(-1, FIELDS, step, FIELDS, step).mean(axis=(2, 4), dtype=np.float32)
    across = fields[:, :, 1:] - fields[:, :, :-1] > BRIGHTER
    down = fields[:, 1:] - fields[:, :-1] > BRIGHTER
    bits = np.zeros((len(small), 128), bool)
    bits[:, :56], bits[:, 64:120] = across.reshape(-1, 56), down.reshape(-1, 56)
    return np.packbits(bits, axis=1).view(np.uint64)


def _all_pairs(hashes: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """Blocks of pairs, [k, 2], whose hashes differ in a few bits; each against all after it."""
    across, down = np.ascontiguousarray(hashes[:, 0]), np.ascontiguousarray(hashes[:, 1])
    for low in range(0, len(hashes), ROWS):
        for start in range(low, len(hashes), ROWS):
            mine, other = slice(low, low + ROWS), slice(start, start + ROWS)
            bits = np.bitwise_count(across[mine, None] ^ across[other])
            near = bits <= MOST_BITS
            if not near.any():
                continue
            bits += np.bitwise_count(down[mine, None] ^ down[other])
            one, two = np.nonzero(bits <= MOST_BITS)
            kept = one + low < two + start
            yield np.stack([one[kept] + low, two[kept] + start], axis=1)


def _equal_hashes(hashes: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """Pairs, [k, 2], of neighbours whose hashes are the same."""
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))
    same = np.flatnonzero((np.diff(hashes[order].astype(np.int64), axis=0) == 0).all(axis=1))
    yield np.stack([order[same], order[same + 1]], axis=1)


def _normalised(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey copies with mean 0 and length 1, [m, SIDE * SIDE]."""
    values = small.reshape(len(small), SIDE * SIDE).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.linalg.norm(values, axis=1, keepdims=True) + 1e-9
    return values


def _alike(
    small: NDArray[np.float32], tiny: NDArray[np.bool_], pairs: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the pairs are the same picture, as far as a small copy tells."""
    likeness = np.empty(len(pairs), np.float32)
    for low in range(0, len(pairs), 20_000):
        one, two = pairs[low : low + 20_000].T
        likeness[low : low + 20_000] = np.einsum("ij,ij->i", small[one], small[two])
    return likeness >= np.where(tiny[pairs].any(axis=1), LIKE_TINY, LIKE)
