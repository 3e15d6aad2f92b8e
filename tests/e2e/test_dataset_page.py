"""A data set's page in a real browser: the doctor comes by itself, cures, changes, the way back."""

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Locator, expect

from backend import datasets
from backend.datasets import versions
from backend.datasets.store import Store
from storage.records import Dataset
from tests.backend.datasets.doctor import broken
from tests.e2e.app_server import AppServer
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
DOCTOR_SECONDS = 120


@pytest.fixture
def made(server: AppServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Dataset]:
    """made(make): a data set in the app's home."""
    monkeypatch.setenv("TRAINROOM_HOME", str(server.home))
    return lambda make: make()


def current(dataset: Dataset) -> Dataset:
    return datasets.get_dataset(dataset.id)


def button(visitor: Visitor, name: str) -> Locator:
    return visitor.page.get_by_role("button", name=name, exact=True).first


def wait_for_doctor(visitor: Visitor) -> None:
    badge = visitor.page.locator(".st-key-card_doctor .stMarkdownBadge").first
    expect(badge).to_be_visible(timeout=1000 * DOCTOR_SECONDS)
    visitor.settled()


def test_the_doctor_comes_by_itself_and_a_button_cures(
    visitor: Visitor, made: Callable[..., Dataset]
) -> None:
    dataset = made(lambda: broken.broken_reviews(200, "reviews"))
    visitor.open(f"/dataset?data={dataset.id}")
    wait_for_doctor(visitor)
    visitor.sees("3 problems")
    visitor.press("Merge the labels")
    visitor.sees("version 2")
    assert "PRAISE" not in current(dataset).classes
    wait_for_doctor(visitor)
    expect(visitor.page.get_by_text("differ only by case")).to_have_count(0)
    visitor.page.get_by_text("History", exact=True).click()
    visitor.sees("into praise")
    visitor.press("Go back to this")
    visitor.sees("version 3")
    assert versions.ensure_sha256(current(dataset)) == versions.ensure_sha256(dataset)


def test_a_text_and_a_class_change_in_the_table(
    visitor: Visitor, made: Callable[..., Dataset]
) -> None:
    dataset = made(lambda: broken.clean_reviews(60, "tidy"))
    visitor.open(f"/dataset?data={dataset.id}&view=examples")
    table = visitor.page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()
    wait_for_doctor(visitor)
    # The cell of the first row's text: right of the boxes to tick, below the header. The editor
    # opens where the table is at that moment: again, should the page have moved.
    editor = visitor.page.locator("#portal textarea")
    for _ in range(5):
        table.dblclick(position={"x": 250, "y": 52})
        with suppress(AssertionError):
            expect(editor).to_be_visible(timeout=5_000)
            break
    editor.fill("quite another text")
    visitor.page.keyboard.press("Enter")
    visitor.press("Save 1 change")
    visitor.sees("version 2")
    assert Store.open(current(dataset)).text(0) == "quite another text"
    expect(visitor.page.get_by_text("Only changed ones")).to_be_visible()


def test_pictures_are_ticked_changed_and_erased(
    visitor: Visitor, made: Callable[..., Dataset]
) -> None:
    dataset = made(lambda: broken.broken_pictures(60, "pictures"))
    visitor.open(f"/dataset?data={dataset.id}&view=examples")
    for number in range(2):
        tick = visitor.page.locator(f".st-key-tick_{dataset.id}_1_{number} label").first
        tick.click()
        visitor.sees(f"{number + 1} example{'s' if number else ''} chosen")
    visitor.press("Leave out")
    visitor.sees("version 2")
    assert current(dataset).rows == dataset.rows - 2
    visitor.page.locator(f".st-key-tick_{dataset.id}_2_2 label").first.click()
    visitor.sees("1 example chosen")
    button(visitor, "Erase").click()
    dialog = visitor.page.get_by_test_id("stDialog")
    expect(dialog.get_by_text("Nothing brings them back")).to_be_visible()
    dialog.get_by_role("button", name="Erase for good").click()
    expect(dialog).to_have_count(0)
    visitor.sees("version 3")
    assert not Store.open(datasets.get_dataset(dataset.id, 1)).image(2).any()


def test_an_export_is_downloaded_and_a_copy_made(
    visitor: Visitor, made: Callable[..., Dataset]
) -> None:
    made(lambda: datasets.get_dataset("digits"))
    visitor.open("/dataset?data=digits")
    button(visitor, "More").click()
    button(visitor, "Export").click()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_test_id("stDialog").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "digits.zip"
    assert download.value.path().stat().st_size > 100_000
    visitor.page.get_by_test_id("stDialog").get_by_label("Close").click()
    expect(visitor.page.get_by_test_id("stDialog")).to_have_count(0)
    button(visitor, "More").click()
    visitor.page.get_by_role("button", name="Make a copy", exact=True).last.click()
    dialog = visitor.page.get_by_test_id("stDialog")
    dialog.get_by_role("button", name="Make a copy").click()
    visitor.title("digits (copy)")
    expect(visitor.page).to_have_url(re.compile("data=(?!digits)"))
