"""Data sets: the list, one of them, and bringing in one's own."""

import io
import zipfile

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend import datasets
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import IMAGES, TEXTS

LIST, ONE, ADD = "data/datasets.py", "data/dataset.py", "data/import_data.py"
ROWS = "\n".join(f'"sentence {i} is {"good" if i % 2 else "bad"}",{"+" if i % 2 else "-"}'
                 for i in range(60))  # fmt: skip


def upload(page: AppTest, name: str, content: bytes, task: str = TEXTS) -> None:
    page.button(key=f"choose_import_task_{task}").click()
    page.run()
    page.file_uploader(key=f"import_upload_{task}").upload(name, content)
    page.run()
    assert not page.exception


def bring_in(page: AppTest) -> None:
    next(button for button in page.button if button.label == "Bring it in").click()
    page.run()
    assert not page.exception


def test_every_data_set_is_listed_with_counts_and_ways_on(open_page: OpenPage) -> None:
    page = open_page(LIST)
    text = words(page)
    for dataset in datasets.list_datasets():
        assert f"{dataset.rows:,} examples" in text
    labels = [link.value for link in page.page_link]
    assert labels.count("Train on it") == len(datasets.list_datasets())


def test_downloads_say_size_licence_and_internet(open_page: OpenPage) -> None:
    text = words(open_page(LIST))
    offers = [o for o in datasets.list_downloads() if datasets.list_datasets()]
    assert offers
    assert "needs internet" in text
    assert "MB download" in text


@pytest.mark.parametrize("key", ["mnist", "languages"])
def test_one_data_set_shows_examples_balance_and_source(open_page: OpenPage, key: str) -> None:
    page = open_page(ONE, data=key)
    dataset = datasets.get_dataset(key)
    text = words(page)
    assert dataset.licence in text.replace("\\", "")
    (chart,) = page.get("plotly_chart")
    assert "stack" in chart.proto.spec
    assert page.selectbox[0].options[1:] == dataset.classes


@pytest.mark.parametrize("key", ["", "nothing", "../..", "x" * 5000, "'; DROP TABLE datasets"])
def test_an_unknown_data_set_gets_a_friendly_page(open_page: OpenPage, key: str) -> None:
    assert "no such data set" in words(open_page(ONE, data=key))


def test_bring_in_a_table_with_guessed_columns(open_page: OpenPage) -> None:
    page = open_page(ADD)
    upload(page, "my <b>opinions.csv", f"comment,verdict\n{ROWS}".encode())
    assert [box.value for box in page.selectbox] == ["comment", "verdict"]
    bring_in(page)
    assert "60 examples in 2 classes are ready" in words(page)
    dataset = next(item for item in datasets.list_datasets() if not item.bundled)
    assert dataset.name == "my <b>opinions"
    assert "\\<b\\>" in words(page)
    next(button for button in page.button if button.label == "Look inside").click()
    page.run()
    assert page.query_params["data"] == dataset.id
    assert "About this data" in words(page)


def test_a_wrong_guess_can_be_corrected(open_page: OpenPage) -> None:
    page = open_page(ADD)
    rows = "\n".join(f"{i},{'a' if i % 2 else 'b'},some words {i}" for i in range(60))
    upload(page, "t.csv", f"id,mark,words\n{rows}".encode())
    page.selectbox[0].set_value("words")
    page.selectbox[1].set_value("mark")
    page.run()
    bring_in(page)
    assert sorted(datasets.get_dataset("t").classes) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"text,label\n"),
        ("one.csv", b"text,label\nhello,a\nthere,a\n"),
        ("binary.csv", bytes(range(256)) * 20),
        ("fake.zip", b"not a zip at all"),
    ],
)
def test_a_bad_file_gets_a_sentence_and_nothing_is_kept(
    open_page: OpenPage, name: str, content: bytes
) -> None:
    page = open_page(ADD)
    upload(page, name, content)
    if any(button.label == "Bring it in" for button in page.button):
        bring_in(page)
    assert page.error
    assert len(page.error[0].value) > 20
    assert all(item.bundled for item in datasets.list_datasets())


def test_bring_in_a_zip_of_pictures(open_page: OpenPage) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(40):
            picture = io.BytesIO()
            Image.new("RGB", (12, 12), (number * 6, 255 - number * 6, number)).save(picture, "PNG")
            archive.writestr(
                f"{'warm' if number > 19 else 'cold'}/{number}.png", picture.getvalue()
            )
        archive.writestr("cold/readme.txt", "skip me")
    page = open_page(ADD)
    upload(page, "colours.zip", packed.getvalue(), IMAGES)
    bring_in(page)
    dataset = datasets.get_dataset("colours")
    assert (dataset.rows, dataset.classes) == (40, ["cold", "warm"])
    assert "left out" in words(page)
