"""Which column is which, for every format that comes as a table; pairs, texts and ratings."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.formats import get_format
from backend.datasets.readers.columns import as_number, choose_columns, split_of
from backend.datasets.readers.tables import Row
from backend.datasets.splits import TEST, TRAIN, UNASSIGNED, VALIDATION
from backend.datasets.store import Store
from backend.errors import UsageError
from tests.backend.datasets.conftest import bring, by_split, look, reasons, refused


def guess(data_format: str, header: str, *rows: str, **named: str) -> dict[str, str]:
    """Role -> column of a table that is written with commas."""
    columns = header.split(",")
    sample = [Row(n, row.split(",")) for n, row in enumerate(rows, 2)]
    places = choose_columns(columns, sample, get_format(data_format), named, "t.csv")
    return {role: columns[place] for role, place in places.items()}


@pytest.mark.parametrize(
    ("data_format", "header", "rows", "expected"),
    [
        ("text-pair", "en,de", ["hello,hallo"], {"source": "en", "target": "de"}),
        ("text-pair", "id,article,highlights", ["1,a long one,short"],
         {"source": "article", "target": "highlights"}),
        ("text-pair", "a,b,c", ["1,some long text,shorter", "2,and another,short"],
         {"source": "b", "target": "c"}),
        ("text-pair", "translation.de,translation.en", ["x,y"],
         {"source": "translation.en", "target": "translation.de"}),
        ("text", "n,note", ["1,some words", "2,some more"], {"text": "note"}),
        ("rating", "userId,movieId,rating,timestamp", ["1,31,2.5,1260759144"],
         {"user": "userId", "item": "movieId", "rating": "rating"}),
        ("rating", "who,what,mark", ["ann,tea,4", "bob,milk,3"],
         {"user": "who", "item": "what", "rating": "mark"}),
        ("rating", "customer,product", ["ann,tea"], {"user": "customer", "item": "product"}),
        ("text-class", "text,label,split", ["a,x,train", "b,y,test"],
         {"text": "text", "label": "label", "split": "split"}),
        ("text-class", "text,label,part", ["a,x,Train", "b,y,VAL", "c,y,"],
         {"text": "text", "label": "label", "split": "part"}),
        ("text-class", "text,label,set", ["a,x,train", "b,y,Kaggle"],
         {"text": "text", "label": "label"}),
        ("text-class", "text,set", ["a,train", "b,test"], {"text": "text", "label": "set"}),
        ("text-class", "words and such,kind,where", ["long words here,x,train", "more,y,dev"],
         {"text": "words and such", "label": "kind", "split": "where"}),
    ],
)  # fmt: skip
def test_guesses(data_format: str, header: str, rows: list[str], expected: dict[str, str]) -> None:
    assert guess(data_format, header, *rows) == expected


def test_named_columns_win() -> None:
    rows = ["hello,hallo,bonjour"]
    assert guess("text-pair", "en,de,fr", *rows, target="fr") == {"source": "en", "target": "fr"}
    assert guess("text-pair", "en,de,fr", *rows, source="de") == {"source": "de", "target": "fr"}
    found = guess("rating", "user,item,rating", "a,b,3", rating="")
    assert found == {"user": "user", "item": "item"}


@pytest.mark.parametrize(
    ("named", "word"),
    [
        ({"colour": "en"}, "no column called 'colour' to choose. Known: source, target, split"),
        ({"source": "es"}, "t.csv has no column 'es'. Its columns: en, de"),
        ({"source": "en", "target": "en"}, "different columns"),
        ({"source": ""}, "Choose the column with what goes in"),
    ],
)
def test_columns_that_cannot_be(named: dict[str, str], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        guess("text-pair", "en,de", "hello,hallo", **named)


def test_words_for_splits() -> None:
    assert split_of(" Train ") == split_of("TRAINING") == TRAIN
    assert split_of("val") == split_of("Valid") == split_of("dev") == VALIDATION
    assert split_of("testing") == TEST
    assert split_of("  ") == UNASSIGNED
    assert split_of("holdout") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", 4), (" 4.5 ", 4.5), ("4,5", 4.5), ("-1e3", -1000), ("nan", None), ("inf", None),
     ("1e400", None), ("", None), ("4 stars", None), ("1,234,567", None), ("٣", 3)],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float | None) -> None:
    assert as_number(text) == value


# ------------------------------------------------------------------------ brought in


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs(home: Path, tmp_path: Path) -> None:
    rows = "".join(f"word {n};Wort {n}\n" for n in range(20))
    path = write(tmp_path / "t.csv", "en;de\n" + rows + ";nothing\nnothing; \n")
    dataset = bring(path, "text-pair")
    assert (dataset.rows, dataset.classes) == (20, [])
    store = Store.open(dataset.id)
    assert (store.text(3), store.target_text(3)) == ("word 3", "Wort 3")
    assert reasons(dataset) == {
        "line 22": "The first text is empty.",
        "line 23": "The second text is empty.",
    }
    found = look(path, "text-pair", tmp_path / "look")
    assert (found.examples[3].text, found.examples[3].target) == ("word 3", "Wort 3")


def test_ratings(home: Path, tmp_path: Path) -> None:
    rows = "".join(f"u{n % 5},i{n},{n % 5 + 1}\n" for n in range(40))
    bad = "u1,,3\n,i1,3\nu1,i2,many\nu1,i3,nan\nu1,i4,\n"
    dataset = bring(write(tmp_path / "t.csv", "user,item,stars\n" + rows + bad), "rating")
    assert dataset.rows == 40
    store = Store.open(dataset.id)
    names = store.names()
    first = store.ratings()[7]
    assert (names["users"][first["user"]], names["items"][first["item"]]) == ("u2", "i7")
    assert float(first["value"]) == 3
    found = reasons(dataset)
    assert found["line 42"] == "The thing is missing."
    assert found["line 43"] == "The person is missing."
    assert found["line 44"] == "The rating 'many' is no number."
    assert len(found) == 5


def test_ratings_without_ratings(home: Path, tmp_path: Path) -> None:
    rows = "".join(f"u{n % 5},i{n}\n" for n in range(40))
    dataset = bring(write(tmp_path / "t.csv", "user,item\n" + rows), "rating")
    assert (np.unique(Store.open(dataset.id).ratings()["value"]) == [1.0]).all()


def test_ratings_without_a_header(home: Path, tmp_path: Path) -> None:
    """As MovieLens writes them: tabs, no header, a time at the end."""
    rows = "".join(f"{n % 7}\t{n}\t{n % 5 + 1}\t88125094{n}\n" for n in range(40))
    path = write(tmp_path / "u.data", rows)
    found = look(path, "rating", tmp_path / "look")
    assert found.table["header"] is False
    assert found.table["roles"] == {"user": "column 1", "item": "column 2", "rating": "column 3"}
    assert bring(path, "rating").rows == 40


def test_a_split_column(home: Path, tmp_path: Path) -> None:
    splits = ["train"] * 12 + ["val"] * 4 + ["test"] * 3 + [""] * 1
    rows = "".join(f"text {n},{'ab'[n % 2]},{s}\n" for n, s in enumerate(splits))
    path = write(tmp_path / "t.csv", "text,label,split\n" + rows + "odd,a,holdout\n")
    dataset = bring(path, "text-class", columns={"split": "split"})
    assert by_split(dataset) == {"train": 13, "validation": 4, "test": 3}
    assert "'holdout' is none of train" in reasons(dataset)["line 22"]
    divided = bring(path, "text-class", "other", columns={"split": ""})
    assert by_split(divided) == {"train": 17, "validation": 2, "test": 2}


def test_several_tables_are_one(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    for month in ("january", "february"):
        write(folder / f"{month}.csv", "text,label\n" + "".join(
            f"{month} {n},{'ab'[n % 2]}\n" for n in range(10)) + "only one\n")  # fmt: skip
    write(folder / "prices.csv", "item,price,currency\n" + "tea,1,EUR\n" * 3)
    dataset = bring(folder, "text-class")
    assert dataset.rows == 20
    assert reasons(dataset) == {
        "prices.csv": "Its columns are others than those of the rest.",
        "line 12 of february.csv": "It has 1 cells instead of 2.",
        "line 12 of january.csv": "It has 1 cells instead of 2.",
    }


def test_a_test_table_without_labels(home: Path, tmp_path: Path) -> None:
    """As competitions come: what is to be predicted has no labels, and cannot be learned from."""
    folder = tmp_path / "kaggle"
    folder.mkdir()
    rows = "".join(f"{n},text {n},{'ab'[n % 2]}\n" for n in range(20))
    write(folder / "train.csv", "id,text,label\n" + rows)
    write(folder / "test.csv", "id,text\n" + "".join(f"{n},text x{n}\n" for n in range(20)))
    dataset = bring(folder, "text-class")
    assert by_split(dataset) == {"train": 16, "validation": 2, "test": 2}
    assert reasons(dataset) == {"test.csv": "It has no column 'label'."}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_and_header_can_be_said(home: Path, tmp_path: Path, separator: str) -> None:
    rows = "".join(f"a{n}{separator}b{n}#c{n}\n" for n in range(12))
    path = write(tmp_path / "t.csv", f"text{separator}label#x\n" + rows)
    found = look(path, "text-class", tmp_path / "look", separator="#", header=False)
    assert found.table["separator"] == "#"
    assert found.table["columns"] == ["column 1", "column 2"]
    assert found.table["rows"][0] == [f"text{separator}label", "x"]
    plain = write(tmp_path / "u.csv", "text,label\na,b\n")
    with refused(tmp_path, "u.csv", "only one column where tabs separate"):
        bring(plain, "text-class", separator="\t")
