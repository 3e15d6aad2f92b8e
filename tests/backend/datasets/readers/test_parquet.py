"""Parquet: typed cells as texts, the Hub's labels and pictures, and files that lie."""

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.tables import open_table
from tests.backend.datasets.conftest import bring, by_split, picture, refused, texts
from tests.backend.datasets.readers.samples import tone


def write(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None) -> Path:
    table = pa.table(columns)
    if features:
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    pq.write_table(table, path, row_group_size=5)
    return path


def test_cells_are_texts(tmp_path: Path) -> None:
    columns = {
        "text": ["a", None],
        "whole": pa.array([7, None], pa.int32()),
        "number": [1.0, 0.1 + 0.2],
        "truth": [True, False],
        "day": [datetime.date(2024, 2, 1), None],
        "moment": [datetime.datetime(2024, 2, 1, 13, 30), datetime.datetime(2024, 2, 1)],
        "words": [["x", "y"], []],
        "pair": [{"en": "hello", "de": "hallo"}, None],
        "kind": pa.array(["x", "y"]).dictionary_encode(),
        "price": pa.array([None, "1.50"]).cast(pa.decimal128(5, 2)),
    }
    path = write(tmp_path / "t.parquet", columns)
    with open_table(path, "t.parquet", Choices()) as table:
        names = table.columns
        rows = [
            dict(zip(names, row.cells, strict=True)) for row in table.rows([*range(len(names))])
        ]
    assert rows[0] == {
        "text": "a", "whole": "7", "number": "1", "truth": "True", "day": "2024-02-01",
        "moment": "2024-02-01 13:30:00", "words": '["x", "y"]', "pair.en": "hello",
        "pair.de": "hallo", "kind": "x", "price": "",
    }  # fmt: skip
    assert rows[1] == {
        "text": "", "whole": "", "number": "0.3", "truth": "False", "day": "",
        "moment": "2024-02-01", "words": "[]", "pair.en": "", "pair.de": "", "kind": "y",
        "price": "1.50",
    }  # fmt: skip


def test_labels_of_the_hub_have_their_names(home: Path, tmp_path: Path) -> None:
    columns = {"text": [f"text {n}" for n in range(12)], "label": [n % 2 for n in range(12)]}
    features = {"text": {"dtype": "string"}, "label": {"names": ["neg", "pos"], "_type": "C"}}
    dataset = bring(write(tmp_path / "t.parquet", columns, features), "text-class")
    assert dataset.classes == ["neg", "pos"]
    for features in ({"label": {"names": "x"}}, {"label": 7}, [], None):  # type: ignore[assignment]
        path = write(tmp_path / "t.parquet", columns, features)
        assert bring(path, "text-class", f"other {features}").classes == ["0", "1"]


@pytest.mark.parametrize("nested", [True, False])
def test_pictures_inside(home: Path, tmp_path: Path, nested: bool) -> None:
    data: list[Any] = [picture(n) for n in range(12)]
    data[4], data[5] = b"no picture", None
    images = [{"bytes": each, "path": "x.png"} for each in data] if nested else data
    columns = {"image": images, "label": ["cat", "dog"] * 6}
    dataset = bring(write(tmp_path / "t.parquet", columns), "image-class")
    assert (dataset.rows, dataset.classes) == (10, ["cat", "dog"])
    assert [entry["where"] for entry in dataset.skipped] == ["row 5", "row 6"] or [
        entry["where"] for entry in dataset.skipped
    ] == ["row 6", "row 5"]


def test_recordings_inside(home: Path, tmp_path: Path) -> None:
    audio = [{"bytes": tone(0.2, pitch=200 + 20 * n), "path": "x.wav"} for n in range(12)]
    columns = {"audio": audio, "label": ["low", "high"] * 6}
    dataset = bring(write(tmp_path / "t.parquet", columns), "audio-class")
    assert (dataset.rows, dataset.classes) == (12, ["high", "low"])


def test_parts_named_for_splits(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for part, count in (("train-00000-of-00002", 9), ("train-00001-of-00002", 9), ("test", 4)):
        columns = {"text": [f"{part} {n}" for n in range(count)],
                   "label": ["ab"[n % 2] for n in range(count)]}  # fmt: skip
        write(folder / f"{part}.parquet", columns)
    dataset = bring(folder, "text-class")
    assert by_split(dataset) == {"train": 16, "validation": 2, "test": 4}


def test_texts_stored_as_bytes(home: Path, tmp_path: Path) -> None:
    columns = {"text": [f"größe {n}".encode() for n in range(12)], "label": ["a", "b"] * 6}
    assert texts(bring(write(tmp_path / "t.parquet", columns), "text-class"))[1] == "größe 1"


@pytest.mark.parametrize("case", ["rows", "cut", "footer", "noise", "magic", "columns", "one"])
def test_files_that_lie(home: Path, tmp_path: Path, case: str) -> None:
    path = tmp_path / "t.parquet"
    columns = {"text": [f"text {n}" for n in range(500)], "label": ["a", "b"] * 250}
    data = bytearray(write(path, columns).read_bytes())
    words = ["t.parquet"]
    if case == "rows":  # many equal rows take no room: a few bytes say that there are millions
        pq.write_table(
            pa.table(
                {
                    "text": pa.array(["x"]).take(pa.array([0] * 2_000_000)),
                    "label": pa.array(["y"]).take(pa.array([0] * 2_000_000)),
                }
            ),
            path,
        )
        assert path.stat().st_size < 100_000
        words.append("2,000,000 rows, more than the 1,000,000")
    elif case == "cut":
        path.write_bytes(data[: len(data) // 2])
        words.append("damaged")
    elif case == "footer":
        data[-8:-4] = (2**31 - 1).to_bytes(4, "little")
        path.write_bytes(data)
        words.append("damaged")
    elif case == "noise":
        data[4:2000] = bytes((7 * n) % 256 for n in range(1996))
        path.write_bytes(data)
    elif case == "magic":
        path.write_bytes(b"PAR1")
        words.append("damaged")
    elif case == "columns":
        write(path, {f"c{n}": ["x", "y"] for n in range(3000)})
        words.append("3,000 columns")
    else:
        write(path, {"text": ["a", "b"]})
        words.append("only one column")
    with refused(tmp_path, *words):
        bring(path, "text-class")
