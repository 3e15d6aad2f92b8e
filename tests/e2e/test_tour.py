"""The tour in a real browser: five steps from an empty home to a look inside the own network."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

TRAINING = 240_000
"""Milliseconds that the first training may take on a busy machine."""


def test_the_tour_trains_a_model_and_ends_inside_it(visitor: Visitor) -> None:
    page = visitor.page
    sidebar = page.get_by_test_id("stSidebar")
    visitor.open("/")
    page.get_by_role("button", name="Train it").click()
    page.wait_for_url(re.compile(r"/run\?run=\d+"))
    expect(sidebar.get_by_text("as soon as the training is done")).to_be_visible()
    # Being there when it ends is having seen the result.
    link = sidebar.get_by_role("link", name="Try it yourself")
    expect(link).to_be_visible(timeout=TRAINING)
    link.click()
    page.wait_for_url(re.compile("/playground"))
    sidebar.get_by_role("link", name="Look inside").click()
    page.wait_for_url(re.compile("/learn"))
    expect(page.get_by_text("5 · A small correction")).to_be_visible()
    expect(page.get_by_text(re.compile("the loss fell from"))).to_be_visible()
    visitor.open("/")
    expect(page.get_by_text("That was the tour")).to_be_visible()
    page.get_by_role("button", name="Put away").click()
    expect(page.get_by_text("That was the tour")).to_have_count(0)
    visitor.reload()
    expect(page.get_by_text("Newest runs")).to_be_visible()
    expect(page.get_by_text("That was the tour")).to_have_count(0)


def test_curves_and_reports_can_be_taken_along(visitor: Visitor, browser: Browser) -> None:
    """Runs after the tour, with its run and one more."""
    page = visitor.page
    visitor.open("/run?run=1")
    page.get_by_role("button", name="Train again").click()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/run\?run=2"))
    # Not "Try it": a run that trains has a model as well, but no test yet.
    expect(page.get_by_role("button", name="Train further")).to_be_visible(timeout=TRAINING)
    visitor.open("/compare?runs=1,2")
    expect(page.get_by_text("was made from").first).to_be_visible()
    expect(page.get_by_text("right and wrong on the very same")).to_be_visible()
    page.locator(".js-plotly-plot").first.hover()
    with page.expect_download() as picture:
        page.locator('.modebar-btn[data-title^="Download"]').first.click()
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as drawing:
        page.get_by_role("button", name="Validation loss as SVG").click()
    assert drawing.value.path().read_text().startswith("<svg")
    visitor.open("/run?run=1")
    page.get_by_role("button", name="More").click()
    with page.expect_download() as report:
        page.get_by_role("button", name="Download a report").click()
    path = report.value.path().with_suffix(".html")
    report.value.save_as(path)
    opens_without_anything_else(browser, path)


def opens_without_anything_else(browser: Browser, path: Path) -> None:
    """A browser without a network shows the report, and asks for nothing but the file."""
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="Class by class")).to_be_visible()
    assert asked == [path.as_uri()]
    context.close()
