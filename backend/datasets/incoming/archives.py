"""Reads zip archives that strangers made: checks every rule first, unpacks tables only."""

import io
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backend import settings
from backend.datasets.formats import TABLES
from backend.datasets.incoming.sources import MAX_DEPTH, MAX_FILE_BYTES, Entry
from backend.datasets.skips import shown
from backend.errors import ArchiveError
from storage import files

MAX_RATIO = 50
"""How much larger than the archive its contents may be, beyond FREE_BYTES."""
FREE_BYTES = 100_000_000
ENCRYPTED, UTF8_NAME = 0x1, 0x800
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
OTHERS = (
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ", "an xz archive"),
    (257, b"ustar", "a tar archive"),
)
FORMATS = (
    *OTHERS,
    (0, b"%PDF", "a PDF file"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
)


class ZipSource:
    """The members of an archive that passed the checks; reads one at a time into memory."""

    def __init__(self, archive: zipfile.ZipFile, name: str, entries: list[Entry]) -> None:
        self.name = name
        self.entries = entries
        self._archive = archive

        self._unpacked: Path | None = None

    def read(self, entry: Entry) -> bytes:
        """A member's bytes; raises ArchiveError where it is damaged or larger than it says."""
        data = io.BytesIO()
        self._copy(entry, data)
        return data.getvalue()

    def on_disk(self, entry: Entry) -> Path:
        """A member as a temporary file under a generated name; raises ArchiveError as read does."""
        if self._unpacked is None:
            self._unpacked = files.temporary_dir()
        path = self._unpacked / str(entry.key.header_offset)
        if not path.exists():
            with path.open("wb") as file:
                self._copy(entry, file)
        return path

    def close(self) -> None:
        """Delete what was unpacked."""
        if self._unpacked is not None:
            files.remove_folder(self._unpacked)

    def _copy(self, entry: Entry, target: IO[bytes]) -> None:
        for chunk in self._chunks(entry):
            target.write(chunk)
            # Counted while reading: what the header says may be a lie.
            if target.tell() > entry.size:
                raise _refuse(self.name, f"{shown(entry.path)} is larger than it says")

    def _chunks(self, entry: Entry) -> Iterator[bytes]:
        try:
            with self._archive.open(entry.key) as member:
                while chunk := member.read(1 << 20):
                    yield chunk
        # zipfile and the decompressors raise whatever they meet, also RuntimeError and OSError.
        except Exception as error:
            if isinstance(error, ArchiveError | MemoryError):
                raise
            what = f"{shown(entry.path)} is damaged, or holds something else than the archive says"
            raise _refuse(self.name, what) from error


@contextmanager
def open_zip(path: Path, name: str) -> Iterator[ZipSource]:
    """The checked members of a zip archive; raises ArchiveError that names file and rule."""
    _check_directory(path, name)
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # zipfile raises whatever it meets in a damaged list
        raise _refuse(name, "it is damaged or cut off, or not a zip archive at all") from error
    with archive:
        source = ZipSource(archive, name, _check_members(archive.infolist(), path, name))
        try:
            yield source
        finally:
            source.close()


def is_zip(path: Path) -> bool:
    """Whether a file begins like a zip archive, whatever its name."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def check_format(path: Path, name: str) -> None:
    """Raise ArchiveError that says what a file called .zip is instead."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise ArchiveError(f"{name} is empty (0 bytes).")
    for place, sign, kind in FORMATS:
        if head[place:].startswith(sign):
            raise ArchiveError(f"{name} is {kind}, not a zip archive. Make a zip archive of it.")
    if not is_zip(path):
        raise ArchiveError(f"{name} is not a zip archive, or it is damaged.")


def check_no_other_archive(path: Path, name: str) -> None:
    """Raise ArchiveError where a file is an archive of a kind that is not read."""
    with path.open("rb") as file:
        head = file.read(512)
    for place, sign, kind in OTHERS:
        if head[place:].startswith(sign):
            raise ArchiveError(f"{name} is {kind}. Unpack it, and make a zip archive of it.")


def _refuse(name: str, what: str) -> ArchiveError:
    return ArchiveError(f"{name} was not taken: {what}. Make the archive again and retry.")


def _check_directory(path: Path, name: str) -> None:
    """Bound the list of members before zipfile reads all of it into memory."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        start = max(0, size - 65_557 - 76)  # the longest comment, and what may stand before it
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < 22:
            raise _refuse(name, "it is cut off, its list of members is missing")
        length, offset = struct.unpack_from("<LL", tail, end + 12)
        if end >= 76 and tail[end - 20 : end - 16] == b"PK\x06\x07":
            (length,) = struct.unpack_from("<Q", tail, end - 76 + 40)
        limit = int(settings.MAX_ARCHIVE_FILES.value())
        if length <= size and length <= 600 * limit:
            file.seek(max(0, start + end - length - (76 if offset == 0xFFFFFFFF else 0)))
            members = file.read(length).count(b"PK\x01\x02")
            if members <= limit:
                return
    raise ArchiveError(
        f"{name} was not taken: it holds more than {limit:,} files. Divide it into several."
    )


def _check_members(infos: list[zipfile.ZipInfo], path: Path, name: str) -> list[Entry]:
    """Apply every rule on names, kinds and sizes; raises ArchiveError at the first break."""
    entries = []
    declared = 0
    allowed = FREE_BYTES + MAX_RATIO * path.stat().st_size
    for info in infos:
        member = _name(info)
        parts = _parts(member, name)
        _check_kind(info, member, name)
        if not parts or info.filename.endswith("/"):
            continue
        declared += info.file_size
        if declared > allowed:
            raise _refuse(name, "unpacked it would be more than 50 times as large as it is")
        entry = Entry("/".join(parts), tuple(parts), info.file_size, info)
        if not entry.is_system_file:
            _check_content(info, member, name, entry.suffix)
        entries.append(entry)
    if not entries:
        raise ArchiveError(f"{name} is an empty archive: it holds no files.")
    return entries


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name; many programs write UTF-8 without saying so, and zipfile reads cp437."""
    if info.flag_bits & UTF8_NAME or info.filename.isascii():
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _parts(member: str, name: str) -> list[str]:
    """The folders and the name of a member; Windows' separators count as well."""
    path = member.split("\0")[0].replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", path):
        raise _refuse(name, f"its member {shown(member)!r} points outside of the archive")
    if len(parts) > MAX_DEPTH:
        raise _refuse(
            name, f"{shown(member)!r} lies {len(parts) - 1} folders deep; {MAX_DEPTH} are allowed"
        )
    return parts


def _check_kind(info: zipfile.ZipInfo, member: str, name: str) -> None:
    """Plain files and folders only: no links, devices, or files that run with others' rights."""
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if stat.S_ISLNK(mode):
        raise _refuse(name, f"its member {shown(member)!r} is a link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refuse(name, f"its member {shown(member)!r} is a device, not a file")
    if mode & (stat.S_ISUID | stat.S_ISGID) and not info.filename.endswith("/"):
        raise _refuse(name, f"its member {shown(member)!r} asks for special rights (setuid)")
    if info.flag_bits & ENCRYPTED:
        raise ArchiveError(
            f"{name} is protected with a password ({shown(member)!r}). Make it without one."
        )


def _check_content(info: zipfile.ZipInfo, member: str, name: str, suffix: str) -> None:
    lower = member.lower()
    if lower.endswith(ARCHIVES):
        raise ArchiveError(
            f"{name} holds another archive, {shown(member)!r}. Unpack that one first and make one "
            "archive of all."
        )
    if info.compress_type not in METHODS:
        raise _refuse(name, f"{shown(member)!r} is compressed in a way that is not supported")
    limit = settings.MAX_UPLOAD_MB.value() * 1e6 if suffix in TABLES else MAX_FILE_BYTES
    if info.file_size > limit:
        raise _refuse(name, f"{shown(member)!r} is larger than {limit / 1e6:,.0f} MB")
    # Compression never makes a file much longer: then the header lies about its size.
    if info.compress_size > info.file_size * 1.1 + 1000:
        raise _refuse(name, f"{shown(member)!r} holds more bytes than it says")
