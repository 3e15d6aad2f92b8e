"""Folders of this computer: only those that are set, and never a way out of them."""

import os
from pathlib import Path

import pytest

from backend.datasets.incoming.given import open_given
from backend.datasets.incoming.server_folders import (
    allowed_folders,
    give_from_server,
    inside,
    list_items,
)
from backend.datasets.skips import Skips
from backend.errors import UsageError
from tests.backend.datasets.conftest import class_members, write_files, write_zip


@pytest.fixture
def folders(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two allowed folders, something secret beside them, and links in and out."""
    write_files(tmp_path / "data" / "pets", class_members(3))
    write_zip(tmp_path / "data" / "pets.zip", class_members(3))
    (tmp_path / "data" / "notes.docx").touch()
    (tmp_path / "data" / ".hidden.zip").touch()
    (tmp_path / "more").mkdir()
    secret = write_files(tmp_path / "secret", {"a/1.png": b"x", "b/1.png": b"x"})
    (tmp_path / "data" / "out").symlink_to(secret)
    (tmp_path / "data" / "out.zip").symlink_to(secret / "a" / "1.png")
    (tmp_path / "data" / "in").symlink_to(tmp_path / "data" / "pets")
    (tmp_path / "data" / "round").symlink_to(tmp_path / "data" / "round")
    (tmp_path / "data" / "pets" / "cat" / "link.png").symlink_to(secret / "a" / "1.png")
    named = [tmp_path / "data", tmp_path / "more", tmp_path / "gone", Path("relative")]
    monkeypatch.setenv("TRAINROOM_DATA_FOLDERS", os.pathsep.join(map(str, named)))
    return tmp_path


def test_nothing_is_allowed_unless_it_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "  ", "relative", "/no/such/folder"):
        monkeypatch.setenv("TRAINROOM_DATA_FOLDERS", value)
        assert allowed_folders() == []
        with pytest.raises(UsageError):
            list_items(0, [], ("zip",))


def test_what_is_listed(folders: Path) -> None:
    assert allowed_folders() == ["data", "more"]
    found = list_items(0, [], ("zip",))
    assert [(item.name, item.is_folder) for item in found] == [
        ("in", True),
        ("pets", True),
        ("pets.zip", False),
    ]
    assert [item.name for item in list_items(0, ["pets"], ("png",))] == ["cat", "dog"]
    assert list_items(1, [], ("zip",)) == []


def test_what_is_given_stays_where_it_is(folders: Path) -> None:
    for parts in (["pets.zip"], ["pets"], ["in"]):
        given = give_from_server(0, parts)
        skips = Skips()
        with open_given(given, skips) as source:
            assert len(source.entries) == 6
        # The link that leads out was not followed.
        assert [entry["where"] for entry in skips.listed] in ([], ["cat/link.png"])
    assert (folders / "data" / "pets.zip").exists()


@pytest.mark.parametrize(
    "parts",
    [["out"], ["out.zip"], ["out", "a", "1.png"], [".."], ["..", "secret"], ["pets", "..", ".."],
     ["/etc/passwd"], ["/"], ["round"], ["nothing"], ["a\0b"], ["x" * 5000],
     ["pets", "cat", "link.png"]],
)  # fmt: skip
def test_there_is_no_way_out(folders: Path, parts: list[str]) -> None:
    for act in (inside, give_from_server):
        with pytest.raises(UsageError, match="outside of the folders"):
            act(0, parts)
    with pytest.raises(UsageError):
        list_items(0, parts, ("zip", "png"))


def test_what_becomes_a_link_later_is_not_followed(folders: Path) -> None:
    given = give_from_server(0, ["pets.zip"])
    path = folders / "data" / "pets.zip"
    path.rename(folders / "outside.zip")
    path.symlink_to(folders / "outside.zip")
    with pytest.raises(UsageError, match="outside of the folders"), open_given(given, Skips()):
        pass


@pytest.mark.parametrize("folder", [-1, 2, 99])
def test_folders_that_are_not_set(folders: Path, folder: int) -> None:
    with pytest.raises(UsageError, match="not one of those"):
        inside(folder, [])
