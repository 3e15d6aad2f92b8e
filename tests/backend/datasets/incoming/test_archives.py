"""Every archive of the bad-input list: refused with a sentence, or its odd members skipped."""

import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from backend.datasets import import_dataset
from backend.datasets.store import Store
from storage.records import Dataset
from tests.backend.datasets.conftest import class_members, picture, refused, write_zip


def bring(path: Path, name: str = "pets") -> Dataset:
    return import_dataset(path, task="image-classification", name=name)


def with_member(path: Path, info: zipfile.ZipInfo | str, data: bytes = b"x") -> Path:
    """A good archive with one more member."""
    write_zip(path, class_members())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, data)
    return path


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # unix, whose modes are stored
    info.external_attr = mode << 16
    return info


def test_a_good_archive(home: Path, tmp_path: Path) -> None:
    dataset = bring(write_zip(tmp_path / "pets.zip", class_members()))
    assert dataset.classes == ["cat", "dog"]
    assert dataset.rows == 24
    assert dataset.splits == {"train": 20, "validation": 2, "test": 2}
    assert dataset.skipped == []
    assert dataset.details["image_shape"] == [7, 9, 3]
    assert len(Store.open(dataset.id)) == 24
    assert list((home / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../../evil.png", "cat/../../evil.png", "/etc/evil.png", "..\\win.png", "C:\\x.png",
     "C:/x.png", "c:evil.png", "\\\\server\\share\\x.png", "cat\\..\\..\\evil.png"],
)  # fmt: skip
def test_members_that_point_outside(home: Path, tmp_path: Path, name: str) -> None:
    path = with_member(tmp_path / "pets.zip", name, picture())
    with refused(tmp_path, "pets.zip", "points outside"):
        bring(path)
    assert not (tmp_path.parent / "evil.png").exists()


def test_a_link(home: Path, tmp_path: Path) -> None:
    path = with_member(tmp_path / "pets.zip", member("cat/l.png", stat.S_IFLNK | 0o777), b"/etc")
    with refused(tmp_path, "pets.zip", "cat/l.png", "is a link"):
        bring(path)


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_device(home: Path, tmp_path: Path, kind: int) -> None:
    path = with_member(tmp_path / "pets.zip", member("cat/d.png", kind | 0o644))
    with refused(tmp_path, "pets.zip", "cat/d.png", "is a device"):
        bring(path)


@pytest.mark.parametrize("bit", [stat.S_ISUID, stat.S_ISGID])
def test_special_rights(home: Path, tmp_path: Path, bit: int) -> None:
    path = with_member(tmp_path / "pets.zip", member("cat/d.png", stat.S_IFREG | 0o755 | bit))
    with refused(tmp_path, "pets.zip", "cat/d.png", "setuid"):
        bring(path)


def test_a_ratio_bomb(home: Path, tmp_path: Path) -> None:
    members = class_members()
    zeros = bytes(30_000_000)
    members |= {f"cat/zero{number}.bmp": zeros for number in range(10)}
    path = write_zip(tmp_path / "bomb.zip", members)
    assert path.stat().st_size < 1_000_000
    with refused(tmp_path, "bomb.zip", "50 times"):
        bring(path)


def test_a_member_larger_than_any_picture(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in class_members().items():
            archive.writestr(name, data)
        with archive.open("cat/large.bmp", "w") as file:
            for _ in range(101):
                file.write(os.urandom(1_000_000))
    with refused(tmp_path, "pets.zip", "cat/large.bmp", "larger than 100 MB"):
        bring(path)


def lie_about_size(path: Path, name: str, size: int) -> None:
    """Write another uncompressed size into both headers of a member."""
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo(name).header_offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, offset + 22, size)
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        if data[place + 46 :].startswith(name.encode()):
            struct.pack_into("<L", data, place + 24, size)
        place = data.find(b"PK\x01\x02", place + 1)
    path.write_bytes(data)


@pytest.mark.parametrize("noise", [False, True])
def test_a_header_that_says_too_little(home: Path, tmp_path: Path, noise: bool) -> None:
    data = os.urandom(500_000) if noise else bytes(50_000_000)
    path = with_member(tmp_path / "pets.zip", "cat/z.png", b"")
    path = write_zip(path, {**class_members(), "cat/z.png": data})
    lie_about_size(path, "cat/z.png", 10)
    with refused(tmp_path, "pets.zip", "cat/z.png", "than"):
        bring(path)


def test_a_header_that_says_a_little_too_little(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", {**class_members(), "cat/z.png": bytes(900_000)})
    lie_about_size(path, "cat/z.png", 100)
    with refused(tmp_path, "pets.zip", "cat/z.png"):
        bring(path)


def test_a_header_that_says_too_much(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", class_members(), zipfile.ZIP_STORED)
    lie_about_size(path, "cat/3.png", 90_000)
    # Only as many bytes are read as there are.
    assert bring(path).rows == 24


@pytest.mark.parametrize("name", ["inner.zip", "cat/inner.ZIP", "data.tar.gz", "x.7z", "x.rar"])
def test_an_archive_in_the_archive(home: Path, tmp_path: Path, name: str) -> None:
    inner = write_zip(tmp_path / "inner.zip", class_members()).read_bytes()
    path = with_member(tmp_path / "pets.zip", name, inner)
    with refused(tmp_path, "pets.zip", name, "another archive"):
        bring(path)


def many_members(path: Path, count: int) -> Path:
    """An archive whose list names many members, all with the same few bytes; made by hand."""
    body, listing = io.BytesIO(), io.BytesIO()
    data = picture()
    for number in range(count):
        name = b"%s/%06d.png" % (b"cat" if number % 2 else b"dog", number)
        common = struct.pack(
            "<HHHHHLLLHH", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0
        )
        listing.write(b"PK\x01\x02" + struct.pack("<H", 20) + common)
        listing.write(struct.pack("<HHHLL", 0, 0, 0, 0, body.tell()) + name)
        if number < 3:
            body.write(b"PK\x03\x04" + common + name + data)
    start, size = body.tell(), listing.tell()
    body.write(listing.getvalue())
    body.write(
        b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
    )
    body.write(b"PK\x06\x07" + struct.pack("<LQL", 0, start + size, 1))
    body.write(b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 65535, 65535, size, start, 0))
    path.write_bytes(body.getvalue())
    return path


def test_two_hundred_thousand_members(home: Path, tmp_path: Path) -> None:
    path = many_members(tmp_path / "pets.zip", 200_000)
    start = time.perf_counter()
    with refused(tmp_path, "pets.zip", "more than 150,000 files"):
        bring(path)
    assert time.perf_counter() - start < 10


def test_members_that_the_count_hides(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_MAX_ARCHIVE_FILES", "20")
    path = write_zip(tmp_path / "pets.zip", class_members())
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    struct.pack_into("<HH", data, end + 8, 1, 1)
    path.write_bytes(data)
    with refused(tmp_path, "pets.zip", "more than 20 files"):
        bring(path)


def test_deep_paths(home: Path, tmp_path: Path) -> None:
    path = with_member(tmp_path / "pets.zip", "a/" * 300 + "x.png", picture())
    with refused(tmp_path, "pets.zip", "300 folders deep"):
        bring(path)


def test_encrypted(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", class_members())
    data = bytearray(path.read_bytes())
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(sign)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(sign, place + 1)
    path.write_bytes(data)
    with refused(tmp_path, "pets.zip", "password"):
        bring(path)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated(home: Path, tmp_path: Path, share: float) -> None:
    path = write_zip(tmp_path / "pets.zip", class_members())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with refused(tmp_path, "pets.zip"):
        bring(path)


def test_a_flipped_byte(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", class_members(), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[120] ^= 0xFF
    path.write_bytes(data)
    with refused(tmp_path, "pets.zip", "damaged"):
        bring(path)


def test_any_damage_gives_a_sentence_or_a_data_set(home: Path, tmp_path: Path) -> None:
    import numpy as np

    from backend.errors import TrainroomError

    good = write_zip(tmp_path / "good.zip", class_members(6)).read_bytes()
    rng = np.random.default_rng(0)
    for round_ in range(60):
        data = bytearray(good)
        for place in rng.integers(0, len(data), 5):
            data[place] = int(rng.integers(0, 256))
        path = tmp_path / "bad.zip"
        path.write_bytes(data)
        sentence = ""
        try:
            bring(path, f"set {round_}")
        except TrainroomError as error:
            sentence = str(error)
        assert not sentence or "bad.zip" in sentence


def test_no_bytes(home: Path, tmp_path: Path) -> None:
    (tmp_path / "pets.zip").touch()
    with refused(tmp_path, "pets.zip", "empty"):
        bring(tmp_path / "pets.zip")


def test_no_members(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", {})
    with refused(tmp_path, "pets.zip", "empty archive"):
        bring(path)


def test_names_that_differ_in_case_only(home: Path, tmp_path: Path) -> None:
    members = class_members() | {"cat/A.png": picture(1000), "cat/a.png": picture(1001)}
    assert bring(write_zip(tmp_path / "pets.zip", members)).rows == 26


def test_system_files_are_skipped_and_counted(home: Path, tmp_path: Path) -> None:
    members = class_members() | {
        "__MACOSX/cat/._1.png": b"\0",
        "cat/.DS_Store": b"\0",
        "dog/Thumbs.db": b"\0",
        "desktop.ini": b"x",
        ".git/x.zip": b"x",
    }
    dataset = bring(write_zip(tmp_path / "pets.zip", members))
    assert dataset.rows == 24
    assert dataset.details["skipped_kinds"] == {"system file": 5}
    assert {entry["where"] for entry in dataset.skipped} == set(members) - set(class_members())


def tar_gz() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("cat/1.png")
        data = picture()
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar() -> bytes:
    import gzip

    return gzip.decompress(tar_gz())


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"Rar!\x1a\x07\0" + b"x" * 99, "RAR"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "7z"),
        (tar_gz(), "gzip"),
        (tar(), "tar"),
        (b"%PDF-1.7\n", "PDF"),
        (picture(), "picture"),
        (b"text,label\na,b\n", "not a zip archive"),
    ],
)
def test_another_format_called_zip(home: Path, tmp_path: Path, data: bytes, word: str) -> None:
    path = tmp_path / "pets.zip"
    path.write_bytes(data)
    with refused(tmp_path, "pets.zip", word):
        bring(path)


def test_an_unknown_compression(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", class_members())
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.find(b"PK\x01\x02") + 10, 9)  # Deflate64
    path.write_bytes(data)
    with refused(tmp_path, "pets.zip", "not supported"):
        bring(path)


def test_umlauts_without_the_flag_for_them(home: Path, tmp_path: Path) -> None:
    members = {f"{folder}/{n}.png": picture(n + 50 * (folder == "Äpfel"))
               for folder in ("Äpfel", "Birnen") for n in range(10)}  # fmt: skip
    path = write_zip(tmp_path / "fruit.zip", members)
    data = bytearray(path.read_bytes())
    for sign, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        place = data.find(sign)
        while place >= 0:
            data[place + offset] &= ~0x08  # as the archiver of macOS writes it
            place = data.find(sign, place + 1)
    path.write_bytes(data)
    assert bring(path).classes == ["Birnen", "Äpfel"]


def test_windows_separators(home: Path, tmp_path: Path) -> None:
    members = {name.replace("/", "\\"): data for name, data in class_members().items()}
    assert bring(write_zip(tmp_path / "pets.zip", members)).classes == ["cat", "dog"]


@pytest.mark.skipif(sys.platform == "win32", reason="reads the peak memory the unix way")
def test_memory_stays_small(home: Path, tmp_path: Path) -> None:
    """Pictures of 49 megapixels, the largest that are allowed, in every thread."""
    from PIL import Image

    members = class_members()
    for number, mode in enumerate(("RGBA", "L", "L")):
        buffer = io.BytesIO()
        Image.new(mode, (7000, 7000), number).save(buffer, "PNG", compress_level=1)
        members[f"cat/large{number}.png"] = buffer.getvalue()
    path = write_zip(tmp_path / "pets.zip", members, zipfile.ZIP_STORED)
    code = (
        "import resource, sys, PIL.Image, pathlib\n"
        "from backend.datasets import import_dataset\n"
        "from storage import database\n"
        "database.migrate()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "import_dataset(pathlib.Path(sys.argv[1]), task='image-classification', name='x')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) < 512_000
