"""Tests of backend/installation.py: each thing that can be missing has its one sentence."""

import ast
import json
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from backend import installation
from backend.installation import SetupError

SOURCE = Path(installation.__file__)


def is_one_sentence(text: str) -> bool:
    """One line, one full stop at its end, none before a space."""
    text = text.strip()
    return "\n" not in text and text.endswith(".") and ". " not in text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project folder with requirement files and a virtual environment that holds no packages."""
    for name in installation.TEST_REQUIREMENTS:
        (tmp_path / name).write_text(f"# {name}\n")
    python = installation.environment_python(tmp_path)
    python.parent.mkdir(parents=True)
    python.write_text("")
    return tmp_path


@pytest.fixture
def pip_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requirement files that pip was asked for; nothing is installed."""
    calls: list[str] = []
    monkeypatch.setattr(installation, "_pip_install", lambda root, name: calls.append(name))
    monkeypatch.setattr(installation, "create_environment", lambda root: None)
    return calls


def test_an_old_python_can_read_the_script() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_script_needs_the_standard_library_only() -> None:
    code = (
        "import sys; sys.argv=['x']; import runpy\n"
        f"try: runpy.run_path({str(SOURCE)!r}, run_name='__main__')\n"
        "except SystemExit as end: sys.exit(end.code)"
    )
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "run, setup, test" in done.stdout


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 10)])
def test_an_old_python_is_named_in_one_sentence(version: tuple[int, int]) -> None:
    problem = installation.python_problem(*version)
    assert problem is not None
    assert is_one_sentence(problem)
    assert "3.11" in problem
    assert f"{version[0]}.{version[1]}" in problem


@pytest.mark.parametrize("version", [(3, 11), (3, 14), (4, 0)])
def test_a_new_python_is_no_problem(version: tuple[int, int]) -> None:
    assert installation.python_problem(*version) is None


@pytest.mark.skipif(not shutil.which("make"), reason="make is not here (Windows)")
def test_make_says_that_python_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{_AS_OLD_PYTHON}' \"$@\"\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "run", f"PYTHON={old}"], cwd=SOURCE.parent.parent, capture_output=True, text=True
    )
    assert done.returncode != 0
    first = done.stderr.splitlines()[0]
    assert is_one_sentence(first), done.stderr
    assert "3.11" in first
    assert "Traceback" not in done.stderr


_AS_OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_full_disk_is_said_before_anything_is_fetched(
    root: Path, pip_calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda path: usage(9e9, 4e9, 5e9))
    with pytest.raises(SetupError) as caught:
        installation.install(root, installation.RUN_REQUIREMENTS)
    assert is_one_sentence(str(caught.value).replace("5.0 GB", "5 GB"))
    assert "5.0 GB" in str(caught.value)
    assert pip_calls == []


def test_installing_twice_asks_pip_once(root: Path, pip_calls: list[str]) -> None:
    installation.install(root, installation.RUN_REQUIREMENTS)
    installation.install(root, installation.RUN_REQUIREMENTS)
    assert pip_calls == ["requirements.txt", "requirements-data.txt"]
    installation.install(root, installation.TEST_REQUIREMENTS)
    assert pip_calls[2:] == ["requirements-dev.txt"]


def test_a_changed_requirement_file_is_installed_again(root: Path, pip_calls: list[str]) -> None:
    installation.install(root, installation.RUN_REQUIREMENTS)
    (root / "requirements-data.txt").write_text("another==1\n")
    installation.install(root, installation.RUN_REQUIREMENTS)
    assert pip_calls[2:] == ["requirements-data.txt"]


def test_an_interrupted_installation_is_not_taken_for_done(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: Path, name: str) -> None:
        if name == "requirements-data.txt":
            raise SetupError("no network")

    monkeypatch.setattr(installation, "_pip_install", fail)
    monkeypatch.setattr(installation, "create_environment", lambda root: None)
    with pytest.raises(SetupError):
        installation.install(root, installation.RUN_REQUIREMENTS)
    missing = installation.missing_requirements(root, installation.RUN_REQUIREMENTS)
    assert missing == ["requirements-data.txt"]


@pytest.mark.parametrize("stamp", ["", "{", "[1]", json.dumps({"requirements.txt": "0"})])
def test_a_damaged_stamp_means_install_again(root: Path, stamp: str) -> None:
    installation._stamp_path(root).write_text(stamp)
    missing = installation.missing_requirements(root, installation.RUN_REQUIREMENTS)
    assert missing == list(installation.RUN_REQUIREMENTS)


@pytest.mark.parametrize(
    ("printed", "word"),
    [
        ("WARNING: Retrying ... NewConnectionError('Name or service not known')", "internet"),
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk"),
        ("ERROR: No matching distribution found for torch>=2.10", "No matching distribution"),
        ("", "no output"),
    ],
)
def test_a_failing_pip_gets_one_sentence(printed: str, word: str, tmp_path: Path) -> None:
    lines = printed.splitlines()
    sentence = installation.pip_sentence("requirements.txt", lines, tmp_path / "install.log")
    assert word in sentence
    assert "\n" not in sentence


def test_pip_that_fails_leaves_its_log(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "environment_python", lambda root: Path(sys.executable))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (root / "requirements.txt").write_text("no-such-package-of-trainroom==1\n")
    with pytest.raises(SetupError, match="No matching distribution"):
        installation._pip_install(root, "requirements.txt")
    assert "no-such-package-of-trainroom" in (root / ".venv" / "install.log").read_text()
    assert not (root / ".venv" / "tmp").exists()


def test_a_python_without_venv_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_runs", lambda *command: False)
    with pytest.raises(SetupError) as caught:
        installation.create_environment(tmp_path)
    assert "-venv" in str(caught.value)
    assert not (tmp_path / ".venv").exists()


@pytest.fixture
def taken_port() -> "Callable[[], int]":
    """A port on which something listens until the test ends."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_names_the_next_free_one(taken_port: int) -> None:
    with pytest.raises(SetupError) as caught:
        installation.choose_port(str(taken_port))
    sentence = str(caught.value)
    assert str(taken_port) in sentence
    assert "\n" not in sentence
    offered = int(sentence.split("PORT=")[1].split()[0])
    assert offered > taken_port
    assert installation.port_is_free(offered)


@pytest.mark.parametrize("port", ["x", "0", "-1", "70000", "8501.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(SetupError, match="PORT is"):
        installation.choose_port(port)


@pytest.mark.parametrize("port", [None, ""])
def test_the_usual_port_where_none_is_chosen(
    port: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "port_is_free", lambda port: True)
    assert installation.choose_port(port) == installation.DEFAULT_PORT


def test_ci_ends_with_pytests_line_and_status(tmp_path: Path) -> None:
    """The script around make, with a make that fails as a failing suite does."""
    ci = SOURCE.parent.parent / ".ci" / "run"
    (tmp_path / ".ci").mkdir()
    shutil.copy(ci, tmp_path / ".ci" / "run")
    (tmp_path / ".venv").mkdir()
    line = "=== 1 failed, 2 passed in 0.10s ==="
    recipe = f"test:\n\t@echo '{line}'; echo 1 > .venv/pytest-status; exit 1\n"
    (tmp_path / "Makefile").write_text(recipe)
    done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == line
