"""Finds out how a text file is encoded; called by the readers of tables and of text files."""

import codecs
from pathlib import Path

from backend.errors import DataError

HEAD = 65536
CHUNK = 1 << 20
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FOREIGN = 0.25
"""From this share of bytes beyond ASCII on, an 8-bit text is hardly in a Latin script."""
BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the table as CSV",
    b"%PDF": "a PDF file; save the table as CSV",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"PAR1": "a Parquet file; save the table as CSV",
    b"SQLite format 3": "a database; save the table as CSV",
}


def detect_encoding(path: Path, name: str) -> str:
    """The encoding of a text file, as Python calls it; raises DataError where it is none.

    A byte order mark decides; else UTF-8 where all of the file is valid, UTF-16 where zero bytes
    alternate, and for the rest a guess from the bytes, Windows-1252 for Latin scripts.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    for sign, kind in BINARY.items():
        if head.startswith(sign):
            raise DataError(f"{name} is {kind}.")
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        return _wide(head, name)
    if _decodes(path, "utf-8"):
        return "utf-8"
    return _eight_bit(path, head)


def decode_text(data: bytes, name: str) -> str:
    """The text in a small file's bytes; raises DataError where it is none."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if b"\0" in data:
        return data.decode(_wide(data[:HEAD], name), "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _wide(head: bytes, name: str) -> str:
    """UTF-16 without a mark, told by where the zero bytes stand."""
    even, odd = head[0::2], head[1::2]
    zeros = even.count(0) / max(1, len(even)), odd.count(0) / max(1, len(odd))
    if zeros[1] > 0.3 and zeros[0] < 0.05:
        return "utf-16-le"
    if zeros[0] > 0.3 and zeros[1] < 0.05:
        return "utf-16-be"
    raise DataError(f"{name} is not a text file: it holds binary data.")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _eight_bit(path: Path, head: bytes) -> str:
    if sum(byte > 127 for byte in head) > FOREIGN * len(head):
        try:
            from charset_normalizer import from_bytes
        except ImportError:
            pass
        else:
            best = from_bytes(head[:8192]).best()
            if best is not None and _decodes(path, best.encoding):
                return best.encoding
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"
