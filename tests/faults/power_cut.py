"""A disk in memory that SQLite writes to through APSW, and what a power cut may leave of it.

A write is safe only once its file is synced. Of what was written since, the cut keeps for each
sector of 512 bytes any of the contents that it had in the meantime: nothing, all, a beginning, or
sectors picked at random, which is what a disk does that reorders. The same goes for the length
of a file, for new files, and for deletions of which the folder was not synced.
"""

import random
from collections import defaultdict
from typing import Any

import apsw

SECTOR = 512
JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL
TEMPERS = ("nothing", "all", "beginning", "shuffled")
"""What the cut keeps of the writes that were not synced."""


class PowerCutError(Exception):
    """The machine is off: nothing can be read or written any more."""


class File:
    """One file: what is safe, what programs see, and the steps from one to the other."""

    def __init__(self, safe: bytes | None = None) -> None:
        # None: after a cut the file may not even be there.
        self.safe = safe
        self.seen = bytearray(safe or b"")
        # (place, bytes) of a write, (length, None) of a truncation.
        self.steps: list[tuple[int, bytes | None]] = []

    def write(self, place: int, data: bytes) -> None:
        self.seen.extend(bytes(max(0, place - len(self.seen))))
        self.seen[place : place + len(data)] = data
        self.steps.append((place, data))

    def truncate(self, length: int) -> None:
        del self.seen[length:]
        self.steps.append((length, None))

    def sync(self) -> None:
        self.safe = bytes(self.seen)
        self.steps.clear()

    def after_cut(self, temper: str, chance: random.Random) -> bytes | None:
        """What is left of the file, or None where it is gone."""
        if temper == "nothing" or (self.safe is None and chance.random() < 0.3):
            return self.safe
        count = chance.randint(0, len(self.steps)) if temper == "beginning" else len(self.steps)
        now = bytearray(self.safe or b"")
        lengths = [len(now)]
        sectors: dict[int, list[bytes]] = defaultdict(list)
        for place, data in self.steps[:count]:
            if data is None:
                del now[place:]
            else:
                first, last = place // SECTOR, (place + len(data) - 1) // SECTOR
                before = {number: _sector(now, number) for number in range(first, last + 1)}
                now.extend(bytes(max(0, place - len(now))))
                now[place : place + len(data)] = data
                for number, content in before.items():
                    sectors[number] = sectors[number] or [content]
                    sectors[number].append(_sector(now, number))
            lengths.append(len(now))
        if temper != "shuffled":
            return bytes(now)
        length = chance.choice(lengths)
        now.extend(bytes(max(lengths) - len(now)))
        for number, contents in sectors.items():
            now[number * SECTOR : (number + 1) * SECTOR] = chance.choice(contents)
        return bytes(now[:length])


def _sector(content: bytearray, number: int) -> bytes:
    return bytes(content[number * SECTOR : (number + 1) * SECTOR]).ljust(SECTOR, b"\0")


class Disk:
    """Files by name; the power goes at the operation with the number `cut_at`."""

    def __init__(self, contents: dict[str, bytes] | None = None, cut_at: int | None = None) -> None:
        self.files = {name: File(content) for name, content in (contents or {}).items()}
        self.deleted: dict[str, File] = {}
        self.operations, self.cut_at = 0, cut_at
        self.vfs: DiskVFS | None = None

    @property
    def is_off(self) -> bool:
        return self.cut_at is not None and self.operations >= self.cut_at

    def count(self) -> None:
        """Called before each operation that changes something."""
        self.check()
        self.operations += 1

    def check(self) -> None:
        if self.is_off:
            raise PowerCutError

    def after_cut(self, temper: str, chance: random.Random) -> dict[str, bytes]:
        """What the next start finds."""
        found = {name: file.after_cut(temper, chance) for name, file in self.files.items()}
        for name, file in self.deleted.items():
            if temper == "nothing" or (temper == "shuffled" and chance.random() < 0.5):
                found.setdefault(name, file.after_cut(temper, chance))
        return {name: content for name, content in found.items() if content is not None}

    def sync_folder(self) -> None:
        """From here on new files are there and deleted ones are gone."""
        self.deleted.clear()
        for file in self.files.values():
            file.safe = b"" if file.safe is None else file.safe


class DiskVFS(apsw.VFS):
    """The door through which SQLite reaches a disk; registered while it is referred to."""

    def __init__(self, name: str, disk: Disk) -> None:
        self.disk = disk
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        self.disk.check()
        flags[1] = flags[0]
        if name is None:  # a temporary file: whoever made it is gone after a cut
            return OpenFile(self.disk, File())
        path = _plain(name)
        is_new = path not in self.disk.files
        if is_new:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError
            self.disk.files[path] = File()
        # As SQLite's own access to files does: with a new journal, its folder is synced too.
        return OpenFile(self.disk, self.disk.files[path], is_new and bool(flags[0] & JOURNALS))

    def xDelete(self, name: str, sync_folder: bool) -> None:  # noqa: N802
        self.disk.count()
        file = self.disk.files.pop(_plain(name), None)
        if sync_folder:
            self.disk.sync_folder()
        elif file is not None and file.safe is not None:
            self.disk.deleted[_plain(name)] = file

    def xAccess(self, name: str, flags: int) -> bool:  # noqa: N802
        self.disk.check()
        return _plain(name) in self.disk.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return _plain(name)

    def excepthook(self, *_: object) -> bool:
        """SQLite had no use for the news that the power is gone."""
        return True


class OpenFile:
    """SQLite's handle of one file."""

    def __init__(self, disk: Disk, file: File, sync_folder: bool = False) -> None:
        self.disk, self.file, self.sync_folder = disk, file, sync_folder

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self.disk.check()
        return bytes(self.file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self.disk.count()
        self.file.write(offset, bytes(data))

    def xTruncate(self, length: int) -> None:  # noqa: N802
        self.disk.count()
        self.file.truncate(length)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.disk.count()
        self.file.sync()
        if self.sync_folder:
            self.disk.sync_folder()
            self.sync_folder = False

    def xFileSize(self) -> int:  # noqa: N802
        self.disk.check()
        return len(self.file.seen)

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096  # what SQLite takes for granted on Linux and macOS

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return int(apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE)  # also its default there

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: N802
        return False

    # One process uses the disk, alone: there is nobody to lock out.

    def xLock(self, level: int) -> None:  # noqa: N802
        return None

    def xUnlock(self, level: int) -> None:  # noqa: N802
        return None

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xClose(self) -> None:  # noqa: N802
        return None

    def excepthook(self, *_: object) -> bool:
        """SQLite had no use for the news that the power is gone."""
        return True


def _plain(name: Any) -> str:
    return str(name.filename() if isinstance(name, apsw.URIFilename) else name)
