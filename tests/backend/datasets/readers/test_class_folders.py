"""Which folder names the class, which the split, and which pictures are left out."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image

from backend.datasets import class_counts, import_dataset, list_examples
from backend.datasets.images import ORIENTATION, decode_image
from backend.datasets.store import Store
from storage.records import Dataset
from tests.backend.datasets.conftest import class_members, picture, refused, write_zip


def bring(path: Path, name: str = "pets") -> Dataset:
    return import_dataset(path, task="image-classification", name=name)


def under(folder: str, members: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in members.items()}


@pytest.mark.parametrize("above", ["", "pets/", "my pets/2024/", "./"])
def test_folders_around_everything_are_passed_over(home: Path, tmp_path: Path, above: str) -> None:
    members = {above + name: data for name, data in class_members().items()}
    assert bring(write_zip(tmp_path / "a.zip", members)).classes == ["cat", "dog"]


def test_files_beside_the_folders_do_not_confuse(home: Path, tmp_path: Path) -> None:
    members = under("pets", class_members()) | {
        "readme.txt": b"x",
        "cover.png": picture(900),
        "pets/cover.png": picture(901),
    }
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    assert dataset.classes == ["cat", "dog"]
    assert dataset.details["skipped_kinds"] == {"not a picture": 1, "no class": 2}


def test_deeper_folders_belong_to_the_class_above(home: Path, tmp_path: Path) -> None:
    members = class_members() | {"cat/kitten/1.png": picture(900), "dog/a/b/c.png": picture(901)}
    counts = class_counts(bring(write_zip(tmp_path / "a.zip", members)))
    assert [sum(each.values()) for each in counts.values()] == [13, 13]


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "Testing")])
@pytest.mark.parametrize("above", ["", "pets/"])
def test_folders_for_the_splits(
    home: Path, tmp_path: Path, names: tuple[str, ...], above: str
) -> None:
    members: dict[str, bytes] = {}
    for place, (split, count) in enumerate(zip(names, (10, 4, 3), strict=True)):
        for label in ("cat", "dog"):
            for number in range(count):
                seed = 100 * place + number + 1000 * (label == "dog")
                members[f"{above}{split}/{label}/{number}.png"] = picture(seed)
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    assert dataset.classes == ["cat", "dog"]
    assert dataset.splits == {"train": 20, "validation": 8, "test": 6}
    assert dataset.details["warnings"] == []


def test_a_missing_split_is_taken_from_train(home: Path, tmp_path: Path) -> None:
    members = under("train", class_members(20)) | {
        f"test/{label}/{n}.png": picture(5000 + n + 100 * (label == "dog"))
        for label in ("cat", "dog")
        for n in range(3)
    }
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    assert dataset.splits == {"train": 36, "validation": 4, "test": 6}


def test_the_same_picture_in_two_splits_is_warned_of(home: Path, tmp_path: Path) -> None:
    members = under("train", class_members(20)) | under("test", class_members(2))
    warnings = " ".join(bring(write_zip(tmp_path / "a.zip", members)).details["warnings"])
    assert "4 contents stand in more than one of the given splits" in warnings


def test_a_class_called_test_is_a_class(home: Path, tmp_path: Path) -> None:
    members = class_members(classes=("test", "train", "bus"))
    assert bring(write_zip(tmp_path / "a.zip", members)).classes == ["bus", "test", "train"]


def test_the_same_picture_in_two_classes(home: Path, tmp_path: Path) -> None:
    pixels = Image.open(io.BytesIO(picture(0)))
    again = io.BytesIO()
    pixels.save(again, "BMP")  # another file, the same picture
    members = class_members() | {"dog/copy.bmp": again.getvalue()}
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    warnings = " ".join(dataset.details["warnings"])
    assert "1 examples are copies" in warnings
    assert "1 contents stand in more than one class" in warnings
    store = Store.open(dataset.id)
    copies = [i for i in range(len(store)) if (store.image(i) == decode_image(picture(0))).all()]
    assert len(copies) == 2
    assert len({int(store.splits[i]) for i in copies}) == 1


BAD_PICTURES = {
    "cat/empty.png": (b"", "empty"),
    "cat/page.png": (b"<html>404</html>", "web page"),
    "cat/drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "cat/cut.png": (picture(77)[:-60], "cut off"),
    "cat/print.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
}


def test_pictures_that_cannot_be_read_are_skipped_by_name(home: Path, tmp_path: Path) -> None:
    members = class_members() | {name: data for name, (data, _) in BAD_PICTURES.items()}
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    assert dataset.rows == 24
    found = {entry["where"]: entry["reason"] for entry in dataset.skipped}
    assert found.keys() == BAD_PICTURES.keys()
    for name, (_, word) in BAD_PICTURES.items():
        assert word in found[name]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"readme.txt": b"x"}, ("no pictures", "readme.txt")),
        ({f"{n}.png": picture(n) for n in range(9)}, ("no folders",)),
        ({f"cat/{n}.png": picture(n) for n in range(9)}, ("only one class", "'cat'")),
        ({f"all/cat/{n}.png": picture(n) for n in range(9)}, ("only one class", "'cat'")),
        (
            {f"{c}/{n}.png": b"x" if c == "dog" else picture(n) for c in ("cat", "dog")
             for n in range(9)},
            ("class 'dog'", "not a picture"),
        ),
        ({f"{c}/1.png": picture(ord(c)) for c in "abcdef"}, ("too few",)),
        ({f"{n}/1.png": picture(n) for n in range(1001)}, ("1,001 folders",)),
    ],
)  # fmt: skip
def test_archives_without_two_classes(
    home: Path, tmp_path: Path, members: dict[str, bytes], words: tuple[str, ...]
) -> None:
    path = write_zip(tmp_path / "a.zip", members)
    with refused(tmp_path, "" if words == ("too few",) else "a.zip", *words):
        bring(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_the_same_in_training_and_preview(
    home: Path, tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture(5, (20, 12)))).save(buffer, "JPEG", exif=exif)
    members = class_members() | {"cat/turned.jpg": buffer.getvalue()}
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    store = Store.open(dataset.id)
    place = next(i for i in range(len(store)) if max(store.image(i).shape) == 20)
    upright = decode_image(buffer.getvalue())
    assert (store.image(place) == upright).all()
    shown = [
        decode_image(example.png)
        for split in ("train", "validation", "test")
        for example in list_examples(dataset, split, limit=99)
        if example.index == place and example.png
    ]
    assert (shown[0] == upright).all()


def test_a_folder_on_disk(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    for name, data in class_members().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "cat" / "link.png").symlink_to("/etc/passwd")
    (folder / "cat" / ".DS_Store").touch()
    dataset = bring(folder)
    assert dataset.rows == 24
    assert {entry["where"] for entry in dataset.skipped} == {"cat/link.png", "cat/.DS_Store"}
    assert dataset.source == "pets"


def test_an_empty_folder(home: Path, tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    with refused(tmp_path, "pets", "no pictures"):
        bring(tmp_path / "pets")


def test_the_same_archive_gives_the_same_data(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", class_members(40))
    first, second = Store.open(bring(path, "one").id), Store.open(bring(path, "two").id)
    assert (first.splits == second.splits).all()
    assert (first.stacked() == second.stacked()).all()


def test_progress_is_told(home: Path, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    import_dataset(
        write_zip(tmp_path / "a.zip", class_members(60)),
        task="image-classification",
        name="pets",
        progress=lambda words, share: told.append((words, share)),
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert "of 120" in told[0][0]


def test_a_thousand_small_pictures_take_seconds(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", class_members(500))
    start = time.process_time()
    assert bring(path).rows == 1000
    assert time.process_time() - start < 5


def test_names_of_classes_are_only_text(home: Path, tmp_path: Path) -> None:
    names = ("می\u200cشود", "👩\u200d🔬", "<b>x", "a\u202eb\x07", "x" * 200)
    dataset = bring(write_zip(tmp_path / "a.zip", class_members(classes=names)))
    assert sorted(dataset.classes) == sorted((*names[:3], "a\ufffdb\ufffd", names[4]))


def test_accents_are_one_sign_or_two(home: Path, tmp_path: Path) -> None:
    members = class_members(classes=("caf\u00e9", "bar")) | {"cafe\u0301/9.png": picture(999)}
    dataset = bring(write_zip(tmp_path / "a.zip", members))
    assert dataset.classes == ["bar", "caf\u00e9"]
