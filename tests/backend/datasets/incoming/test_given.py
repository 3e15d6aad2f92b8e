"""What a browser sends before it is brought in: generated names, limits, several files."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from backend.datasets.incoming.given import (
    add_file,
    find_given,
    forget_given,
    give,
    give_path,
    given_folder,
    open_given,
    read_file,
    remove_file,
)
from backend.datasets.skips import Skips
from backend.errors import ArchiveError, DataError, NotFoundError
from tests.backend.datasets.conftest import class_members, write_zip


def paths(given_id: str) -> list[str]:
    with open_given(find_given(given_id), Skips()) as source:
        return sorted(entry.path for entry in source.entries)


def test_files_are_stored_under_generated_names(home: Path) -> None:
    data = os.urandom(3_000_000)
    given = give("mine", [("../../etc/passwd", io.BytesIO(data)), ("C:\\x.txt", io.BytesIO(b"x"))])
    assert {path.name for path in given_folder(given.id).iterdir()} == {"0", "1", "given.json"}
    assert given_folder(given.id).parent == home / "tmp"
    assert read_file(given, 0) == data
    assert paths(given.id) == ["C:/x.txt", "etc/passwd"]
    forget_given(given.id)
    assert list((home / "tmp").iterdir()) == []


def test_above_the_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINROOM_MAX_UPLOAD_MB", "1")
    for streams in ([2_000_000], [600_000, 600_000]):
        with pytest.raises(DataError, match=r"big\.zip has [12] MB; at most 1 MB"):
            give("big.zip", [(f"{n}.zip", io.BytesIO(bytes(n))) for n in streams])
    assert not (home / "tmp").exists()
    monkeypatch.setenv("TRAINROOM_MAX_ARCHIVE_FILES", "2")
    with pytest.raises(DataError, match="more than 2 files"):
        give("many", [(str(n), io.BytesIO(b"x")) for n in range(3)])


class Cut(io.BytesIO):
    """A stream whose sender goes away."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 2_000_000:
            raise ConnectionResetError
        return super().read(size)


def test_a_stream_that_is_cut_off(home: Path) -> None:
    with pytest.raises(ConnectionResetError):
        give("x", [("a.txt", io.BytesIO(b"x")), ("x.zip", Cut(bytes(5_000_000)))])
    assert list((home / "tmp").iterdir()) == []


def test_files_come_and_go(home: Path) -> None:
    given = give("photos", [])
    given = add_file(given, "cup/1.jpg", io.BytesIO(b"a"))
    given = add_file(given, "cup/2.jpg", io.BytesIO(b"b"))
    given = remove_file(given, 0)
    given = add_file(find_given(given.id), "plate/1.jpg", io.BytesIO(b"c"))
    assert [(file.name, file.number) for file in given.files] == [
        ("cup/2.jpg", 1),
        ("plate/1.jpg", 2),
    ]
    assert paths(given.id) == ["cup/2.jpg", "plate/1.jpg"]


def test_archives_among_several_files_are_opened(home: Path, tmp_path: Path) -> None:
    packed = [write_zip(tmp_path / f"{part}.zip", class_members(2)) for part in ("train", "test")]
    streams = [(path.name, io.BytesIO(path.read_bytes())) for path in packed]
    given = give("two", [*streams, ("labels.csv", io.BytesIO(b"x,y\n1,2\n"))])
    found = paths(given.id)
    assert "labels.csv" in found
    assert "train/cat/0.png" in found
    assert "test/dog/1.png" in found
    bad = give("two", [streams[0], ("evil.zip", io.BytesIO(_evil()))])
    with pytest.raises(ArchiveError, match=r"evil\.zip was not taken"):
        paths(bad.id)


def _evil() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../out.txt", b"x")
    return buffer.getvalue()


def test_something_on_this_computer_stays_where_it_is(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", class_members(2))
    given = give_path(path, "a.zip")
    assert len(paths(given.id)) == 4
    forget_given(given.id)
    assert path.exists()


@pytest.mark.parametrize("name", ["../..", "", "nothing", "x" * 300, "a/b", "..", "\0"])
def test_ids_that_are_none(home: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        find_given(name)
