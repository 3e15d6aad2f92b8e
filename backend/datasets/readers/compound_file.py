"""Checks the frame of an old Excel file before its reader follows it; called by workbook.py.

Such a file is a small file system: a table says for each sector which one comes next. The reader
follows that table without counting, so a chain that bites its own tail would fill the memory.
Format: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb/.
"""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 300_000_000
HEADER = 512
IN_HEADER = 109
"""Sectors of the table that the header itself lists."""
SHIFTS = (9, 12)
END = 0xFFFFFFFE
"""From here on a number is a mark, not a sector."""


def is_sound(path: Path) -> bool:
    """Whether every chain of sectors in an old Office file comes to an end."""
    if path.stat().st_size > MAX_BYTES:
        return False
    data = path.read_bytes()
    if len(data) < HEADER:
        return False
    (shift,) = struct.unpack_from("<H", data, 30)
    if shift not in SHIFTS:
        return False
    size = 1 << shift
    table = _table(data, size)
    if table is None or not _all_end(table):
        return False
    (first,) = struct.unpack_from("<L", data, 60)
    return _all_end(_sectors(data, size, _chain(table, first)))


def _table(data: bytes, size: int) -> NDArray[np.uint32] | None:
    """For each sector the next one; None where the list of the table's own parts never ends."""
    listed = list(struct.unpack_from(f"<{IN_HEADER}L", data, 76))
    (following,) = struct.unpack_from("<L", data, 68)
    seen: set[int] = set()
    while following < END:
        if following in seen:
            return None
        seen.add(following)
        numbers = _sector(data, size, following)
        if len(numbers) == 0:
            break
        listed += numbers[:-1].tolist()
        following = int(numbers[-1])
    return _sectors(data, size, listed)


def _sectors(data: bytes, size: int, numbers: list[int]) -> NDArray[np.uint32]:
    """The numbers that stand in these sectors, one after the other."""
    parts = [_sector(data, size, number) for number in numbers if number < END]
    return np.concatenate(parts) if parts else np.empty(0, np.uint32)


def _sector(data: bytes, size: int, number: int) -> NDArray[np.uint32]:
    """The numbers in a sector, as many as the file still has of it."""
    start = (number + 1) * size
    available = max(0, min(size, len(data) - start))
    if available < 4:
        return np.empty(0, np.uint32)
    return np.frombuffer(data, "<u4", available // 4, start)


def _chain(table: NDArray[np.uint32], first: int) -> list[int]:
    """A chain of sectors from its first one; all chains of the table are known to end."""
    chain = []
    while first < len(table):
        chain.append(first)
        first = int(table[first])
    return chain


def _all_end(table: NDArray[np.uint32]) -> bool:
    """Whether from every entry one comes to a mark or out of the table."""
    following = table.tolist()
    ends = bytearray(len(following))
    for start in range(len(following)):
        path = []
        place = start
        while place < len(following) and ends[place] == 0:
            ends[place] = 2  # on the way
            path.append(place)
            place = following[place]
        if place < len(following) and ends[place] == 2:
            return False
        for place in path:
            ends[place] = 1
    return True
