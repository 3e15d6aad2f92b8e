"""Data sets: the list, one of them, and bringing in one's own."""

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend import datasets
from backend.datasets import errands
from backend.datasets.formats import get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.given import Given, find_given
from backend.datasets.store import Store
from backend.tasks import get_task
from tests.pages.conftest import ROOT, OpenPage, words
from tests.pages.seeds import IMAGES, TEXTS

LIST, ONE, ADD = "data/datasets.py", "data/dataset.py", "data/import_data.py"
ROWS = "\n".join(f'"sentence {i} is {"good" if i % 2 else "bad"}",{"+" if i % 2 else "-"}'
                 for i in range(60))  # fmt: skip


def upload(page: AppTest, name: str, content: bytes, task: str = TEXTS) -> None:
    """Choose the kind of data, drop a file, and wait until the page says what it understood."""
    data_format = get_task(task).formats[0]
    page.button(key=f"choose_import_format_{data_format}").click()
    page.run()
    page.file_uploader(key=f"import_upload_{data_format}").upload(name, content)
    page.run()
    settle(page)


def settle(page: AppTest, seconds: float = 120) -> None:
    """Until what goes on in the background has ended; the page's own timers do not tick here."""
    give_up = time.monotonic() + seconds
    while goes_on(page) and time.monotonic() < give_up:
        time.sleep(0.1)
        page.run()
    assert not page.exception, page.exception[0].message
    assert not goes_on(page)


def said(page: AppTest) -> str:
    """What the page says, as it is read: without the marks that keep a user's signs plain."""
    return words(page).replace("\\", "").replace("\u2060", "")


def goes_on(page: AppTest) -> bool:
    return any(button.label == "Cancel" for button in page.button)


def bring_in(page: AppTest) -> None:
    page.button(key="bring_in").click()
    page.run()
    settle(page)


def box(page: AppTest, label: str) -> Any:
    return next(one for one in page.selectbox if one.label == label)


@pytest.mark.parametrize("place", [LIST, "train/new_run.py"])
def test_a_new_home_says_what_one_waits_for(
    place: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    @contextmanager
    def spinner(words: str) -> Iterator[None]:
        happened.append(words)
        yield
        happened.append("ended")

    def list_datasets(task: str | None = None) -> list[datasets.Dataset]:
        happened.append("built")
        return plain(task)

    page, plain = open_page(), datasets.list_datasets
    monkeypatch.setattr(st, "spinner", spinner)
    monkeypatch.setattr(datasets, "list_datasets", list_datasets)
    page.switch_page(place)
    page.run()
    sentence, *rest = happened[:3]
    assert "Unpacking the data" in sentence
    assert rest == ["built", "ended"]


def test_every_data_set_is_listed_with_counts_and_ways_on(open_page: OpenPage) -> None:
    page = open_page(LIST)
    text = words(page)
    for dataset in datasets.list_datasets():
        assert f"{dataset.rows:,} {get_format(dataset.format).unit}s" in text
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
    assert "stack" in page.get("plotly_chart")[0].proto.spec
    page = open_page(ONE, data=key, view="examples")
    assert page.selectbox[0].options[1:] == dataset.classes


def test_boxes_are_drawn_on_the_examples(open_page: OpenPage) -> None:
    page = open_page(ONE, data="scenes", view="examples")
    pictures = page.get("image")
    assert len(pictures) == 12
    assert "Example with" in str(pictures[0].proto)


@pytest.mark.parametrize("key", ["", "nothing", "../..", "x" * 5000, "'; DROP TABLE datasets"])
def test_an_unknown_data_set_gets_a_friendly_page(open_page: OpenPage, key: str) -> None:
    assert "no such data set" in words(open_page(ONE, data=key))


def test_bring_in_a_table_with_guessed_columns(open_page: OpenPage) -> None:
    page = open_page(ADD)
    upload(page, "my <b>opinions.csv", f"comment,verdict\n{ROWS}".encode())
    assert box(page, "The column with the texts").value == "comment"
    assert box(page, "The column with the labels").value == "verdict"
    assert "A table with 2 columns, separated by commas, in UTF" in said(page)
    assert "60 texts" in said(page)
    bring_in(page)
    assert "60 texts · 2 classes are ready" in said(page)
    dataset = next(item for item in datasets.list_datasets() if not item.bundled)
    assert dataset.name == "my <b>opinions"
    assert "\\<b\\>" in words(page)
    next(button for button in page.button if button.label == "Look inside").click()
    page.run()
    assert page.query_params["data"] == dataset.id
    assert "About this data" in said(page)


def test_a_wrong_guess_can_be_corrected(open_page: OpenPage) -> None:
    page = open_page(ADD)
    rows = "\n".join(f"{i},{'a' if i % 2 else 'b'},some words {i}" for i in range(60))
    upload(page, "t.csv", f"id,mark,words\n{rows}".encode())
    assert box(page, "The column with the texts").value == "words"
    box(page, "The column with the labels").set_value("id")
    page.run()
    settle(page)
    # Sixty labels for sixty texts: said at once, and nothing can be brought in.
    assert "can hardly be a label" in said(page)
    assert page.button(key="bring_in").disabled
    box(page, "The column with the labels").set_value("mark")
    page.run()
    settle(page)
    bring_in(page)
    assert sorted(datasets.get_dataset("t").classes) == ["a", "b"]


def test_encoding_separator_and_header_can_be_corrected(open_page: OpenPage) -> None:
    page = open_page(ADD)
    text = "".join(f"Łódź {n};{'tak' if n % 2 else 'nie'}\n" for n in range(30))
    upload(page, "t.csv", text.encode("cp1250"))
    box(page, "Written in").set_value("cp1250")
    page.run()
    settle(page)
    assert "Central European" in said(page)
    page.checkbox[0].set_value(False)
    page.run()
    settle(page)
    bring_in(page)
    store = Store.open(datasets.get_dataset("t").id)
    assert store.text(0) == "Łódź 0"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.csv", b"", "empty"),
        ("header.csv", b"text,label\n", "no rows below"),
        ("one.csv", b"text,label\nhello,a\nthere,a\n", "same label"),
        ("binary.csv", bytes(range(256)) * 20, "binary"),
        ("fake.zip", b"not a zip at all", "zip archive"),
        ("few.csv", b"text,label\na,x\nb,y\n", "too few"),
    ],
)
def test_a_bad_file_gets_a_sentence_and_nothing_is_kept(
    open_page: OpenPage, name: str, content: bytes, word: str
) -> None:
    page = open_page(ADD)
    upload(page, name, content)
    if not page.error:
        bring_in(page)
    assert word in page.error[0].value.replace("\\", "")
    assert all(item.bundled for item in datasets.list_datasets())
    # And the way on: something else can be given.
    if any(button.label == "Look at it again" for button in page.button):
        next(b for b in page.button if b.label == "Look at it again").click()
        page.run()
        settle(page)
    next(b for b in page.button if b.label == "Take something else").click()
    page.run()
    assert page.file_uploader


def test_bring_in_a_zip_of_pictures(open_page: OpenPage) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(40):
            picture = io.BytesIO()
            Image.new("RGB", (12, 12), (number * 6, 255 - number * 6, number)).save(picture, "PNG")
            archive.writestr(
                f"{'warm' if number > 19 else 'cold'}/{number}.png", picture.getvalue()
            )
        archive.writestr("cold/=cmd.txt", "skip me")
    page = open_page(ADD)
    upload(page, "colours.zip", packed.getvalue(), IMAGES)
    assert "The folders are the classes." in said(page)
    assert len(page.get("image")) >= 6
    bring_in(page)
    dataset = datasets.get_dataset("colours")
    assert (dataset.rows, dataset.classes) == (40, ["cold", "warm"])
    assert "1 row or file is left out" in said(page)
    assert datasets.skipped_csv(dataset).decode("utf-8-sig").splitlines() == [
        "where,reason",
        "cold/=cmd.txt,It is not a picture.",
    ]


def test_several_files_and_a_folder(open_page: OpenPage) -> None:
    page = open_page(ADD)
    page.button(key="choose_import_format_text-class").click()
    page.run()
    page.segmented_control(key="way_text-class").set_value("folder")
    page.run()
    chooser = page.file_uploader(key="import_folder_text-class")
    chooser.set_value([
        (f"mail/{label}/{n}.txt", f"{label} text {n}".encode(), "text/plain")
        for label in ("spam", "ham") for n in range(8)
    ])  # fmt: skip
    page.run()
    settle(page)
    assert "16 files" in said(page)
    bring_in(page)
    assert datasets.get_dataset("mail").classes == ["ham", "spam"]


def test_a_pasted_table(open_page: OpenPage) -> None:
    page = open_page(ADD)
    page.segmented_control(key="way_text-class").set_value("paste")
    page.run()
    next(b for b in page.button if b.label == "Look at it").click()
    page.run()
    assert "Paste something first" in said(page)
    page.text_area[0].set_value(
        "words\tkind\n" + "".join(f"pasted {n}\t{'a' if n % 2 else 'b'}\n" for n in range(20))
    )
    next(b for b in page.button if b.label == "Look at it").click()
    page.run()
    settle(page)
    assert "separated by tabs" in said(page)
    bring_in(page)
    assert datasets.get_dataset("pasted table").rows == 20


def test_photographs_of_classes(open_page: OpenPage) -> None:
    page = open_page(ADD)
    page.button(key="choose_import_format_image-class").click()
    page.run()
    page.segmented_control(key="way_image-class").set_value("camera")
    page.run()
    for label, grey in (("cup", 0), ("plate", 100)):
        page.text_input(key="camera_class").set_value(label)
        page.run()
        for number in range(4):
            picture = io.BytesIO()
            Image.new("RGB", (32, 24), (grey + 9 * number, 80, 90)).save(picture, "JPEG")
            page.get("camera_input")[0].set_value(("photo.jpg", picture.getvalue(), "image/jpeg"))
            page.run()
            assert not page.exception
    assert "4 photographs" in said(page)
    next(b for b in page.button if b.label == "Remove").click()  # the newest cup
    page.run()
    assert "3 photographs" in said(page)
    page.button(key="camera_done").click()
    page.run()
    settle(page)
    assert "7 pictures" in said(page)
    bring_in(page)
    assert datasets.get_dataset("my photographs").classes == ["cup", "plate"]


def test_a_folder_of_the_server(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(ADD)
    assert "server" not in page.segmented_control(key="way_text-class").options
    shared = tmp_path / "shared"
    (shared / "texts").mkdir(parents=True)
    (shared / "texts" / "t.csv").write_text(f"comment,verdict\n{ROWS}")
    monkeypatch.setenv("TRAINROOM_DATA_FOLDERS", str(shared))
    page.run()
    page.segmented_control(key="way_text-class").set_value("server")
    page.run()
    page.selectbox(key="server_0_").set_value("texts")
    page.run()
    page.selectbox(key="server_0_texts").set_value("t.csv")
    page.run()
    page.button(key="server_take").click()
    page.run()
    settle(page)
    bring_in(page)
    assert datasets.get_dataset("t").source == "t.csv"
    assert (shared / "texts" / "t.csv").exists()


def test_without_internet_the_hub_says_one_sentence(open_page: OpenPage) -> None:
    page = open_page(ADD)
    page.segmented_control(key="way_text-class").set_value("hub")
    page.run()
    for name, sentence in (("stanfordnlp/imdb", "switched off"), ("a b", "looks like")):
        page.text_input[0].set_value(name)
        next(b for b in page.button if b.label == "Ask the Hub").click()
        page.run()
        assert sentence in said(page)
        assert not page.exception


def test_a_reload_finds_what_was_given_and_the_running_import(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(ADD)
    upload(page, "mine.csv", f"comment,verdict\n{ROWS}".encode())
    again = open_again(given=given_on(page).id, what="text-class")
    settle(again)
    assert box(again, "The column with the labels").value == "verdict"
    errand = errands.start_import(
        given_on(page),
        "text-class", Choices(), name="mine", task=TEXTS,
    )  # fmt: skip
    listed = open_again(LIST)
    assert "Going on" in said(listed) or not errands.find_errand(errand.id).is_running
    later = open_again(errand=errand.id)
    settle(later)
    assert "60 texts · 2 classes are ready" in said(later)


def given_on(page: AppTest) -> Given:
    """What the page's address says was given."""
    value: Any = page.query_params["given"]
    return find_given(value if isinstance(value, str) else value[0])


def open_again(page_file: str = ADD, **query: str) -> AppTest:
    """Another tab of the same app: nothing of the first one's memory."""
    test = AppTest.from_file(str(ROOT / "pages" / "navigation.py"), default_timeout=60)
    test.run()
    test.switch_page(page_file)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception[0].message
    return test


@pytest.mark.parametrize("name", ["../..", "nothing", "x" * 5000, "'; DROP TABLE datasets"])
@pytest.mark.parametrize("key", ["given", "errand", "hub", "done", "what"])
def test_addresses_that_lead_nowhere(open_page: OpenPage, key: str, name: str) -> None:
    page = open_page(ADD, **{key: name})
    assert key == "what" or page.error or page.file_uploader or page.segmented_control


def test_cancel_keeps_nothing(open_page: OpenPage, home: Path) -> None:
    page = open_page(ADD)
    upload(page, "mine.csv", f"comment,verdict\n{ROWS}".encode())
    given = given_on(page)
    errand = errands.start_import(given, "text-class", Choices(), name="mine", task=TEXTS)
    errands.end_errand(errand.id)
    later = open_again(errand=errand.id)
    assert "could not be brought in" in said(later) or "not here any more" in said(later)
    assert all(item.bundled for item in datasets.list_datasets()) or datasets.get_dataset("mine")
    assert not list((home / "tmp").glob(f"{errand.id}*"))
