"""Two hundred damaged files per run, over all formats: none crashes, hangs, or writes outside."""

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backend.datasets.conftest import class_members, everything_below, picture, write_zip
from tests.backend.datasets.incoming.limited import SECONDS, run_all
from tests.backend.datasets.readers.samples import OLD_WORKBOOK as OLD
from tests.backend.datasets.readers.samples import coco, open_document, tone, voc, workbook

SEED = int(os.environ.get("TRAINROOM_FUZZ_SEED", "7"))
COUNT = int(os.environ.get("TRAINROOM_FUZZ_COUNT", "200"))
HOSTILE = (
    b"\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"../../", b'"', b"\n", b"[" * 50, b"<!",
    b"&a;", b"nan", b"1e999", b"-1", b"\xed\xa0\x80", b"PK\x03\x04", b"0" * 400, b"{", b"\\u0000",
)  # fmt: skip
BOX = ("cat", 1.0, 1.0, 5.0, 5.0)


def good_files(folder: Path) -> list[tuple[Path, str]]:
    """A small good file of every kind that can be brought in, with its format."""
    rows = [(f"text number {n}, with words", "ab"[n % 2]) for n in range(12)]
    lines = [f'"{text}",{label}' for text, label in rows]
    records = [json.dumps({"text": text, "label": label}) for text, label in rows]
    found: list[tuple[str, str, bytes]] = [
        ("t.csv", "text-class", "\n".join(["text,label", *lines]).encode()),
        ("t.tsv", "text-class", "\n".join(f"{a}\t{b}" for a, b in rows).encode("utf-16")),
        ("t.jsonl", "text-class", "\n".join(records).encode()),
        ("t.json", "text-class", f"[{','.join(records)}]".encode()),
        ("t.xls", "text-class", OLD),
        ("p.csv", "text-pair", "\n".join(["en;de", *(f"w {n};W {n}" for n in range(12))]).encode()),
        ("b.txt", "text", "\n\n".join(f"A paragraph, number {n}." for n in range(12)).encode()),
        ("r.csv", "rating", "\n".join(["user,item,rating", *(f"u{n % 3},i{n},{n % 5}" for n in
                                                             range(20))]).encode()),
    ]  # fmt: skip
    paths = []
    for name, kind, data in found:
        (folder / name).write_bytes(data)
        paths.append((folder / name, kind))
    cells = [["text", "label"], *rows]
    paths.append((workbook(folder / "t.xlsx", {"A": cells}), "text-class"))
    paths.append((open_document(folder / "t.ods", cells), "text-class"))
    paths.append((_parquet(folder / "t.parquet", rows), "text-class"))
    files = {f"{n}.png": picture(n, (9, 9)) for n in range(6)}
    jpegs = {f"{c}/{n}.jpg": picture(n, (16, 16), "JPEG") for c in "ab" for n in range(4)}
    kinds = {f"{c}/{n}.{k.lower()}": picture(9 + n, (9, 9), k) for c in "ab"
             for n, k in enumerate(("GIF", "BMP", "WEBP", "TIFF"))}  # fmt: skip
    texts = {f"{c}/{n}.txt": f"text {c} {n}".encode() for c in "ab" for n in range(6)}
    sounds = {f"{c}/{n}.wav": tone(0.05, 8000, 200 + 90 * n) for c in "ab" for n in range(4)}
    listed = "file,label\n" + "".join(f"{n}.png,{'ab'[n % 2]}\n" for n in range(6))
    archives = {
        "pictures": ("image-class", class_members(5)),
        "jpegs": ("image-class", jpegs),
        "kinds": ("image-class", kinds),
        "listed": ("image-class", {**files, "labels.csv": listed.encode()}),
        "texts": ("text-class", texts),
        "sounds": ("audio-class", sounds),
        "coco": ("image-boxes", {**files, "a.json": coco({name: [BOX] for name in files})}),
        "voc": ("image-boxes", {**files, **{f"{n}.xml": voc(f"{n}.png", [BOX]) for n in range(6)}}),
        "yolo": ("image-boxes", {**files, "data.yaml": b"names: [cat, dog]\n",
                                 **{f"{n}.txt": b"0 0.5 0.5 0.4 0.4\n" for n in range(6)}}),
    }  # fmt: skip
    for name, (kind, members) in archives.items():
        # Stored, not packed: so that damage reaches what is inside.
        paths.append((write_zip(folder / f"{name}.zip", members, 0), kind))
    return paths


def _parquet(path: Path, rows: list[tuple[str, str]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"text": list(texts), "label": list(labels)}), path)
    return path


def flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 2, 8, 40))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def overwrite(data: bytearray, dice: random.Random) -> None:
    place, piece = dice.randrange(len(data)), dice.choice(HOSTILE)
    data[place : place + len(piece)] = piece


def insert(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data))
    data[place:place] = dice.choice(HOSTILE) * dice.choice((1, 1, 3, 200))


def cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def drop(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data))
    del data[place : place + dice.choice((1, 4, 60, 500))]


def repeat(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data))
    data[place:place] = data[place : place + dice.choice((8, 200))] * dice.choice((1, 5, 50))


def numbers(data: bytearray, dice: random.Random) -> None:
    """A length somewhere becomes one of those that programs forget."""
    place = dice.randrange(max(1, len(data) - 4))
    value = dice.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
    data[place : place + 4] = value.to_bytes(4, dice.choice(("little", "big")))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip, overwrite, insert, cut, drop, repeat, numbers,
)  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_damaged_files_neither_crash_nor_hang_nor_escape(home: Path, tmp_path: Path) -> None:
    """TRAINROOM_FUZZ_SEED and TRAINROOM_FUZZ_COUNT give another run, or a longer one."""
    dice = random.Random(SEED)
    originals, damaged = tmp_path / "good", tmp_path / "damaged"
    originals.mkdir()
    damaged.mkdir()
    good = good_files(originals)
    todo = []
    for number in range(COUNT):
        path, kind = good[number % len(good)]
        data = bytearray(path.read_bytes())
        for _ in range(dice.choice((1, 1, 1, 2, 5))):
            dice.choice(MUTATIONS)(data, dice)
            data = data or bytearray(b"x")
        target = damaged / f"{number}-{path.name}"
        target.write_bytes(data)
        todo.append((target, kind))
    before = everything_below(tmp_path) | {"home", "damaged/imports.jsonl"}
    sound = run_all(good, damaged, home)
    assert [one.rows > 0 for one in sound] == [True] * len(good), sound
    outcomes = run_all(todo, damaged, home)
    assert len(outcomes) == COUNT
    bad = {
        path.name: one.trouble[-400:] or f"{one.seconds:.0f} s"
        for (path, _), one in zip(todo, outcomes, strict=True)
        if one.trouble or one.seconds > 4 * SECONDS
    }
    assert not bad, f"seed {SEED}:\n" + "\n".join(f"{name}: {what}" for name, what in bad.items())
    for one in outcomes:
        assert one.rows > 0 or len(one.sentence) > 10
        assert "Traceback" not in one.sentence
    after = {name for name in everything_below(tmp_path) if name.split("/")[0] != "home"}
    assert after <= before
    assert list((home / "tmp").iterdir()) == []
    taken = sum(one.rows > 0 for one in outcomes)
    most = max(one.memory_mb for one in outcomes)
    print(f"{COUNT} damaged files, seed {SEED}: {taken} read, {COUNT - taken} refused, "
          f"at most {most:.0f} MB more")  # fmt: skip
