"""Pictures that a table names: found by any part of their path, or skipped with a reason."""

from pathlib import Path

import pytest

from tests.backend.datasets.conftest import (
    bring,
    by_split,
    class_members,
    look,
    picture,
    reasons,
    refused,
    write_files,
    write_zip,
)


def members(count: int = 12, folder: str = "images/") -> dict[str, bytes]:
    return {f"{folder}{n}.png": picture(n) for n in range(count)}


def table(names: list[str], labels: str = "ab", header: str = "file,label") -> bytes:
    rows = "".join(f"{name},{labels[n % 2]}\n" for n, name in enumerate(names))
    return f"{header}\n{rows}".encode()


@pytest.mark.parametrize(
    "written",
    [
        "images/{}.png",
        "{}.png",
        "{}",
        "./images/{}.PNG",
        "C:\\me\\images\\{}.png",
        "/data/x/{}.png",
    ],
)
@pytest.mark.parametrize("place", ["labels.csv", "images/labels.csv"])
def test_names_in_any_form(home: Path, tmp_path: Path, written: str, place: str) -> None:
    files = {**members(), place: table([written.format(n) for n in range(12)])}
    dataset = bring(write_zip(tmp_path / "a.zip", files), "image-class")
    assert (dataset.rows, dataset.classes, dataset.skipped) == (12, ["a", "b"], [])


def test_equal_names_in_two_folders(home: Path, tmp_path: Path) -> None:
    files = {**members(6, "left/"), **members(6, "right/")}
    files["labels.csv"] = table([f"left/{n}.png" for n in range(6)] + ["right/0.png", "3.png"])
    dataset = bring(write_zip(tmp_path / "a.zip", files), "image-class")
    assert dataset.rows == 7
    found = reasons(dataset)
    assert found["line 9"] == "It names '3.png', which is several of the files."
    assert found["right/5.png"] == "No row of the table names it."


def test_rows_that_cannot_be_used(home: Path, tmp_path: Path) -> None:
    files = members()
    names = [f"{n}.png" for n in range(12)]
    files["labels.csv"] = table(names) + b"gone.png,a\n0.png,b\n,a\n1.png\n11.png,\n"
    files["images/bad.png"] = b"<html>"
    files["labels.csv"] += b"bad.png,a\n"
    dataset = bring(write_zip(tmp_path / "a.zip", files), "image-class")
    assert dataset.rows == 12
    assert reasons(dataset) == {
        "line 14": "It names 'gone.png', which did not come along.",
        "line 15": "It names images/0.png again.",
        "line 16": "It names '', which did not come along.",
        "line 17": "It has 1 cells instead of 2.",
        "line 18": "The label is empty.",
        "images/bad.png": "This is a web page; use PNG, JPEG, WebP, BMP, GIF or TIFF.",
    }


def test_a_split_column_and_tables_per_split(home: Path, tmp_path: Path) -> None:
    files = members(20)
    rows = "".join(f"{n}.png,{'ab'[n % 2]},{'test' if n > 15 else 'train'}\n" for n in range(20))
    path = write_zip(tmp_path / "a.zip", {**files, "x.csv": ("image,label,set\n" + rows).encode()})
    assert by_split(bring(path, "image-class", "one"))["test"] == 4
    files["train.csv"] = table([f"{n}.png" for n in range(16)])
    files["test.csv"] = table([f"{n}.png" for n in range(16, 20)])
    path = write_zip(tmp_path / "b.zip", files)
    assert by_split(bring(path, "image-class", "two"))["test"] == 4


def test_a_table_wins_over_folders_only_if_it_names_the_files(home: Path, tmp_path: Path) -> None:
    files = class_members(12)
    files["prices.csv"] = b"thing,price\ntea,1\nmilk,2\n"
    path = write_zip(tmp_path / "a.zip", files)
    found = look(path, "image-class", tmp_path / "look")
    assert (found.form, found.classes) == ("folders", {"cat": 12, "dog": 12})
    names = list(class_members(12))
    rows = "".join(f"{name},{'wet' if n % 3 else 'dry'}\n" for n, name in enumerate(names))
    files["labels.csv"] = ("path,label\n" + rows).encode()
    del files["prices.csv"]
    path = write_zip(tmp_path / "b.zip", files)
    found = look(path, "image-class", tmp_path / "look")
    assert (found.form, set(found.classes)) == ("listed", {"wet", "dry"})
    # The user may mean it otherwise.
    assert bring(path, "image-class", form="folders").classes == ["cat", "dog"]


def test_a_table_of_files_that_did_not_come(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(table(["a.png", "b.png", "c.png"]))
    with refused(tmp_path, "labels.csv", "none of the pictures"):
        bring(path, "image-class")


def test_a_server_path_in_a_table_is_never_opened(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture(99))
    names = [str(secret), f"../../{secret.name}", *(f"{n}.png" for n in range(12))]
    folder = write_files(tmp_path / "set", {**members(), "labels.csv": table(names)})
    dataset = bring(folder, "image-class")
    assert dataset.rows == 12
    assert "did not come along" in reasons(dataset)["line 2"]
    assert "did not come along" in reasons(dataset)["line 3"]
