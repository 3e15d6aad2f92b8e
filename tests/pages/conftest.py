"""Fixtures for the pages: a home with the bundled data, and the app as AppTest drives it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend import datasets, inference, jobs
from backend.datasets import doctor

ROOT = Path(__file__).resolve().parent.parent.parent
OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def bundled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the bundled data sets, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("bundled") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINROOM_HOME", str(folder))
        datasets.prepare_bundled()
    return folder


@pytest.fixture
def open_page(bundled_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """open_page("runs", run="3"): the page as it stands after its first run, without an error."""
    shutil.copytree(bundled_home, home)
    monkeypatch.setattr(jobs, "ensure_supervisor", lambda: None)
    monkeypatch.setattr(inference, "warm", lambda: None)
    monkeypatch.setattr(doctor, "start_examination", lambda dataset: None)
    monkeypatch.chdir(ROOT)
    st.cache_data.clear()

    def _open(page: str = "home/home.py", **query: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "pages" / "navigation.py"), default_timeout=60)
        test.run()
        if page != "home/home.py" or query:
            test.switch_page(page)
            for name, value in query.items():
                test.query_params[name] = value
            test.run()
        assert not test.exception, test.exception[0].message
        return test

    return _open


def words(test: AppTest) -> str:
    """Everything that the page says, in one string."""
    kinds = (
        "title", "markdown", "caption", "error", "info", "success", "warning", "text", "metric",
        "button", "badge",
    )  # fmt: skip
    parts = []
    for kind in kinds:
        for element in test.get(kind):
            parts += [str(getattr(element, name, "") or "") for name in ("label", "value", "body")]
            proto = getattr(element, "proto", None)
            parts += [str(getattr(proto, name, "") or "") for name in ("title", "label", "body")]
    return "\n".join(parts)
