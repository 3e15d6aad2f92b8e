"""A person in a real Chromium: clicks what has a name, waits for what should appear."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.e2e.browser import ARGUMENTS, find_browser

PATIENCE = 30_000
"""Milliseconds until what should appear has to be there; generous, the machine may be busy."""
# Streamlit looks for its own health route below a deep link's path first; that is its way.
HARMLESS = ("_stcore/", "404 (Not Found)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium that may open no connection but to this machine."""
    rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=[*ARGUMENTS, f"--host-resolver-rules={rules}"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One browser tab, with everything that it asked for and every error it met."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.address = address
        self.context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, **context}
        )
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        self.page = self._tab()

    def _tab(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)
        return page

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob"):
            self.hosts.add(parts.hostname or url)

    def _said(self, message: ConsoleMessage) -> None:
        words = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(sign in words for sign in HARMLESS):
            self.errors.append(words)

    def close(self) -> None:
        self.context.close()

    def new_tab(self) -> None:
        """Close the tab and open another, as somebody who comes back later."""
        self.page.close()
        self.page = self._tab()

    # ------------------------------------------------------------------------ moving

    def open(self, path: str = "/") -> None:
        self.page.goto(self.address + path)
        self.settled()

    def reload(self) -> None:
        self.page.reload()
        self.settled()

    def settled(self) -> None:
        """Until the page's script has run to its end."""
        app = self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
        app.wait_for(state="attached")

    def go(self, name: str) -> None:
        """To a page, by its name in the menu."""
        menu = self.page.get_by_test_id("stSidebarNav")
        menu.get_by_role("link", name=name, exact=True).click()
        self.title(name)

    # ------------------------------------------------------------------------ seeing

    def title(self, words: str) -> None:
        """Until the page has this title."""
        heading = self.page.get_by_role("heading", level=1, name=words)
        expect(heading).to_be_visible()
        self.settled()

    def sees(self, words: str) -> None:
        """Until these words are on the page."""
        expect(self.page.get_by_text(words).first).to_be_visible()

    def card(self, title: str) -> Locator:
        """The card with this heading; an icon may stand before the words."""
        cards = self.page.locator('[class*="st-key-card"]')
        words = re.compile(rf"(^|\s){re.escape(title)}$")
        named = self.page.get_by_role("heading", name=words)
        return cards.filter(has=named).first

    def status(self, word: str, seconds: float = 120) -> None:
        """Until the run's badge says so."""
        badge = self.page.locator('[class*="st-key-page_header"] .stMarkdownBadge').first
        expect(badge).to_have_text(re.compile(rf"{word}$"), timeout=1000 * seconds)

    def points(self, chart: str = "loss") -> int:
        """How many points the first line of a live chart holds now."""
        code = """name => {
            const plot = document.querySelector(`.lr-${name} .lr-plot`);
            return plot && plot.data && plot.data.length ? plot.data[0].x.length : 0;
        }"""
        return int(self.page.evaluate(code, chart))

    def last_step(self, chart: str = "loss") -> float:
        """The greatest step that a live chart shows now."""
        code = """name => {
            const plot = document.querySelector(`.lr-${name} .lr-plot`);
            const steps = plot && plot.data ? plot.data.flatMap(line => [...line.x]) : [];
            return steps.reduce((most, step) => Math.max(most, step), 0);
        }"""
        return float(self.page.evaluate(code, chart))

    # ------------------------------------------------------------------------ doing

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def choose(self, title: str) -> None:
        """Press the card of this title; nothing where its step is folded and says so already."""
        card = self.page.get_by_role("button", name=re.compile(rf"^{re.escape(title)}( chosen)?$"))
        folded = self.page.locator('[class*="st-key-card_folded"]').filter(
            has=self.page.get_by_text(title, exact=True)
        )
        expect(card.or_(folded).first).to_be_visible()
        self.settled()
        if card.count():
            card.first.click()
        expect(folded.first).to_be_visible()
        self.settled()  # what stands below it moves until then

    def fill(self, label: str, value: str) -> None:
        """Type into a field and leave it."""
        field = self.page.get_by_label(label, exact=True).first
        field.fill(value)
        field.press("Tab")
        self.settled()
