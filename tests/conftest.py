"""Fixtures for all tests: a fresh home, so that no test sees another's data or the user's own."""

import os
from pathlib import Path

import pytest

# Nothing here may reach the internet, whatever the environment says.
os.environ["HF_HUB_OFFLINE"] = "1"
# Tests share few cores: threads that spin for each other made small steps twenty times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder in force for this test and the processes that it starts."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TRAINROOM_HOME", str(folder))
    return folder
