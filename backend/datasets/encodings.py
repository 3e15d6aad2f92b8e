"""Finds out how a text file is encoded; called by the readers of tables and of text files."""

import codecs
from pathlib import Path

from backend.datasets.incoming.choices import Choices
from backend.errors import DataError, UsageError

HEAD = 65536
CHUNK = 1 << 20
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENOUGH = 60
"""Bytes from which on a guess is better than Windows-1252."""
FOREIGN = 0.25
"""From this share of bytes beyond ASCII on, an 8-bit text is hardly in a Latin script."""
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western European (Windows-1252)",
    "latin-1": "Western European (Latin-1)",
    "iso8859-15": "Western European (Latin-9)",
    "mac-roman": "Western European (old Mac)",
    "cp850": "Western European (DOS)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859-2": "Central European (Latin-2)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc_kr": "Korean (EUC-KR)",
}
"""What a file can be said to be encoded in: Python's name, and a person's."""
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


def chosen_encoding(choices: Choices, path: Path, name: str) -> str:
    """The encoding that the user named, else the one that the bytes tell; raises DataError."""
    found = detect_encoding(path, name)
    chosen = choices.encoding
    if not chosen or codecs.lookup(found) == codecs.lookup(_listed(chosen)):
        return found
    # The mark at the beginning is no part of the text, whoever says that it is UTF-8.
    return "utf-8-sig" if chosen == "utf-8" else chosen


def _listed(encoding: str) -> str:
    if encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise UsageError(f"There is no encoding called {encoding[:40]!r}. Known: {known}.")
    return encoding


def name_encoding(encoding: str) -> str:
    """What a person calls an encoding."""
    plain = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}
    return ENCODINGS.get(plain.get(encoding, encoding), encoding.upper())


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
    if len(head) >= ENOUGH and sum(byte > 127 for byte in head) > FOREIGN * len(head):
        try:
            from charset_normalizer import from_bytes
        except ImportError:
            pass
        else:
            best = from_bytes(head[:8192]).best()
            if best is not None and _decodes(path, best.encoding):
                return best.encoding
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"
