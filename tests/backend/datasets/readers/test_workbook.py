"""Workbooks: cells as a person sees them, sheets, titles above the table, and what is refused."""

import contextlib
import zipfile
from pathlib import Path

import pytest

from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.tables import open_table
from backend.errors import DataError
from tests.backend.datasets.conftest import bring, by_split, look, reasons, refused, texts
from tests.backend.datasets.readers.samples import (
    OLD_WORKBOOK,
    Cell,
    open_document,
    raw_workbook,
    workbook,
)

HEADER: list[Cell] = ["text", "label"]


def rows(count: int = 12, labels: tuple[Cell, ...] = ("good", "bad")) -> list[list[Cell]]:
    return [[f"text {n}", labels[n % len(labels)]] for n in range(count)]


def test_a_workbook(home: Path, tmp_path: Path) -> None:
    dataset = bring(workbook(tmp_path / "t.xlsx", {"One": [HEADER, *rows()]}), "text-class")
    assert (dataset.rows, dataset.classes) == (12, ["bad", "good"])
    assert texts(dataset)[0] == "text 0"
    assert dataset.skipped == []


def test_cells_are_read_as_a_person_sees_them(home: Path, tmp_path: Path) -> None:
    seen: list[tuple[Cell, str]] = [
        (1, "1"), (1.5, "1.5"), (0.1 + 0.2, "0.3"), ("01", "01"), ("NA", "NA"), ("1.0", "1.0"),
        (True, "TRUE"), ("=1+1", "=1+1"), (12345678, "12345678"),
    ]  # fmt: skip
    table = [HEADER, *rows(len(seen) * 4, tuple(cell for cell, _ in seen))]
    dataset = bring(workbook(tmp_path / "t.xlsx", {"One": table}), "text-class")
    assert set(dataset.classes) == {text for _, text in seen}


def test_other_formats(home: Path, tmp_path: Path) -> None:
    old = tmp_path / "t.xls"
    old.write_bytes(OLD_WORKBOOK)
    assert bring(old, "text-class", "old").classes == ["0", "1"]
    path = open_document(tmp_path / "t.ods", [HEADER, *rows(12, (1, 2))])
    assert bring(path, "text-class", "ods").classes == ["1", "2"]
    renamed = tmp_path / "t.csv"
    renamed.write_bytes(workbook(tmp_path / "t.xlsx", {"A": [HEADER, *rows()]}).read_bytes())
    assert bring(renamed, "text-class", "renamed").rows == 12


def test_a_csv_called_xlsx(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_text("text,label\n" + "".join(f"t {n},{n % 2}\n" for n in range(12)))
    assert bring(path, "text-class").rows == 12


def test_titles_above_and_cells_beside_the_table(home: Path, tmp_path: Path) -> None:
    table = [["Survey of 2024"], [], ["made by hand"], HEADER, *rows(), [], ["total", None]]
    path = workbook(tmp_path / "t.xlsx", {"One": table}, first_row=3)
    dataset = bring(path, "text-class")
    assert dataset.rows == 12
    assert reasons(dataset) == {"row 20": "The label is empty."}


def test_sheets_named_for_splits_are_kept(home: Path, tmp_path: Path) -> None:
    sheets: dict[str, list[list[Cell]]] = {
        "Notes": [["x"]],
        "Train": [HEADER, *rows(20)],
        "Validation": [HEADER, ["v 1", "good"], ["v 2", "bad"]],
        "Test": [HEADER, ["x 1", "good"], ["x 2", "bad"], ["x 3", "bad"]],
    }
    dataset = bring(workbook(tmp_path / "t.xlsx", sheets), "text-class")
    assert by_split(dataset) == {"train": 20, "validation": 2, "test": 3}
    # Or only one of them is wanted.
    dataset = bring(tmp_path / "t.xlsx", "text-class", "one", sheet="Train")
    assert by_split(dataset) == {"train": 16, "validation": 2, "test": 2}
    dataset = bring(tmp_path / "t.xlsx", "text-class", "all", keep_splits=False)
    assert by_split(dataset) == {"train": 21, "validation": 2, "test": 2}


def test_the_sheet_with_the_most_in_it(home: Path, tmp_path: Path) -> None:
    sheets = {"Notes": [["read"], *[["me"]] * 90], "Data": [HEADER, *rows()], "Small": [HEADER]}
    path = workbook(tmp_path / "t.xlsx", sheets)
    found = look(path, "text-class", tmp_path / "look")
    assert (found.table["sheet"], found.table["sheets"]) == ("Data", ["Notes", "Data", "Small"])
    assert found.skipped == [
        {"where": "sheet Notes", "reason": "Another sheet is read."},
        {"where": "sheet Small", "reason": "Another sheet is read."},
    ]
    with refused(tmp_path, "t.xlsx", "sheet 'Other'", "Notes, Data, Small"):
        bring(path, "text-class", sheet="Other")


def test_bad_cells_do_no_harm(home: Path, tmp_path: Path) -> None:
    good = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>text {n}</t></is></c><c r="B{n}"><v>{n % 2}'
        "</v></c></row>"
        for n in range(2, 20)
    )
    head = ('<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c>'
            '<c r="B1" t="inlineStr"><is><t>label</t></is></c></row>')  # fmt: skip
    errors = '<row r="20"><c r="A20" t="e"><v>#N/A</v></c><c r="B20"><v>1</v></c></row>'
    formula = (
        '<row r="21"><c r="A21" t="str"><f>A2&amp;"!"</f><v>text 2!</v></c>'
        '<c r="B21"><f>1</f><v>1</v></c></row>'
    )
    uncounted = (
        '<row r="22"><c r="A22"><f>WEBSERVICE("http://x")</f></c><c r="B22"><v>1</v></c></row>'
    )
    path = raw_workbook(tmp_path / "t.xlsx", {"A": head + good + errors + formula + uncounted})
    dataset = bring(path, "text-class")
    assert dataset.rows == 19
    assert texts(dataset)[-1] == "text 2!"
    assert reasons(dataset) == {"row 20": "The text is empty.", "row 22": "The text is empty."}


WIDE = (
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)
BOMB = "<!DOCTYPE x [" + "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12)
) + "]>"  # fmt: skip


@pytest.mark.parametrize("case", ["wide", "large", "no table", "cut", "text", "empty", "one"])
def test_workbooks_that_cannot_be_read(
    home: Path, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.xlsx"
    words: tuple[str, ...] = ("t.xlsx",)
    if case == "wide":
        raw_workbook(path, {"A": WIDE})
        words += ("too many rows and columns",)
    elif case == "large":
        monkeypatch.setattr("backend.datasets.readers.workbook.MAX_UNPACKED", 5_000_000)
        raw_workbook(path, {"A": "<row>" + " " * 6_000_000 + "</row>"})
        words += ("too large",)
    elif case == "no table":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.txt", "x")
        words += ("zip archive, not a table",)
    elif case == "cut":
        data = workbook(path, {"A": [HEADER, *rows(500)]}).read_bytes()
        path.write_bytes(data[: len(data) // 2])
        words += ("damaged",)
    elif case == "text":
        path.write_bytes(b"PK\x03\x04" + b"x" * 500)
        words += ("damaged",)
    elif case == "empty":
        workbook(path, {"A": [], "B": []})
        words += ("empty",)
    else:
        workbook(path, {"A": [["text"], ["a"], ["b"]]})
        words += ("only one column",)
    with refused(tmp_path, *words):
        bring(path, "text-class")


def test_entities_are_not_expanded(home: Path, tmp_path: Path) -> None:
    """A billion laughs: nothing is expanded; it comes out as a text or as a refusal."""
    shared = BOMB + "<sst><si><t>&e11;</t></si></sst>"
    body = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>1</v></c></row>' * 3
    path = raw_workbook(tmp_path / "t.xlsx", {"A": body}, **{"xl/sharedStrings.xml": shared})
    found = ""
    with contextlib.suppress(DataError), open_table(path, "t.xlsx", Choices()) as table:
        found = "".join(str(cell) for row in table.rows([0, 1]) for cell in row.cells)
    assert len(found) < 1000


def test_a_million_empty_columns(home: Path, tmp_path: Path) -> None:
    empty = "".join(f'<c r="XF{chr(65 + n % 4)}1" s="1"/>' for n in range(1_000_000))
    body = (f'<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c>{empty}</row>'
            + "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>{n % 2}</v></c></row>'
                      for n in range(2, 30)))  # fmt: skip
    path = raw_workbook(tmp_path / "t.xlsx", {"A": body})
    with open_table(path, "t.xlsx", Choices()) as table:
        assert len(table.columns) == 2
