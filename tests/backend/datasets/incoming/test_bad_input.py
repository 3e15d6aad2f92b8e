"""S1: every kind of bad input gets a clear sentence, little memory and little time.

Each is looked at and brought in by a process of its own, which may use 512 MB beyond what it starts
with and 30 seconds of the processor; all of them together are one run of limited.py.
"""

import sys

import pytest

from tests.backend.datasets.conftest import everything_below
from tests.backend.datasets.incoming.bad_files import CASES
from tests.backend.datasets.incoming.limited import MEMORY_MB, Outcome, run_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What every case came to; nothing may be written beside the home."""
    above = tmp_path_factory.mktemp("bad")
    todo = []
    for name, case in CASES.items():
        folder = above / "cases" / name
        folder.mkdir(parents=True)
        todo.append((case.make(folder), case.data_format))
    (above / "work").mkdir()
    before = everything_below(above)
    found = run_all(todo, above / "work", above / "home")
    written = {name for name in everything_below(above) - before if not name.startswith("home")}
    assert written == {"work/imports.jsonl"}
    assert list((above / "home" / "tmp").iterdir()) == []
    assert list((above / "home" / "datasets").iterdir()) == []
    return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_bad_input(outcomes: dict[str, Outcome], name: str) -> None:
    case, found = CASES[name], outcomes[name]
    assert found.trouble == ""
    assert found.rows == case.rows, found.sentence
    for word in case.words:
        assert word in found.sentence
    if case.rows == 0:
        assert found.sentence.endswith((".", ")"))
        assert "Traceback" not in found.sentence
        assert "\n" not in found.sentence
        assert len(found.sentence) < 500
    assert found.memory_mb <= MEMORY_MB
