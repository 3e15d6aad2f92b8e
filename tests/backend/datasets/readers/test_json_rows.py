"""JSON as a table: lines, lists, records of lists; numbers as they are written; what is damaged."""

import json
import time
from pathlib import Path

import pytest

from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.tables import Row, open_table
from backend.errors import DataError
from tests.backend.datasets.conftest import bring, by_split, reasons, refused, texts

RECORDS = [{"text": f"text {n}", "label": "ab"[n % 2]} for n in range(12)]


def read(path: Path, text: str, least: int = 1) -> tuple[list[str], list[Row]]:
    path.write_text(text, encoding="utf-8")
    with open_table(path, path.name, Choices(), least=least) as table:
        return table.columns, list(table.rows([0]))


def cells(path: Path, text: str) -> tuple[list[str], list[list[str]]]:
    columns, rows = read(path, text)
    return columns, [row.cells for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, RECORDS)),
        "\r\n\r\n".join(map(json.dumps, RECORDS)) + "\n\n",
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\ufeff" + json.dumps(RECORDS),
        "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]",
        json.dumps({"version": "1", "data": RECORDS, "tags": ["x"]}),
        json.dumps({name: [record[name] for record in RECORDS] for name in RECORDS[0]}),
        "".join(json.dumps(record, indent=1) for record in RECORDS),
    ],
)
@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_every_layout(home: Path, tmp_path: Path, text: str, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    path.write_text(text, encoding="utf-8")
    dataset = bring(path, "text-class")
    assert (dataset.rows, dataset.classes, dataset.skipped) == (12, ["a", "b"], [])


def test_values_are_written_as_in_the_file(tmp_path: Path) -> None:
    line = (
        '{"a": 1.0, "b": 12345678901234567890123, "c": true, "d": null, "e": 1e5, "f": NaN, '
        '"g": [1, "x"], "h": {"i": -0, "j": {"k": "deep"}}, "l": "01", "m": -Infinity}'
    )
    columns, rows = cells(tmp_path / "t.jsonl", line + "\n" + line)
    assert dict(zip(columns, rows[0], strict=True)) == {
        "a": "1.0", "b": "12345678901234567890123", "c": "true", "d": "", "e": "1e5", "f": "",
        "g": '["1", "x"]', "h.i": "-0", "h.j": '{"k": "deep"}', "l": "01", "m": "",
    }  # fmt: skip


def test_records_with_other_fields(tmp_path: Path) -> None:
    columns, rows = cells(tmp_path / "t.jsonl", '{"a": 1}\n{"b": 2, "a": 3}\n{"c": 4}')
    assert columns == ["a", "b", "c"]
    assert rows == [["1", "", ""], ["3", "2", ""], ["", "", "4"]]


def test_lists_have_numbered_columns(tmp_path: Path) -> None:
    for text in ('[["a", 1], ["b", 2]]', '["a", 1]\n["b", 2]'):
        assert cells(tmp_path / "t.json", text) == (
            ["column 1", "column 2"],
            [["a", "1"], ["b", "2"]],
        )
    assert cells(tmp_path / "t.json", '["one text", "another"]') == (
        ["text"],
        [["one text"], ["another"]],
    )


def test_bad_lines_are_skipped_by_number(home: Path, tmp_path: Path) -> None:
    lines = [json.dumps(record) for record in RECORDS]
    lines[0] = '{"text": "x", "label": 01}'
    lines[2] = '{"text": "twice", "text": "named", "label": "a"}'
    lines[4] = '"only a text"'
    lines[6] = '{"text": "cut off", "label": '
    lines[8] = "[" * 20_000 + "]" * 20_000
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines))
    dataset = bring(path, "text-class")
    assert dataset.rows == 7
    assert reasons(dataset) == {
        "line 1": "It is not valid JSON.",
        "line 3": "It names the field 'text' twice.",
        "line 5": "It is no record with named fields.",
        "line 7": "It is not valid JSON.",
        "line 9": "It is nested too deeply.",
    }


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[" * 10_000, "nested too deeply"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
        ("[1, 2", "text"),
        ('[{"text": "a"}, {"text": ', "not valid JSON"),
        ("{}", "no records"),
        ("[]", "no records"),
        ("12", "no records"),
        ("not JSON at all", "not valid JSON"),
        ("   \n  ", "JSON"),
        ('{"text": "a"}', "only the field"),
    ],
)
def test_what_is_no_table(home: Path, tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with refused(tmp_path, "t.json"):
        bring(path, "text-class")
    if word != "text":
        with pytest.raises(DataError, match=word):
            read(path, text, least=2)


def test_a_large_list_is_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    with path.open("w") as file:
        file.write("[")
        for number in range(60_000):
            file.write(f'{"," if number else ""}\n  {{"text": "some words {number}", "n": 1}}')
        file.write("\n]\n")
    start = time.process_time()
    with open_table(path, "t.json", Choices()) as table:
        rows = list(table.rows([0]))
    assert time.process_time() - start < 5
    assert [len(rows), rows[-1].cells[0]] == [60_000, "some words 59999"]
    assert rows[-1].line == 60_000


def test_a_line_without_end(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with path.open("w") as file:
        file.write("\n".join(map(json.dumps, RECORDS)) + '\n{"text": "')
        for _ in range(50):
            file.write("word " * 200_000)
        file.write('", "label": "a"}\n')
    dataset = bring(path, "text-class")
    assert dataset.rows == 12
    assert "longer than" in reasons(dataset)["line 13"]


def test_pairs_of_fields_in_fields(home: Path, tmp_path: Path) -> None:
    """As the Hub writes translations."""
    path = tmp_path / "t.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"translation": {"en": f"word {n}", "de": f"Wort {n}"}}) for n in range(12)
        )
    )
    dataset = bring(path, "text-pair")
    assert dataset.rows == 12
    assert dataset.details["source_column"] == "translation.en"
    assert dataset.details["target_column"] == "translation.de"
    assert texts(dataset)[3] == "word 3"


def test_a_split_field(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    split = ["train"] * 8 + ["dev", "dev", "TEST", "Test"]
    path.write_text(
        "\n".join(json.dumps({**r, "split": s}) for r, s in zip(RECORDS, split, strict=True))
    )
    assert by_split(bring(path, "text-class")) == {"train": 8, "validation": 2, "test": 2}
