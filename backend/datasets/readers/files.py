"""Decodes many pictures or recordings at a time while they are read; used by several readers."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from backend.datasets.incoming.sources import Source
from backend.datasets.readers.placing import Placed
from backend.datasets.readers.reading import Progress
from backend.datasets.skips import Skips, shown
from backend.errors import ArchiveError, DataError

THREADS = 4
WINDOW_BYTES = 32_000_000
"""How much may wait to be decoded: the pictures themselves need memory as well."""
NEWS = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file's bytes with what is known of it: where it stood, its class or boxes, its split."""

    where: str
    target: Any
    split: int
    data: bytes


def decode_all(
    pieces: Iterable[Piece], decode: Callable[[bytes], T], skips: Skips, kind: str
) -> Iterator[tuple[Piece, T]]:
    """Each piece with what its bytes hold, in order; those that cannot be decoded are skipped.

    Threads: the decoders let go of Python's lock, and decoding is what takes the time.
    """

    def attempt(data: bytes) -> T | DataError:
        try:
            return decode(data)
        except DataError as error:
            return error

    threads = min(THREADS, os.cpu_count() or 1)
    window: deque[tuple[Piece, Future[T | DataError]]] = deque()
    waiting = 0
    pool = ThreadPoolExecutor(threads)
    try:
        for piece in pieces:
            window.append((piece, pool.submit(attempt, piece.data)))
            waiting += len(piece.data)
            while len(window) > 4 * threads or waiting > WINDOW_BYTES:
                first, future = window.popleft()
                waiting -= len(first.data)
                yield from _taken(first, future.result(), skips, kind)
        while window:
            first, future = window.popleft()
            yield from _taken(first, future.result(), skips, kind)
    finally:
        pool.shutdown(cancel_futures=True)


def _taken(
    piece: Piece, result: T | DataError, skips: Skips, kind: str
) -> Iterator[tuple[Piece, T]]:
    if isinstance(result, DataError):
        skips.add(shown(piece.where), str(result), f"{kind} that cannot be read")
    else:
        yield piece, result


def read_placed(
    source: Source, placed: list[Placed], skips: Skips, progress: Progress | None
) -> Iterator[Piece]:
    """The bytes of each file; raises ArchiveError where the archive itself is damaged."""
    for number, item in enumerate(placed):
        if progress and number % NEWS == 0:
            progress(f"Reading file {number + 1:,} of {len(placed):,}", number / len(placed))
        try:
            data = source.read(item.entry)
        except ArchiveError:
            raise
        except DataError as error:
            skips.add(shown(item.entry.path), str(error), "file that cannot be read")
            continue
        yield Piece(item.entry.path, item.label, item.split, data)


def some_of_each(placed: list[Placed], limit: int | None) -> list[Placed]:
    """At most `limit` files, from all classes in turn; all of them without a limit."""
    if limit is None or len(placed) <= limit:
        return placed
    by_class: dict[str, list[Placed]] = {}
    for item in placed:
        by_class.setdefault(item.label, []).append(item)
    chosen: list[Placed] = []
    rank = 0
    while len(chosen) < limit:
        chosen += [items[rank] for items in by_class.values() if len(items) > rank]
        rank += 1
    return chosen[:limit]
