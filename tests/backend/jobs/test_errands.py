"""Errands: seen by anybody, ended without a trace, held to limits, never without an answer."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend.errors import NotFoundError
from backend.jobs import errands
from backend.jobs.aftercare import remove_old_temporary_files
from backend.jobs.errands import LOCK, Errand, Limits
from backend.jobs.liveness import holder
from backend.jobs.processes import ROOT
from storage import files
from tests.backend.jobs.conftest import jobs_home, processes_of, wait_for
from tests.backend.jobs.toy_errands import MODULE

__all__ = ["jobs_home"]


@pytest.fixture
def start(jobs_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """start("refuse", number=3): an errand that does what toy_errands.py says."""
    monkeypatch.setattr(errands, "WARDEN", MODULE)

    def _start(kind: str, limits: Limits | None = None, **arguments: Any) -> Errand:
        return errands.start_errand(kind, f"a {kind}", arguments, limits)

    return _start


def _is_worker(process: psutil.Process) -> bool:
    parent = process.parent()
    return MODULE in process.cmdline() and parent is not None and MODULE in parent.cmdline()


def ended(errand: Errand, seconds: float = 60) -> Errand:
    errand = errands.wait_for_errand(errand.id, seconds)
    assert not errand.is_running
    return errand


def test_an_answer(start: Any) -> None:
    errand = start("answer", number=21)
    assert errand.is_running
    assert (errand.kind, errand.title, errand.arguments) == ("answer", "a answer", {"number": 21})
    errand = ended(errand)
    assert (errand.state, errand.answer) == ("done", {"twice": 42})


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("refuse", ("mine.csv is empty.",)),
        ("bug", ("KeyError", "errands.log")),
        ("crash", ("broke down", "reading file 7")),
    ],
)
def test_what_goes_wrong_is_a_sentence(start: Any, kind: str, words: tuple[str, ...]) -> None:
    errand = ended(start(kind))
    assert errand.state == "failed"
    for word in words:
        assert word in errand.error
    assert "Traceback" not in errand.error
    assert errand.error.endswith(".")


@pytest.mark.parametrize("kind", ["swell_at_once", "swell_slowly"])
@pytest.mark.skipif(sys.platform == "win32", reason="the system cannot refuse memory there")
def test_too_much_memory(start: Any, kind: str) -> None:
    errand = ended(start(kind, Limits(memory_mb=200)))
    assert errand.state == "failed"
    assert "more than 200 MB of memory" in errand.error


def test_nothing_comes_of_it(start: Any) -> None:
    errand = ended(start("spin", Limits(cpu_seconds=0.5)))
    assert "given up: nothing came of it (reading file 9) in 0.5 seconds" in errand.error


def test_silence(start: Any, jobs_home: Path) -> None:
    errand = ended(start("wait", Limits(silent_seconds=1.0)))
    assert "nothing happened" in errand.error
    wait_for(lambda: not processes_of(jobs_home))


def test_ending_leaves_no_process_and_no_file(start: Any, jobs_home: Path) -> None:
    errand = start("wait")
    wait_for(lambda: errands.find_errand(errand.id).words == "Waiting")
    assert len(processes_of(jobs_home)) == 3  # the warden, its worker, and the worker's child
    assert [one.id for one in errands.list_errands()] == [errand.id]
    errands.end_errand(errand.id)
    assert processes_of(jobs_home) == []
    assert list((jobs_home / "tmp").iterdir()) == []
    with pytest.raises(NotFoundError):
        errands.find_errand(errand.id)
    assert errands.list_errands() == []


def test_ending_right_after_the_start(start: Any, jobs_home: Path) -> None:
    for _ in range(3):
        errands.end_errand(start("wait").id)
        assert processes_of(jobs_home) == []
        assert list((jobs_home / "tmp").iterdir()) == []


def test_it_outlives_who_started_it_and_is_found_again(start: Any, jobs_home: Path) -> None:
    code = (
        "from backend.jobs import errands\n"
        f"errands.WARDEN = {MODULE!r}\n"
        "print(errands.start_errand('wait', 'mine', {}).id, flush=True)\n"
        "input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    number = parent.stdout.readline().strip()
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    wait_for(lambda: errands.find_errand(number).words == "Waiting")
    (found,) = errands.list_errands()
    assert (found.id, found.title, found.share) == (number, "mine", 0.5)
    errands.end_errand(number)  # not its parent either
    assert processes_of(jobs_home) == []


def test_a_killed_warden_is_noticed(start: Any, jobs_home: Path) -> None:
    errand = start("wait")
    wait_for(lambda: errands.find_errand(errand.id).words == "Waiting")
    (worker,) = (one.pid for one in processes_of(jobs_home) if _is_worker(one))
    leader = holder(files.home() / "tmp" / errand.id / LOCK)
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: not errands.find_errand(errand.id).is_running)
    errand = errands.find_errand(errand.id)
    assert errand.state == "failed"
    assert "ended from outside" in errand.error
    # Nobody is left to hold the worker to its limits, so it goes as well.
    wait_for(lambda: worker not in {one.pid for one in processes_of(jobs_home)})


def test_files_of_one_at_work_are_not_swept_up(start: Any, jobs_home: Path) -> None:
    errand = start("wait")
    wait_for(lambda: errands.find_errand(errand.id).words == "Waiting")
    folder = files.home() / "tmp" / errand.id
    old = time.time() - 10_000
    for path in (*folder.iterdir(), folder):
        os.utime(path, (old, old))
    remove_old_temporary_files()
    assert (folder / "left.bin").exists()
    for process in processes_of(jobs_home):
        process.kill()
    wait_for(lambda: not errands.find_errand(errand.id).is_running)
    remove_old_temporary_files()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "..", "../..", "a/b", "nothing", "\0", "x" * 5000])
def test_names_that_are_none(jobs_home: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        errands.find_errand(name)
