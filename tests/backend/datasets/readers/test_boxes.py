"""Boxes: COCO, YOLO and Pascal VOC in their usual folders; turned, scaled, clipped or refused."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.datasets.images import ORIENTATION, decode_picture
from backend.datasets.readers.boxes import fit_box
from backend.datasets.readers.voc import parse_annotation
from backend.datasets.store import Store
from backend.errors import DataError
from storage.records import Dataset
from tests.backend.datasets.conftest import (
    bring,
    by_split,
    look,
    picture,
    reasons,
    refused,
    write_files,
    write_zip,
)
from tests.backend.datasets.readers.samples import coco, voc

SIZE = (40, 20)
CAT, DOG = ("cat", 4.0, 2.0, 16.0, 10.0), ("dog", 20.0, 5.0, 10.0, 10.0)  # x, y, width, height


def pictures(count: int = 12, folder: str = "", start: int = 0) -> dict[str, bytes]:
    return {f"{folder}{n}.png": picture(n, SIZE) for n in range(start, start + count)}


def boxes_of(dataset: Dataset) -> list[list[tuple[str, list[float]]]]:
    """Class and corners of every box, picture by picture."""
    store = Store.open(dataset.id)
    found = []
    for index in range(len(store)):
        corners, labels = store.boxes(index)
        found.append(
            [
                (dataset.classes[label], [round(float(x), 2) for x in box])
                for box, label in zip(corners, labels, strict=True)
            ]
        )
    return found


# ------------------------------------------------------------------------ COCO


def coco_members(count: int = 12, **boxes: Any) -> dict[str, bytes]:
    files = pictures(count)
    given = {name: [CAT, DOG] if n % 2 else [CAT] for n, name in enumerate(files)}
    return {**files, "annotations.json": coco({**given, **boxes}, SIZE)}


def test_coco(home: Path, tmp_path: Path) -> None:
    dataset = bring(write_zip(tmp_path / "a.zip", coco_members()), "image-boxes")
    assert (dataset.rows, dataset.classes, dataset.skipped) == (12, ["cat", "dog"], [])
    assert boxes_of(dataset)[1] == [("cat", [4, 2, 20, 12]), ("dog", [20, 5, 30, 15])]
    assert dataset.details["annotations"] == "COCO"


@pytest.mark.parametrize("layout", ["roboflow", "coco 2017", "two files"])
def test_coco_folders_and_splits(home: Path, tmp_path: Path, layout: str) -> None:
    members: dict[str, bytes] = {"README.roboflow.txt": b"made with"}
    for split, count, start in (("train", 12, 0), ("valid", 3, 12), ("test", 2, 15)):
        folder = {"roboflow": f"{split}/", "coco 2017": f"{split}2017/", "two files": "all/"}[
            layout
        ]
        files = pictures(count, folder, start)
        given = {name.split("/")[-1]: [CAT, DOG] for name in files}
        place = {
            "roboflow": f"{split}/_annotations.coco.json",
            "coco 2017": f"annotations/instances_{split}2017.json",
            "two files": f"{split}.json",
        }[layout]
        members |= {**files, place: coco(given, SIZE)}
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert by_split(dataset) == {"train": 12, "validation": 3, "test": 2}
    assert bring(tmp_path / "a.zip", "image-boxes", "b", keep_splits=False).rows == 17


def test_coco_that_does_not_fit_together(home: Path, tmp_path: Path) -> None:
    members = coco_members()
    record = json.loads(members["annotations.json"])
    record["images"] += [
        {"id": 99, "file_name": "gone.png"}, {"id": 1, "file_name": "0.png"}, {"file_name": 7},
        "no record",
    ]  # fmt: skip
    bad: list[Any] = [
        {"image_id": 1000}, {"category_id": 77}, {"bbox": [1, 2, 3]}, {"bbox": "x"},
        {"bbox": [1, 2, float("nan"), 4]}, {"bbox": [1, 2, 10**400, 4]}, {"bbox": [0, 0, 1e999, 1]},
        {"bbox": [500, 500, 10, 10]}, {"bbox": [5, 5, -3, 4]}, {"bbox": [5, 5, 0, 4]},
        {"bbox": [True, 1, 2, 3]}, {"iscrowd": 1}, {"image_id": None}, {"category_id": [1]},
    ]  # fmt: skip
    good = {"image_id": 3, "category_id": 1, "bbox": [0, 0, 5, 5]}
    record["annotations"] += [{**good, **each} for each in bad] + ["no record", None]
    members["annotations.json"] = json.dumps(record).encode()
    members["alone.png"] = picture(500, SIZE)
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert dataset.rows == 12
    assert len(boxes_of(dataset)[3]) == 2
    found = reasons(dataset)
    assert found["gone.png"] == "It did not come along."
    assert found["alone.png"] == "No annotation names it."
    assert found["0.png"] == "Its number is missing or used twice."
    said = " ".join(found.values())
    for words in ("picture 1000, which is not listed", "class 77 is not listed", "not four numbers",
                  "outside of the picture", "wrong way round", "empty", "crowd"):  # fmt: skip
        assert words in said
    kinds = dataset.details["skipped_kinds"]
    assert sum(kinds.values()) == len(bad) + 4


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"[" * 10_000, "nested too deeply"),
        (b'{"images": [{"id": 1, "id": 2}], "annotations": []}', "twice"),
        (b"\xff\xfe{", "not valid JSON"),
        (b'{"images": [], "annotations": []}', "no boxes"),
        (b'{"images": 7, "annotations": {"x": 1}, "categories": null}', "no boxes"),
        (b'{"images": [{"id": 1, "file_name": "x.png"}], "annotations": []}', "came along"),
        (b"{}", "no annotations"),
    ],
)
def test_coco_that_is_none(home: Path, tmp_path: Path, data: bytes, word: str) -> None:
    path = write_zip(tmp_path / "a.zip", {**pictures(), "a.json": data})
    with refused(tmp_path, "a.", word):
        bring(path, "image-boxes")


def test_names_of_files_are_only_looked_up(home: Path, tmp_path: Path) -> None:
    members = {**pictures(), "a.json": b""}
    given = {"../../../etc/passwd": [CAT], "/etc/hostname": [CAT], "C:\\x.png": [CAT]}
    members["a.json"] = coco({**{f"{n}.png": [CAT] for n in range(12)}, **given}, SIZE)
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert dataset.rows == 12
    assert {"../../../etc/passwd", "/etc/hostname", "C:\\x.png"} <= reasons(dataset).keys()


# ------------------------------------------------------------------------ YOLO


def yolo_line(number: int, x: float, y: float, width: float, height: float) -> str:
    """A box in pixels of a picture of SIZE, as YOLO writes it."""
    w, h = SIZE
    return f"{number} {(x + width / 2) / w} {(y + height / 2) / h} {width / w} {height / h}\n"


LINES = yolo_line(0, *CAT[1:]) + yolo_line(1, *DOG[1:])


@pytest.mark.parametrize("layout", ["ultralytics", "roboflow", "darknet", "side by side"])
def test_yolo_folders_and_splits(home: Path, tmp_path: Path, layout: str) -> None:
    members: dict[str, bytes] = {"README.txt": b"made with love"}
    for split, count, start in (("train", 12, 0), ("valid", 3, 12), ("test", 2, 15)):
        above, beside = {
            "ultralytics": (f"set/images/{split}/", f"set/labels/{split}/"),
            "roboflow": (f"{split}/images/", f"{split}/labels/"),
            "darknet": (f"{split}/", f"{split}/"),
            "side by side": ("", ""),
        }[layout]
        files = pictures(count, above, start)
        members |= files
        members |= {
            f"{beside}{Path(name).stem}.txt": LINES.encode() if n else b""
            for n, name in enumerate(files)
        }
    names = {"darknet": ("obj.names", b"cat\ndog\n"), "side by side": ("classes.txt", b"cat\ndog")}
    name, text = names.get(layout, ("data.yaml", b"nc: 2\nnames: [cat, dog]\ntrain: ../x\n"))
    members[name] = text
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert (dataset.rows, dataset.classes) == (17, ["cat", "dog"])
    if layout != "side by side":
        assert by_split(dataset) == {"train": 12, "validation": 3, "test": 2}
    found = boxes_of(dataset)
    assert [] in found
    assert [("cat", [4, 2, 20, 12]), ("dog", [20, 5, 30, 15])] in found


def test_yolo_names_are_texts(home: Path, tmp_path: Path) -> None:
    members = pictures()
    members |= {f"{n}.txt": f"{n % 4} 0.5 0.5 0.5 0.5".encode() for n in range(12)}
    members["data.yaml"] = b"names:\n  0: no\n  1: 01\n  2: 1.0\n  3: on\n"
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert sorted(dataset.classes) == ["01", "1.0", "no", "on"]


def test_yolo_outlines_scores_and_bad_lines(home: Path, tmp_path: Path) -> None:
    members = pictures()
    members |= {f"{n}.txt": LINES.encode() for n in range(12)}
    members["0.txt"] = b"0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.6\n1.0 0.5 0.5 0.2 0.2 0.93\n"
    bad = [
        "x 0.5 0.5 0.1 0.1", "5 0.5 0.5 0.1 0.1", "0 0.5 0.5", "0 nan 0.5 0.1 0.1",
        "0 0.5 0.5 -0.1 0.1", "0 5 5 0.1 0.1", "0 0.5 0.5 0 0", "0 30 10 16 10",
        "-1 0.5 0.5 1 1", "0 0.5 0.5 1e400 1", "\u0660 0.5 0.5 0.1 0.1",
    ]  # fmt: skip
    members["1.txt"] = ("\n".join(bad) + "\n" + LINES).encode()
    members["orphan.txt"] = LINES.encode()
    members["classes.txt"] = b"cat\ndog"
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    found = boxes_of(dataset)
    assert found[0] == [("cat", [4, 2, 20, 12]), ("dog", [16, 8, 24, 12])]
    assert len(found[1]) == 2
    assert reasons(dataset)["orphan.txt"] == "No picture belongs to it."
    assert dataset.details["skipped_count"] == len(bad) + 1


def test_yolo_says_what_it_supposes(home: Path, tmp_path: Path) -> None:
    members = {**pictures(), **{f"{n}.txt": LINES.encode() for n in range(6)}}
    path = write_zip(tmp_path / "a.zip", members)
    notes = " ".join(look(path, "image-boxes", tmp_path / "look").notes)
    assert "6 pictures have no label file" in notes
    assert "go by their numbers" in notes
    assert bring(path, "image-boxes").classes == ["0", "1"]


def test_yolo_without_any_match(home: Path, tmp_path: Path) -> None:
    members = {**pictures(), **{f"labels/x{n}.txt": LINES.encode() for n in range(6)}}
    path = write_zip(tmp_path / "a.zip", members)
    with refused(tmp_path, "a.zip", "belongs to a picture"):
        bring(path, "image-boxes")


@pytest.mark.parametrize(
    "text",
    [
        b"names: !!python/object/apply:os.system ['touch /tmp/evil']\n",
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nnames: [*c, *c]\n",
        b"names: " + b"[" * 5000,
        b"[1, 2]",
        b"names: 7",
        b"\x00\x01",
    ],
)
def test_yaml_that_is_hostile(home: Path, tmp_path: Path, text: bytes) -> None:
    """Read as plain texts at most: nothing is built, run or expanded."""
    labels = {f"{n}.txt": yolo_line(0, *CAT[1:]).encode() for n in range(12)}
    path = write_zip(tmp_path / "a.zip", {**pictures(), **labels, "data.yaml": text})
    said = ""
    try:
        (name,) = bring(path, "image-boxes").classes
    except DataError as error:
        said, name = str(error), ""
    assert name in ("0", "touch /tmp/evil") or "data.yaml" in said
    assert not Path("/tmp/evil").exists()


# ------------------------------------------------------------------------ Pascal VOC


def corners(box: tuple[str, float, float, float, float]) -> tuple[str, float, float, float, float]:
    """From x, y, width, height to VOC's corners, which count from 1."""
    name, x, y, width, height = box
    return name, x + 1, y + 1, x + width, y + height


@pytest.mark.parametrize("layout", ["devkit", "roboflow", "flat"])
def test_voc_folders_and_splits(home: Path, tmp_path: Path, layout: str) -> None:
    members: dict[str, bytes] = {}
    for split, count, start in (("train", 12, 0), ("val", 3, 12), ("test", 2, 15)):
        above, beside = {
            "devkit": ("VOCdevkit/VOC2007/JPEGImages/", "VOCdevkit/VOC2007/Annotations/"),
            "roboflow": (f"{split}/", f"{split}/"),
            "flat": ("", ""),
        }[layout]
        files = pictures(count, above, start)
        stems = [Path(name).stem for name in files]
        members |= files
        members |= {
            f"{beside}{stem}.xml": voc(f"{stem}.png", [corners(CAT), corners(DOG)], SIZE)
            for stem in stems
        }
        if layout == "devkit":
            listed = "\n".join(stems).encode()
            members[f"VOCdevkit/VOC2007/ImageSets/Main/{split}.txt"] = listed
            members[f"VOCdevkit/VOC2007/ImageSets/Main/cat_{split}.txt"] = listed
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert (dataset.rows, dataset.classes) == (17, ["cat", "dog"])
    assert boxes_of(dataset)[0] == [("cat", [4, 2, 20, 12]), ("dog", [20, 5, 30, 15])]
    if layout != "flat":
        assert by_split(dataset) == {"train": 12, "validation": 3, "test": 2}


def test_voc_that_does_not_fit_together(home: Path, tmp_path: Path) -> None:
    members = pictures()
    members |= {f"{n}.xml": voc(f"{n}.png", [corners(CAT)], SIZE) for n in range(10)}
    members["9.xml"] = voc("9.png", [("cat", 30, 2, 4, 9), ("", 1, 1, 5, 5)], SIZE)
    members["9b.xml"] = voc("9.png", [corners(CAT)])
    members["gone.xml"] = voc("gone.png", [corners(CAT)])
    members["web.xml"] = b"<html/>"
    members["cut.xml"] = voc("1.png", [corners(CAT)])[:60]
    dataset = bring(write_zip(tmp_path / "a.zip", members), "image-boxes")
    assert dataset.rows == 9
    found = reasons(dataset)
    assert found["gone.xml"] == "Its picture did not come along."
    assert found["web.xml"] == "It is no annotation of Pascal VOC."
    assert "damaged" in found["cut.xml"]
    assert found["9b.xml"] == "Its picture is annotated twice."
    assert found["9.xml, object 2"] == "It has no name or not four corners."
    assert found["9.png"] == "None of its boxes can be used."
    assert found["11.png"] == "No annotation belongs to it."


LAUGHS = "<!DOCTYPE a [" + "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12)
) + "]><annotation><filename>&e11;</filename></annotation>"  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename>'
        "</annotation>",
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><annotation/>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><annotation/>',
        "<annotation>" + "<a>" * 100_000,
        "<annotation>&undeclared;</annotation>",
        '<?xml version="1.0" encoding="nothing"?><annotation/>',
        "",
        "\x00",
    ],
)
def test_xml_that_is_hostile(text: str) -> None:
    with pytest.raises(DataError):
        parse_annotation(text.encode())


def test_xml_in_other_encodings() -> None:
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        text = f"<?xml version='1.0' encoding='{encoding}'?>" + voc("größe.png", []).decode()
        assert parse_annotation(text.encode(encoding)).file_name == "größe.png"


# ------------------------------------------------------------------------ the picture


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
def test_boxes_are_turned_with_their_picture(orientation: int, kind: str) -> None:
    """The bright spot of the picture stays in its box, however the picture lies in its file."""
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[4:10, 6:16] = 255
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, exif=exif)
    found = decode_picture(buffer.getvalue())
    assert (found.width, found.height, found.orientation) == (40, 24, orientation)
    box = (6.0, 4.0, 16.0, 10.0)
    for size in (None, (40.0, 24.0), (80.0, 48.0)):
        scale = 2.0 if size == (80.0, 48.0) else 1.0
        fitted = fit_box(tuple(scale * x for x in box), found, size, relative=False)  # type: ignore[arg-type]
        assert not isinstance(fitted, str)
        x1, y1, x2, y2 = (round(x) for x in fitted)
        inside = found.pixels[y1:y2, x1:x2].mean()
        assert inside > 240
        outside = found.pixels.astype(float).sum() - found.pixels[y1:y2, x1:x2].sum()
        assert outside < 0.05 * found.pixels.astype(float).sum()


def test_boxes_of_the_upright_picture_are_not_turned() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20)).save(buffer, "JPEG", exif=exif)
    found = decode_picture(buffer.getvalue())
    assert found.pixels.shape == (40, 20, 3)
    assert fit_box((1, 2, 11, 32), found, (20, 40), relative=False) == (1, 2, 11, 32)
    assert fit_box((0.0, 0.5, 0.5, 1.0), found, None, relative=True) == (0, 20, 10, 40)


def test_boxes_are_scaled_with_their_picture() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1024, 512)).save(buffer, "PNG")
    found = decode_picture(buffer.getvalue())
    assert found.pixels.shape == (256, 512, 3)
    assert fit_box((100, 50, 300, 450), found, None, relative=False) == (50, 25, 150, 225)


@pytest.mark.parametrize(
    ("box", "word"),
    [
        ((float("nan"), 0, 5, 5), "no number"),
        ((0, 0, float("inf"), 5), "no number"),
        ((9, 0, 5, 5), "wrong way round"),
        ((-20, -20, -5, -5), "outside"),
        ((50, 0, 60, 5), "outside"),
        ((5, 5, 5.5, 9), "less than a pixel"),
        ((-5, 0, 0.5, 9), "less than a pixel"),
    ],
)
def test_boxes_that_cannot_be_used(box: tuple[float, ...], word: str) -> None:
    found = decode_picture(picture(0, SIZE))
    fitted = fit_box(box, found, None, relative=False)  # type: ignore[arg-type]
    assert isinstance(fitted, str)
    assert word in fitted


def test_boxes_are_clipped_to_the_picture() -> None:
    found = decode_picture(picture(0, SIZE))
    assert fit_box((-5, -5, 500, 10), found, None, relative=False) == (0, 0, 40, 10)
    other = fit_box((0, 0, 5, 5), found, (100.0, 100.0), relative=False)
    assert isinstance(other, str)
    assert "100 x 100" in other


def test_a_folder_works_as_a_zip_does(home: Path, tmp_path: Path) -> None:
    assert bring(write_files(tmp_path / "set", coco_members()), "image-boxes").rows == 12


def test_pictures_without_annotations(home: Path, tmp_path: Path) -> None:
    paths = [write_zip(tmp_path / "a.zip", pictures())]
    paths.append(write_zip(tmp_path / "b.zip", {"a.json": coco({})}))
    with refused(tmp_path, "a.zip", "no annotations", "COCO"):
        bring(paths[0], "image-boxes")
    with refused(tmp_path, "b.zip", "holds no pictures"):
        bring(paths[1], "image-boxes")


def test_a_look_shows_the_boxes(home: Path, tmp_path: Path) -> None:
    found = look(write_zip(tmp_path / "a.zip", coco_members(60)), "image-boxes", tmp_path / "look")
    assert (found.count, found.exact, found.form) == (60, True, "coco")
    assert found.classes == {"cat": 60, "dog": 30}
    first = found.examples[0]
    shown = decode_picture((tmp_path / "look" / first.file).read_bytes()).pixels
    plain = decode_picture(picture(0, SIZE)).pixels
    assert shown.shape == plain.shape
    assert (shown != plain).any()
