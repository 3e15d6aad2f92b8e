"""Bad input of every kind: a file or folder each, made in a moment, and what is said of it.

Each case is a function that writes into a folder and returns what to bring in; its record names the
format and the words that the refusal must hold, or the rows that are left where only parts are bad.
"""

import io
import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.backend.datasets.conftest import class_members, picture, write_files, write_zip
from tests.backend.datasets.readers.samples import (
    coco,
    open_document,
    raw_workbook,
    tone,
    voc,
    workbook,
)

ROWS = "".join(f"{word} number {n},{word}\n" for n in range(12) for word in ("good", "bad"))
GOOD = "text,label\n" + ROWS
BOX = ("cat", 1.0, 1.0, 5.0, 5.0)
SIZE = (9, 7)


@dataclass(frozen=True)
class Bad:
    """A case: its format, what makes it, words of the refusal, or rows that are kept."""

    make: Callable[[Path], Path]
    data_format: str
    words: tuple[str, ...] = ()
    rows: int = 0


CASES: dict[str, Bad] = {}


def bad(
    data_format: str, *words: str, rows: int = 0
) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    """Note a case under its function's name."""

    def note(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
        CASES[make.__name__] = Bad(make, data_format, words, rows)
        return make

    return note


def table(folder: Path, data: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def pictures_with(folder: Path, **more: bytes) -> Path:
    """A good archive of 24 pictures with other members; __ in a name stands for a dot."""
    named = {name.replace("__", "."): data for name, data in more.items()}
    members = class_members() | {f"cat/{name}": data for name, data in named.items()}
    return write_zip(folder / "pets.zip", members)


def archive_with(folder: Path, info: zipfile.ZipInfo | str, data: bytes = b"x") -> Path:
    path = write_zip(folder / "pets.zip", class_members())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, data)
    return path


def member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


# ------------------------------------------------------------------------ archives


@bad("image-class", "pets.zip", "points outside")
def member_above(folder: Path) -> Path:
    return archive_with(folder, "../../evil")


@bad("image-class", "pets.zip", "points outside")
def member_absolute(folder: Path) -> Path:
    return archive_with(folder, "/etc/evil")


@bad("image-class", "pets.zip", "points outside")
def member_windows(folder: Path) -> Path:
    return archive_with(folder, "..\\win.txt")


@bad("image-class", "pets.zip", "points outside")
def member_drive(folder: Path) -> Path:
    return archive_with(folder, "C:\\x")


@bad("image-class", "pets.zip", "is a link")
def member_link(folder: Path) -> Path:
    return archive_with(folder, member("cat/l.png", stat.S_IFLNK | 0o777), b"/etc/passwd")


@bad("image-class", "pets.zip", "is a device")
def member_device(folder: Path) -> Path:
    return archive_with(folder, member("cat/d.png", stat.S_IFCHR | 0o644))


@bad("image-class", "pets.zip", "setuid")
def member_setuid(folder: Path) -> Path:
    return archive_with(folder, member("cat/s.png", stat.S_IFREG | 0o4755))


@bad("image-class", "bomb.zip", "50 times")
def ratio_bomb(folder: Path) -> Path:
    zeros = {f"cat/{n}.bmp": bytes(40_000_000) for n in range(8)}
    return write_zip(folder / "bomb.zip", class_members() | zeros)


@bad("image-class", "pets.zip", "more bytes than it says")
def size_that_lies(folder: Path) -> Path:
    path = write_zip(folder / "pets.zip", class_members() | {"cat/x.bmp": bytes(50_000_000)})
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("cat/x.bmp").header_offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, offset + 22, 10)
    listed = data.rfind(b"cat/x.bmp") - 46
    struct.pack_into("<L", data, listed + 24, 10)
    path.write_bytes(data)
    return path


@bad("image-class", "pets.zip", "another archive")
def archive_in_archive(folder: Path) -> Path:
    return archive_with(folder, "inner.zip", b"PK\x05\x06" + bytes(18))


@bad("image-class", "pets.zip", "more than 150,000 files")
def many_members(folder: Path) -> Path:
    """A list of 200,000 members of no bytes, made by hand."""
    begin = b"PK\x03\x04" + bytes(26)
    listing = io.BytesIO()
    for number in range(200_000):
        name = b"%s/%06d.png" % (b"cat" if number % 2 else b"dog", number)
        common = struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0)
        listing.write(b"PK\x01\x02\x14\x00" + common + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + name)
    size = listing.tell()
    data = begin + listing.getvalue()
    data += b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 200_000, 200_000, size, 30)
    data += b"PK\x06\x07" + struct.pack("<LQL", 0, size + 30, 1)
    data += b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 65535, 65535, size, 30, 0)
    return table(folder, data, "pets.zip")


@bad("image-class", "pets.zip", "300 folders deep")
def deep_path(folder: Path) -> Path:
    return archive_with(folder, "a/" * 300 + "x.png", picture())


@bad("image-class", "pets.zip", "password")
def encrypted(folder: Path) -> Path:
    path = write_zip(folder / "pets.zip", class_members())
    data = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(sign)
        while start >= 0:
            data[start + place] |= 1
            start = data.find(sign, start + 4)
    path.write_bytes(data)
    return path


@bad("image-class", "pets.zip", "cut off")
def archive_truncated(folder: Path) -> Path:
    path = write_zip(folder / "pets.zip", class_members())
    path.write_bytes(path.read_bytes()[:-500])
    return path


@bad("image-class", "pets.zip", "empty")
def archive_of_no_bytes(folder: Path) -> Path:
    return table(folder, b"", "pets.zip")


@bad("image-class", "pets.zip", "holds no files")
def archive_of_no_members(folder: Path) -> Path:
    return write_zip(folder / "pets.zip", {})


@bad("image-class", rows=26)
def names_that_differ_in_case(folder: Path) -> Path:
    return pictures_with(folder, A__png=picture(900), a__png=picture(901))


@bad("image-class", rows=24)
def system_files(folder: Path) -> Path:
    more = {"__MACOSX/cat/._0.png": b"x", "cat/.DS_Store": b"x", "cat/Thumbs.db": b"x"}
    return write_zip(folder / "pets.zip", class_members() | more)


@bad("image-class", "pets.zip", "a RAR archive")
def another_format_called_zip(folder: Path) -> Path:
    return table(folder, b"Rar!\x1a\x07\x01\x00" + bytes(100), "pets.zip")


# ------------------------------------------------------------------------ pictures


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        )

    head = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b""))


@bad("image-class", rows=24)
def picture_of_400_megapixels(folder: Path) -> Path:
    return pictures_with(folder, x__png=png_header(20_000, 20_000))


@bad("image-class", rows=24)
def picture_of_144_megapixels(folder: Path) -> Path:
    buffer = io.BytesIO()
    Image.new("L", (12_000, 12_000)).save(buffer, "PNG")
    return pictures_with(folder, x__png=buffer.getvalue())


@bad("image-class", rows=24)
def pictures_that_are_none(folder: Path) -> Path:
    return pictures_with(
        folder, a__png=picture()[:-40], b__png=b"<html>", c__png=b"<svg/>", d__png=b"",
        e__png=b"%!PS-Adobe-3.0 EPSF-3.0\n", f__jpg=b"\xff\xd8\xff\xe1\xff\xff" + bytes(70_000),
    )  # fmt: skip


@bad("image-class", rows=28)
def pictures_of_every_mode_and_shape(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    found = {}
    kinds = {"p": ("P", (30, 20)), "la": ("LA", (30, 20)), "thin": ("RGB", (1, 20_000)),
             "dot": ("L", (1, 1))}  # fmt: skip
    for name, (mode, size) in kinds.items():
        pixels = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8))
        buffer = io.BytesIO()
        pixels.convert(mode).save(buffer, "PNG")
        found[f"{name}__png"] = buffer.getvalue()
    return pictures_with(folder, **found)


@bad("image-class", rows=24)
def picture_with_huge_metadata(folder: Path) -> Path:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("note", "x" * 60_000_000, zip=True)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    return pictures_with(folder, x__png=buffer.getvalue())


# ------------------------------------------------------------------------ tables


@bad("text-class", "t.csv", "empty")
def table_of_no_bytes(folder: Path) -> Path:
    return table(folder, b"")


@bad("text-class", "t.csv", "no rows below")
def header_only(folder: Path) -> Path:
    return table(folder, "text,label\n")


@bad("text-class", rows=24)
def byte_order_mark(folder: Path) -> Path:
    return table(folder, GOOD.encode("utf-8-sig"))


@bad("text-class", rows=24)
def utf_16(folder: Path) -> Path:
    return table(folder, GOOD.encode("utf-16"))


@bad("text-class", rows=25)
def latin_1(folder: Path) -> Path:
    return table(folder, (GOOD + "Grüße,good\n").encode("latin-1"))


@bad("text-class", rows=24)
def ragged_rows(folder: Path) -> Path:
    return table(folder, GOOD + "one\na,b,c\n")


@bad("text-class", rows=24)
def unclosed_quote(folder: Path) -> Path:
    return table(folder, GOOD + '"never closed,good\n')


@bad("text-class", rows=24)
def other_separators(folder: Path) -> Path:
    return table(folder, GOOD.replace(",", ";"))


@bad("text-class", rows=36)
def labels_in_disguise(folder: Path) -> Path:
    labels = ("NA", "null", "None", "01", "1", "1.0")
    rows = "".join(f"w{n} {label},{label}\n" for n in range(6) for label in labels)
    return table(folder, "text,label\n" + rows)


@bad("text-class", rows=24)
def field_of_50_megabytes(folder: Path) -> Path:
    return table(folder, GOOD + '"' + "word " * 10_000_000 + '",good\n')


@bad("text-class", "t.csv", "more than 1,000,000 rows")
def rows_above_the_limit(folder: Path) -> Path:
    return table(folder, "text,label\n" + "a b c,x\nd e f,y\n" * 500_001)


@bad("text-class", "t.csv", "the same label")
def one_class(folder: Path) -> Path:
    return table(folder, "text,label\n" + "".join(f"a {n},same\n" for n in range(20)))


@bad("text-class", rows=24)
def blank_texts(folder: Path) -> Path:
    return table(folder, GOOD + ",good\n \t ,good\n\u3000,bad\n")


@bad("text-class", rows=26)
def texts_that_want_to_be_code(folder: Path) -> Path:
    return table(folder, GOOD + "<script>alert(1)</script>,good\n=cmd|'/C calc'!A0,bad\n")


@bad("text-class", rows=27)
def signs_of_all_kinds(folder: Path) -> Path:
    return table(folder, GOOD + "👩‍👩‍👧,good\ne\u0301 é,bad\nשלום עולם,good\n")


@bad("text-class", "t.jsonl", "not valid JSON")
def json_that_is_none(folder: Path) -> Path:
    return table(folder, "{" * 50, "t.jsonl")


@bad("text-class", "t.json", "nested too deeply")
def json_ten_thousand_deep(folder: Path) -> Path:
    return table(folder, "[" * 10_000 + "]" * 10_000, "t.json")


@bad("text-class", rows=24)
def json_with_odd_values(folder: Path) -> Path:
    good = [json.dumps({"text": f"w {n}", "label": "ab"[n % 2]}) for n in range(24)]
    odd = [
        '{"text": NaN, "label": "a"}',
        '{"text": "a", "text": "b", "label": "a"}',
        "[" * 10_000,
        '{"text": {"a": [1]}, "label": null}',
        '{"text": "x", "label": ' + "9" * 100_000 + "}",
    ]
    return table(folder, "\n".join(good + odd), "t.jsonl")


@bad("text-class", "t.parquet", "rows")
def parquet_of_absurd_row_counts(folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = pa.array(["x"]).take(pa.array(np.zeros(3_000_000, np.int32)))
    pq.write_table(pa.table({"text": one, "label": one}), folder / "t.parquet")
    return folder / "t.parquet"


@bad("text-class", rows=24)
def parquet_with_nested_columns(folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    deep = [{"a": [{"b": [[n]]}]} for n in range(24)]
    columns = {"deep": deep, "text": [f"w {n}" for n in range(24)], "label": ["a", "b"] * 12}
    pq.write_table(pa.table(columns), folder / "t.parquet")
    return folder / "t.parquet"


@bad("text-class", "t.parquet", "damaged")
def parquet_truncated(folder: Path) -> Path:
    data = parquet_with_nested_columns(folder).read_bytes()
    return table(folder, data[:-200], "t.parquet")


CELLS = [["text", "label"], *([f"w {n}", "ab"[n % 2]] for n in range(24))]


@bad("text-class", "t.xlsx", "too large")
def workbook_bomb(folder: Path) -> Path:
    path = workbook(folder / "t.xlsx", {"A": CELLS})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/bomb.xml", "w", force_zip64=True) as file,
    ):
        for _ in range(100):
            file.write(bytes(10_000_000))
    return path


@bad("text-class", "t.xlsx", "too many rows and columns")
def workbook_of_a_million_rows_and_columns(folder: Path) -> Path:
    cells = '<row r="1"><c r="A1"><v>1</v></c></row>'
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return raw_workbook(folder / "t.xlsx", {"A": cells + far})


@bad("text-class", rows=24)
def workbook_with_formulas(folder: Path) -> Path:
    rows = "".join(
        f'<row r="{n + 1}"><c r="A{n + 1}" t="str"><f>WEBSERVICE("http://127.0.0.1:9")</f>'
        f'<v>{text}</v></c><c r="B{n + 1}" t="str"><v>{label}</v></c></row>'
        for n, (text, label) in enumerate(CELLS)
    )
    return raw_workbook(folder / "t.xlsx", {"A": rows})


@bad("text-class", rows=24)
def open_document_with_a_million_empty_rows(folder: Path) -> Path:
    return open_document(folder / "t.ods", CELLS)


@bad("text-class", "t.xls", "workbook")
def old_workbook_that_bites_its_tail(folder: Path) -> Path:
    from tests.backend.datasets.readers.samples import OLD_WORKBOOK

    data = bytearray(OLD_WORKBOOK)
    (where,) = struct.unpack_from("<L", data, 76)
    struct.pack_into("<L", data, (where + 1) * 512, 0)  # the first sector is followed by itself
    return table(folder, bytes(data), "t.xls")


# ------------------------------------------------------------------------ the other formats


@bad("text", "b.txt", "binary")
def text_that_is_none(folder: Path) -> Path:
    return table(folder, bytes(range(256)) * 50, "b.txt")


@bad("text", rows=1889)
def text_of_one_line(folder: Path) -> Path:
    return table(folder, "".join(f"A sentence, number {n}. " for n in range(100_000)), "b.txt")


@bad("text-pair", "t.csv", "source and a target")
def pairs_without_partners(folder: Path) -> Path:
    return table(folder, "en;de\n" + "word;\n" * 20)


@bad("rating", "t.csv", "user and a item")
def ratings_that_are_no_numbers(folder: Path) -> Path:
    return table(folder, "user,item,rating\n" + "ann,tea,nan\nbob,tea,1e999\n" * 20)


@bad("audio-class", rows=8)
def sounds_whose_headers_lie(folder: Path) -> Path:
    good = {f"{c}/{n}.wav": tone(0.1, pitch=200 + 90 * n) for c in "ab" for n in range(4)}
    lying = {}
    for number, (place, value) in enumerate(
        ((4, 0xFFFFFFFF), (22, 0xFFFF), (24, 0xFFFFFFFF), (34, 0xFFFF), (16, 0xFFFFFFFF))
    ):
        data = bytearray(tone(0.1, pitch=900 + number))
        struct.pack_into("<L" if value > 0xFFFF else "<H", data, place, value)
        lying[f"a/bad{number}.wav"] = bytes(data[:300] if place == 24 else data)
    lying["b/long.flac"], lying["b/x.mp3"] = b"fLaC" + bytes(60), b"\xff\xfb" * 500
    del lying["a/bad0.wav"]  # the size of the whole is not looked at, and the rest is sound
    return write_zip(folder / "a.zip", good | lying)


def boxes_in(folder: Path, name: str, data: bytes, **more: bytes) -> Path:
    files = {f"{n}.png": picture(n, SIZE) for n in range(12)}
    return write_zip(folder / "a.zip", {**files, name: data, **more})


def changed_coco(change: Callable[[dict[str, list[dict[str, object]]]], None]) -> bytes:
    record = json.loads(coco({f"{n}.png": [BOX] for n in range(12)}))
    change(record)
    return json.dumps(record).encode()


@bad("image-boxes", rows=12)
def coco_with_ids_that_do_not_exist(folder: Path) -> Path:
    more = [{"image_id": 99, "category_id": 1, "bbox": [0, 0, 5, 5]},
            {"image_id": 1, "category_id": 77, "bbox": [0, 0, 5, 5]}]  # fmt: skip
    return boxes_in(folder, "a.json", changed_coco(lambda r: r["annotations"].extend(more)))


@bad("image-boxes", rows=12)
def coco_with_boxes_that_are_none(folder: Path) -> Path:
    boxes = [[900, 900, 5, 5], [5, 5, -3, -3], [0, 0, float("nan"), 5], [1, 2], None, "x", [0] * 4]
    more = [{"image_id": 1, "category_id": 1, "bbox": box} for box in boxes]
    return boxes_in(folder, "a.json", changed_coco(lambda r: r["annotations"].extend(more)))


@bad("image-boxes", "a.json", "nested too deeply")
def coco_ten_thousand_deep(folder: Path) -> Path:
    return boxes_in(folder, "a.json", b'{"images": ' + b"[" * 10_000)


@bad("image-boxes", "a.zip", "No annotation", "entities")
def voc_with_a_billion_laughs(folder: Path) -> Path:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    text = f"<!DOCTYPE a [{entities}]><annotation><filename>&e11;</filename></annotation>"
    return boxes_in(folder, "0.xml", text.encode())


@bad("image-boxes", rows=11)
def voc_with_an_external_entity(folder: Path) -> Path:
    text = ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            "<annotation><filename>&x;</filename></annotation>")  # fmt: skip
    good = {f"{n}.xml": voc(f"{n}.png", [BOX]) for n in range(1, 12)}
    return boxes_in(folder, "0.xml", text.encode(), **good)


@bad("image-boxes", rows=12)
def yolo_labels_without_pictures(folder: Path) -> Path:
    good = {f"{n}.txt": b"0 0.5 0.5 0.4 0.4\n" for n in range(12)}
    lines = b"0 nan 0.5 0.1 0.1\n7 7 7 7 7\n0 0.5 0.5 -1 -1\nx y z\n0 0.5 0.5 0.4 0.4\n"
    return boxes_in(folder, "orphan.txt", lines, **{**good, "0.txt": lines})


@bad("image-boxes", "0.txt", "damaged")
def yolo_with_a_damaged_member(folder: Path) -> Path:
    path = boxes_in(folder, "0.txt", b"0 0.5 0.5 0.4 0.4\n" * 400)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("0.txt").header_offset
    data[offset + 40 : offset + 50] = os.urandom(10)
    path.write_bytes(data)
    return path


@bad("image-class", "labels.csv", "none of the pictures")
def table_of_files_that_did_not_come(folder: Path) -> Path:
    return table(folder, "file,label\n/etc/passwd,a\n../../x.png,b\n", "labels.csv")


@bad("image-class", rows=24)
def folder_with_links(folder: Path) -> Path:
    path = write_files(folder / "pets", class_members())
    (path / "cat" / "link.png").symlink_to("/etc/passwd")
    (path / "all").symlink_to("/etc")
    return path
