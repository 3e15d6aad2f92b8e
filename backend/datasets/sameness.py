"""When two examples count as the same: hashes of contents; for writer, splits and doctor."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from backend.datasets.store import Store


def digest(*parts: str | bytes) -> int:
    """64 bits that stand for a content; equal contents are found by them."""
    hasher = hashlib.blake2b(digest_size=8)
    for part in parts:
        hasher.update(part.encode("utf-8", "replace") if isinstance(part, str) else part)
    return int.from_bytes(hasher.digest(), "little")


def text_digest(text: str) -> int:
    """The same for texts that differ in case or white space only: copies as far as splits go."""
    return digest(" ".join(text.casefold().split()))


def content_hashes(store: Store) -> NDArray[np.uint64]:
    """A hash of each example's content, uint64 [n]: what it is asked with, not its answer."""
    known = store.contents()
    if known is None:
        known = np.array([_hash(store, index) for index in range(len(store))], np.uint64)
    if not len(store.item_edits):
        return known
    hashes = known.copy()
    for index, text in store.item_edits.items():
        hashes[index] = text_digest(text.decode("utf-8"))
    return hashes


def _hash(store: Store, index: int) -> int:
    """For stores written before their hashes were kept."""
    if store.kind == "text":
        return text_digest(store.text(index))
    if store.kind == "image":
        image = store.image(index)
        return digest(f"{image.shape}", image.tobytes())
    if store.kind == "audio":
        return digest(store.sound(index).tobytes())
    row = store.ratings()[index]
    return digest(f"{row['user']} {row['item']}")
