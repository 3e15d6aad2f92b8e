"""Every table of the bad-input list, and that good tables come back sign for sign."""

import codecs
import csv
import io
import time
from pathlib import Path

import pytest

from backend.datasets import import_dataset
from backend.datasets.formats import get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.columns import choose_columns
from backend.datasets.readers.delimited import read_rows
from backend.datasets.readers.tables import MAX_CELL, open_table
from backend.datasets.store import Store
from backend.errors import UsageError
from storage.records import Dataset
from tests.backend.datasets.conftest import refused, write_zip


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def rows(count: int = 12, separator: str = ",") -> str:
    return "".join(
        f"{word} number {n}{separator}{label}\n"
        for n in range(count)
        for word, label in (("good thing", "positive"), ("bad thing", "negative"))
    )


GOOD = "text,label\n" + rows()


def bring(path: Path, name: str = "mine", **columns: str) -> Dataset:
    return import_dataset(path, task="text-classification", name=name, **columns)


def stored(dataset: Dataset) -> list[tuple[str, str]]:
    store = Store.open(dataset.id)
    return [(store.text(i), dataset.classes[store.labels[i]]) for i in range(len(store))]


def test_a_good_table(home: Path, tmp_path: Path) -> None:
    dataset = bring(write(tmp_path / "reviews.csv", GOOD))
    assert dataset.classes == ["negative", "positive"]
    assert dataset.rows == 24
    assert dataset.splits == {"train": 20, "validation": 2, "test": 2}
    assert dataset.skipped == []
    assert dataset.source == "reviews.csv"
    assert stored(dataset)[0] == ("good thing number 0", "positive")


# ------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("t.csv", "empty")),
        ("\n\n \n", ("t.csv", "blank")),
        ("text,label\n", ("t.csv", "header", "no rows")),
        ("text\n" + "one\n" * 20, ("t.csv", "one column")),
        ("text,label\n" + "".join(f"a {n},same\n" for n in range(20)), ("t.csv", "same label")),
        ("text,label\n" + "".join(f"a,b {n}\n" for n in range(40)), ("t.csv", "40 different")),
        ("text,label\n,x\n , \n,y\n", ("t.csv", "both a text and a label", "line 2")),
        ("text,label\n" + "a,b,c\n" * 9 + "a,b\nc,d\n", ("t.csv", "9 of the 11 rows", "line 2")),
        ("text,label\na,x\nb,y\n", ("too few", "three of each")),
    ],
)
def test_tables_that_hold_nothing_to_learn(
    home: Path, tmp_path: Path, content: str, words: tuple[str, ...]
) -> None:
    path = write(tmp_path / "t.csv", content)
    with refused(tmp_path, *words):
        bring(path)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"PK\x03\x04" + b"\0" * 50, "t.csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + b"\0" * 50, "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
        (b"PAR1\0\0", "Parquet"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (bytes(range(256)) * 20, "binary"),
    ],
)
def test_what_is_no_table(home: Path, tmp_path: Path, data: bytes, word: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with refused(tmp_path, "t.csv", word):
        bring(path)


def test_more_rows_than_allowed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_MAX_ROWS", "23")
    path = write(tmp_path / "t.csv", GOOD)
    with refused(tmp_path, "t.csv", "more than 23 rows"):
        bring(path)
    monkeypatch.setenv("TRAINROOM_MAX_ROWS", "24")
    assert bring(path).rows == 24


def test_more_bytes_than_allowed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_MAX_UPLOAD_MB", "0.0001")
    path = write(tmp_path / "t.csv", GOOD)
    with refused(tmp_path, "t.csv", "MB are allowed"):
        bring(path)


def test_unknown_columns(home: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", GOOD)
    with refused(tmp_path, "t.csv", "'review'", "text, label"):
        bring(path, text_column="review")
    with refused(tmp_path, "different columns"):
        bring(path, text_column="text", label_column="text")


def test_a_table_for_pictures(home: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", GOOD)
    with refused(tmp_path, "t.csv", "none of the pictures that it names"):
        import_dataset(path, task="image-classification", name="x")


# ------------------------------------------------------------------------ encodings


UMLAUTS = "text,label\n" + "".join(
    f"Grüße aus Köln {n},schön\nÇa va été {n},frühe\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("latin-1", b""),
        ("cp1252", b""),
    ],
)
def test_encodings(home: Path, tmp_path: Path, encoding: str, mark: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(mark + UMLAUTS.encode(encoding))
    dataset = bring(path)
    assert dataset.classes == ["frühe", "schön"]
    assert stored(dataset)[:2] == [("Grüße aus Köln 0", "schön"), ("Ça va été 0", "frühe")]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
def test_cyrillic_of_the_nineties(home: Path, tmp_path: Path, encoding: str) -> None:
    sentences = ("Сегодня хорошая погода, и мы идём гулять в парк",
                 "Вчера весь день шёл сильный дождь, поэтому мы остались дома")  # fmt: skip
    text = "текст;метка\n" + "".join(
        f"{sentence} {n};{label}\n"
        for n in range(9)
        for sentence, label in zip(sentences, ("да", "нет"), strict=True)
    )
    dataset = bring(write(tmp_path / "t.csv", text, encoding))
    assert dataset.classes == ["да", "нет"]
    assert stored(dataset)[0][0] == f"{sentences[0]} 0"


ROUND_TRIP = [
    "👩‍👩‍👧 family, 🏳️‍🌈 flag",
    "e\u0301 combined and é composed",
    "שלום עולם and مرحبا بالعالم",
    "<script>alert('x')</script>",
    "![image](http://example.org/x.png) [link](javascript:alert(1))",
    r"$\frac{1}{2}$ and \(x\)",
    "=cmd|'/C calc'!A0",
    '"quoted" and, with a comma',
    "first line\nsecond line\n\nfourth",
    "tab\tinside",
    "zero\u200bwidth",
    "ends with a backslash \\",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_texts_come_back_sign_for_sign(
    home: Path, tmp_path: Path, encoding: str, separator: str
) -> None:
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, delimiter=separator)
    table.writerow(["id", "text", "label"])
    for copy in range(3):
        for number, text in enumerate(ROUND_TRIP):
            table.writerow([number, f"{text}#{copy}", f"class {number % 2}"])
    dataset = bring(write(tmp_path / "t.csv", buffer.getvalue(), encoding))
    assert [text for text, _ in stored(dataset)] == [
        f"{text}#{copy}" for copy in range(3) for text in ROUND_TRIP
    ]
    assert dataset.details["separator"] == separator


# ------------------------------------------------------------------------ odd rows


def test_ragged_rows_are_skipped_with_their_lines(home: Path, tmp_path: Path) -> None:
    text = "text,label\n" + rows(4) + 'only one cell\n"two\nlines",positive\na,b,c\nx,y,,\n'
    dataset = bring(write(tmp_path / "t.csv", text))
    assert dataset.skipped == [
        {"where": "line 10", "reason": "It has 1 cells instead of 2."},
        {"where": "line 13", "reason": "It has 3 cells instead of 2."},
    ]
    assert dataset.details["skipped_count"] == 2
    assert ("two\nlines", "positive") in stored(dataset)
    assert ("x", "y") in stored(dataset)


def test_an_unclosed_quote_costs_its_row_only(home: Path, tmp_path: Path) -> None:
    text = "text,label\n" + rows(3) + '"never closed,positive\n' + rows(20)
    text += '"closed, later",negative\n' + rows(2)
    dataset = bring(write(tmp_path / "t.csv", text))
    assert [entry["where"] for entry in dataset.skipped] == ["line 8"]
    assert "never closed" in dataset.skipped[0]["reason"]
    assert dataset.rows == 6 + 40 + 1 + 4
    assert ("closed, later", "negative") in stored(dataset)


def test_an_unclosed_quote_in_the_last_row(home: Path, tmp_path: Path) -> None:
    dataset = bring(write(tmp_path / "t.csv", GOOD + '"the end,positive'))
    assert [entry["where"] for entry in dataset.skipped] == ["line 26"]
    assert dataset.rows == 24


def test_quotes_inside_a_cell_are_signs_like_others(home: Path, tmp_path: Path) -> None:
    text = GOOD + 'a 5" disk,positive\nsay "hi" twice,negative\nthe last,positive\n'
    dataset = bring(write(tmp_path / "t.csv", text))
    assert stored(dataset)[-3:] == [
        ('a 5" disk', "positive"),
        ('say "hi" twice', "negative"),
        ("the last", "positive"),
    ]


@pytest.mark.parametrize("quoted", [False, True])
def test_a_field_of_fifty_megabytes(home: Path, tmp_path: Path, quoted: bool) -> None:
    field = "word " * 10_000_000
    field = f'"{field}"' if quoted else field
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write(GOOD + field + ",positive\n" + rows(3))
    start = time.perf_counter()
    dataset = bring(path)
    assert time.perf_counter() - start < 30
    assert dataset.rows == 30
    assert dataset.skipped[0]["where"] == "line 26"
    assert all(len(text) < 100 for text, _ in stored(dataset))


def test_a_field_of_fifty_megabytes_on_many_lines(home: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", GOOD + '"' + ("word " * 200_000 + "\n") * 50 + '",positive\n')
    with refused(tmp_path, "t.csv", "line 26: A quotation mark is opened and never closed"):
        bring(path)


def test_a_file_of_one_line_without_end(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        for _ in range(100):
            file.write("no line ends here, " * 50_000)
    with refused(tmp_path, "t.csv"):
        bring(path)


def test_the_longest_cell_allowed(home: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", GOOD + "x" * MAX_CELL + ",positive\n")
    assert bring(path).rows == 25
    path = write(tmp_path / "t.csv", GOOD + "x" * (MAX_CELL + 1) + ",positive\n")
    assert bring(path, "again").rows == 24


def test_blank_cells_are_dropped_and_counted(home: Path, tmp_path: Path) -> None:
    text = GOOD + ",positive\n  \t ,positive\nno label,\nno label, \n\n\n\u3000,positive\n"
    dataset = bring(write(tmp_path / "t.csv", text))
    assert dataset.rows == 24
    assert dataset.details["skipped_kinds"] == {"empty text": 3, "empty label": 2}
    assert dataset.skipped[0] == {"where": "line 26", "reason": "The text is empty."}


def test_only_a_thousand_skipped_rows_are_listed(home: Path, tmp_path: Path) -> None:
    text = "text,label\n" + rows(1500) + ",x\n" * 1200
    dataset = bring(write(tmp_path / "t.csv", text))
    assert len(dataset.skipped) == 1000
    assert dataset.details["skipped_count"] == 1200


# ------------------------------------------------------------------------ labels


def test_labels_are_texts(home: Path, tmp_path: Path) -> None:
    labels = ["NA", "null", "None", "nan", "1", "01", "1.0", "true", "True", "-", "1e3", "1000"]
    text = "text,label\n" + "".join(
        f"w{n} {k},{x}\n" for n in range(5) for k, x in enumerate(labels)
    )
    dataset = bring(write(tmp_path / "t.csv", text))
    assert sorted(dataset.classes) == sorted(labels)
    assert stored(dataset)[: len(labels)] == [(f"w0 {k}", x) for k, x in enumerate(labels)]


def test_numbers_are_in_their_order(home: Path, tmp_path: Path) -> None:
    text = "text,label\n" + "".join(f"t {n},{n % 12}\n" for n in range(60))
    dataset = bring(write(tmp_path / "t.csv", text))
    assert dataset.classes == [str(n) for n in range(12)]


def test_copies_and_conflicts_are_warned_of(home: Path, tmp_path: Path) -> None:
    text = GOOD + "Good  thing number 1,positive\ngood thing number 2,negative\n"
    dataset = bring(write(tmp_path / "t.csv", text))
    warnings = " ".join(dataset.details["warnings"])
    assert "2 examples are copies" in warnings
    assert "1 contents stand in more than one class" in warnings
    store = Store.open(dataset.id)
    for first, copy in ((2, 24), (4, 25)):
        assert store.splits[first] == store.splits[copy]


def test_small_and_uneven_classes_are_warned_of(home: Path, tmp_path: Path) -> None:
    text = "text,label\n" + rows(40).replace("negative", "positive") + "a,rare\nb,rare\nc,rare\n"
    warnings = " ".join(bring(write(tmp_path / "t.csv", text)).details["warnings"])
    assert "fewer than 10 examples are hard to learn: rare" in warnings
    assert "look at F1" in warnings


# ------------------------------------------------------------------------ columns


def guess(path: Path, data_format: str = "text-class", **named: str) -> dict[str, str]:
    """Role -> column, as it is guessed where it is not named."""
    with open_table(path, path.name, Choices()) as table:
        places = choose_columns(
            table.columns, table.sample, get_format(data_format), named, path.name
        )
        return {role: table.columns[place] for role, place in places.items()}


@pytest.mark.parametrize(
    ("header", "row", "text", "label"),
    [
        ("text,label", "some words,a", "text", "label"),
        ("label,text", "a,some words", "text", "label"),
        ("id,Sentence,Category", "1,some words,a", "Sentence", "Category"),
        ("review;sentiment", "some words, and more;a", "review", "sentiment"),
        ("a\tb\tc", "1\tsome words that are long\tx", "b", "c"),
        ("sentence,sentiment,source", "some words,a,web", "sentence", "sentiment"),
    ],
)
def test_columns_are_guessed(
    home: Path, tmp_path: Path, header: str, row: str, text: str, label: str
) -> None:
    lines = [header] + [f"{n}{row}{n % 2}" if row[0] == "1" else f"{row}{n % 2}" for n in range(20)]
    found = guess(write(tmp_path / "t.csv", "\n".join(lines)))
    assert found == {"text": text, "label": label}


def test_a_table_without_header(home: Path, tmp_path: Path) -> None:
    assert guess(write(tmp_path / "t.csv", rows())) == {"text": "column 1", "label": "column 2"}
    assert bring(tmp_path / "t.csv").rows == 24


def test_columns_without_or_with_equal_names(home: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "text,,text\n" + "a,b,c\n" * 5)
    with open_table(path, "t.csv", Choices()) as table:
        assert table.columns == ["text", "column 2", "text (2)"]
        assert table.sample[0].cells == ["a", "b", "c"]


def test_a_chosen_column_wins_over_the_guess(home: Path, tmp_path: Path) -> None:
    text = "title,text,label\n" + "".join(f"t{n % 4},words {n},{n % 2}\n" for n in range(20))
    dataset = bring(write(tmp_path / "t.csv", text), text_column="title")
    assert stored(dataset)[1] == ("t1", "1")
    assert guess(tmp_path / "t.csv", text="label") == {"text": "label", "label": "title"}
    dataset = bring(tmp_path / "t.csv", "third", label_column="title")
    assert stored(dataset)[1] == ("words 1", "t1")


def test_the_separator_that_excel_names(home: Path, tmp_path: Path) -> None:
    assert bring(write(tmp_path / "t.csv", "sep=;\ntext;label\n" + rows(12, ";"))).rows == 24


def test_carriage_returns(home: Path, tmp_path: Path) -> None:
    for number, end in enumerate(("\r\n", "\r")):
        path = write(tmp_path / "t.csv", GOOD.replace("\n", end))
        assert bring(path, f"t{number}").rows == 24


def test_texts_in_a_zip(home: Path, tmp_path: Path) -> None:
    members = {
        f"{label}/{n}.txt": f"text {n} {label} ü".encode() for label in "ab" for n in range(9)
    }
    members |= {"a/empty.txt": b"  ", "a/latin.txt": "für".encode("latin-1"), "a/x.png": b"x"}
    dataset = bring(write_zip(tmp_path / "t.zip", members))
    assert dataset.rows == 19
    assert dataset.details["skipped_kinds"] == {"empty text": 1, "not a text file": 1}
    assert ("für", "a") in stored(dataset)


def test_a_table_in_a_zip(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "t.zip", {"data.csv": GOOD.encode(), "readme.txt": b"x"})
    dataset = bring(path)
    assert dataset.rows == 24
    assert dataset.skipped == [{"where": "readme.txt", "reason": "It is not a table."}]


@pytest.mark.parametrize("text", ['a,"b', 'a,"b"c"d"\n', '"a""b",c\n', ',"\n",\n', '"",""\n'])
def test_rows_agree_with_the_standard_reader_where_it_is_strict(text: str) -> None:
    ours = [row.cells for row in read_rows(io.StringIO(text), ",") if not row.problem]
    try:
        strict = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error:
        return
    assert ours == strict


@pytest.mark.parametrize("name", ["", "   ", "\n\t", "x" * 101, "mnist", "fashionmnist"])
def test_names_that_cannot_be(home: Path, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "t.csv", GOOD)
    with refused(tmp_path):
        bring(path, name)


@pytest.mark.parametrize(
    "name", ["../../x", "'; DROP TABLE datasets; --", "<img onerror=x>", "ü 👍"]
)
def test_names_are_only_text(home: Path, tmp_path: Path, name: str) -> None:
    dataset = bring(write(tmp_path / "t.csv", GOOD), name)
    assert dataset.name == name
    assert dataset.id.isalnum()
    with pytest.raises(UsageError, match="already"):
        bring(tmp_path / "t.csv", name)


def test_paths_that_are_no_files(home: Path, tmp_path: Path) -> None:
    for path in ("nothing.csv", "https://example.org/x.csv", "a\0b", "x" * 5000, "/dev/zero"):
        with refused(tmp_path):
            bring(Path(path))


def test_an_unknown_task(home: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", GOOD)
    with refused(tmp_path, "image-classification", "text-classification"):
        import_dataset(path, task="juggling", name="x")


def test_a_full_disk_keeps_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from backend.datasets.writer import StoreWriter

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write(tmp_path / "t.csv", GOOD)
    monkeypatch.setattr(StoreWriter, "_flush", full)
    with refused(tmp_path, "disk is full"):
        bring(path)


def test_too_little_space_is_said_before(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil
    from types import SimpleNamespace

    path = write(tmp_path / "t.csv", GOOD)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with refused(tmp_path, "0.0 GB left"):
        bring(path)
