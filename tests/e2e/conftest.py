"""Fixtures of the browser tests: one app with one home per file, one Chromium, one visitor."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.app_server import AppServer
from tests.e2e.visitor import Visitor, chromium


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app on a free port with a home of its own."""
    home: Path = tmp_path_factory.mktemp("e2e") / "home"
    with AppServer(home) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(server: AppServer, browser: Browser) -> Iterator[Visitor]:
    """A fresh visitor; afterwards, nothing was asked of any other machine, and nothing broke."""
    visitor = Visitor(browser, server.address)
    yield visitor
    visitor.close()
    assert visitor.hosts <= {"127.0.0.1", "localhost"}
    assert visitor.errors == []
