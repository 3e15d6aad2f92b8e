"""Why a dead process's run ended: the system's own words for it, and what is done again."""

import dataclasses
import os
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.jobs import burial, card_memory, data_files, memory_kills
from backend.jobs.burial import verdict, what_is_saved
from backend.jobs.card_memory import FREE, STUCK, CardWatch
from backend.jobs.liveness import ProcessLock, holder, system_start, written_start
from backend.jobs.memory_kills import MemoryKills, count_kills
from storage import attempts, database, files, metrics, runs
from storage.records import Attempt, Reason, Run, RunStatus
from tests.backend.jobs.conftest import queue_run
from tests.backend.tasks.samples import text_dataset


def claimed(device: str = "cpu", dataset_id: str = "toy") -> tuple[Run, Attempt]:
    """A running run whose attempt holds its lock, or did."""
    queue_run()
    found = runs.claim_run(
        lambda *_: device, pid=os.getpid(), process_started=time.time(), host="here"
    )
    assert found is not None
    run = dataclasses.replace(found[0], dataset_id=dataset_id)
    lock = ProcessLock(files.run_lock(run.id, run.attempt))
    assert lock.acquire()
    lock.release()
    attempt = attempts.get_attempt(run.id, run.attempt)
    assert attempt is not None
    return run, attempt


def save_copy(run: Run, step: int) -> None:
    folder = files.checkpoints_dir(run.id) / f"step-{step:08d}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(f'{{"step": {step}}}')


# ------------------------------------------------------------------------ the computer's end


@pytest.mark.skipif(not system_start(), reason="this system does not tell its start")
def test_a_lock_tells_in_which_system_start_it_was_taken(home: Path) -> None:
    run, attempt = claimed()
    lock = files.run_lock(run.id, attempt.number)
    assert written_start(lock) == system_start()
    assert holder(lock) is None, "nobody holds it any more"
    assert not burial.began_before_restart(attempt)
    lock.write_text("1 another:7")
    assert burial.began_before_restart(attempt)


@pytest.mark.skipif(not system_start(), reason="this system does not tell its start")
def test_a_clock_that_was_set_is_no_restart(home: Path) -> None:
    """All start times are computed from the clock; which start it was is not."""
    run, attempt = claimed()
    shifted = dataclasses.replace(attempt, process_started=attempt.process_started - 86_400 * 400)
    assert not burial.began_before_restart(shifted)
    assert verdict(run, shifted, for_memory=False)[1] is Reason.KILLED


def test_without_the_systems_word_times_must_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burial, "system_start", lambda: "")
    _, attempt = claimed()
    assert not burial.began_before_restart(attempt)
    old = dataclasses.replace(attempt, process_started=0.0)
    assert burial.began_before_restart(old)


def test_a_switched_off_computer_is_told_with_its_time(home: Path) -> None:
    run, attempt = claimed()
    files.run_lock(run.id, attempt.number).write_text("1 another:7")
    now = time.localtime()
    noon = time.mktime((*now[:3], 12, 2, 0, 0, 0, -1))
    status, reason, words = verdict(
        dataclasses.replace(run, heartbeat_at=noon), attempt, for_memory=True
    )
    assert (status, reason) == (RunStatus.LOST, Reason.HOST_LOST)
    assert words.startswith("The computer was switched off at about 12:02. ")
    old = time.mktime((2026, 3, 4, 23, 59, 0, 0, 0, -1))
    words = verdict(dataclasses.replace(run, heartbeat_at=old), attempt, for_memory=False)[2]
    assert "off on 4 March at about 23:59. " in words


# ------------------------------------------------------------------------ what is repeated


def log_steps(run: Run, seconds: float, *steps: int) -> None:
    points = [(step, 1.0, 0.0, 1000.0 + seconds * step) for step in steps]
    with database.write() as session:
        metrics.append_points(session, run.id, run.attempt, {"train/loss": points})


def test_how_much_work_is_repeated_is_told(home: Path) -> None:
    run, _ = claimed()
    run = dataclasses.replace(run, step=300)
    assert "begin again" in what_is_saved(run)
    save_copy(run, 120)
    # In one chunk, as they are merged: only what came after the copy counts.
    log_steps(run, 1.0, *range(1, 301))
    assert what_is_saved(run) == (
        "The model is saved as of step 120 and can be used; 3 minutes of work will be repeated."
    )
    save_copy(run, 300)
    assert what_is_saved(run).endswith("no work is lost.")


# ------------------------------------------------------------------------ memory


def test_a_kill_for_memory_is_told_apart(home: Path) -> None:
    run, attempt = claimed()
    assert verdict(run, attempt, for_memory=True)[:2] == (RunStatus.FAILED, Reason.OOM_HOST)
    assert verdict(run, attempt, for_memory=False)[:2] == (RunStatus.FAILED, Reason.KILLED)
    stopping = dataclasses.replace(run, status=RunStatus.STOPPING)
    assert verdict(stopping, attempt, for_memory=True)[1] is Reason.USER_STOP


def test_the_count_of_kills_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    count, now = 4, 1000.0
    monkeypatch.setattr(memory_kills, "count_kills", lambda: count)
    monkeypatch.setattr(memory_kills.time, "monotonic", lambda: now)
    kills = MemoryKills()
    kills.look()
    assert not kills.happened(), "what happened before is not this run's"
    count = 5
    for _ in range(20):  # a large process takes a while to go; it looks alive meanwhile
        now += 1.0
        kills.look()
    assert kills.happened()
    for _ in range(40):
        now += 1.0
        kills.look()
    assert not kills.happened(), "long ago"
    monkeypatch.setattr(memory_kills, "count_kills", lambda: None)
    assert not MemoryKills().happened()


@pytest.mark.parametrize(
    ("group", "counter", "content"),
    [
        ("0::/user.slice/x", "user.slice/x/memory.events", "low 0\noom 3\noom_kill 2\n"),
        ("0::/../host", "memory.events", "oom_kill 2\n"),
        ("4:cpu,memory:/a/b", "memory/a/b/memory.oom_control", "under_oom 0\noom_kill 2\n"),
    ],
)
def test_where_linux_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, counter: str, content: str
) -> None:
    path = tmp_path / "cgroup" / counter
    path.parent.mkdir(parents=True)
    path.write_text(content)
    read = Path.read_text

    def groups(self: Path, *arguments: str) -> str:
        return group if str(self) == "/proc/self/cgroup" else read(self, *arguments)

    monkeypatch.setattr(Path, "read_text", groups)
    monkeypatch.setattr(memory_kills, "_CGROUPS", tmp_path / "cgroup")
    assert count_kills() == 2


# ------------------------------------------------------------------------ data


def test_a_death_over_changed_data_is_bad_data(home: Path) -> None:
    dataset = text_dataset()
    run, attempt = claimed(dataset_id=dataset.id)
    data_files.note(run.id, dataset)
    folder = files.dataset_dir(dataset.id)
    assert data_files.changed_file(run.id, dataset.id) is None
    # Touched, or put back from a copy: the same contents are the same data.
    for path in folder.iterdir():
        os.utime(path, (1.0, 1.0))
    assert data_files.changed_file(run.id, dataset.id) is None
    content = bytearray((folder / "items.bin").read_bytes())
    content[3] ^= 1
    (folder / "items.bin").write_bytes(content)
    assert data_files.changed_file(run.id, dataset.id) == "items.bin"
    status, reason, words = verdict(run, attempt, for_memory=False)
    assert (status, reason) == (RunStatus.FAILED, Reason.BAD_DATA)
    assert "items.bin" in words
    shutil.rmtree(folder)
    assert data_files.changed_file(run.id, dataset.id) is not None


def test_a_later_attempt_is_compared_with_the_first(home: Path) -> None:
    dataset = text_dataset()
    run, _ = claimed(dataset_id=dataset.id)
    data_files.note(run.id, dataset)
    path = files.dataset_dir(dataset.id) / "labels.npy"
    path.write_bytes(path.read_bytes()[:-8] + bytes(8))
    data_files.note(run.id, dataset)
    assert data_files.changed_file(run.id, dataset.id) == "labels.npy"
    assert data_files.changed_file(run.id + 1, dataset.id) is None, "it has not begun"


# ------------------------------------------------------------------------ the graphics card


def test_a_slot_is_free_only_once_the_card_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, attempt = claimed("cuda:0")
    holders: set[int] | None = {attempt.pid, 1}
    monkeypatch.setattr(card_memory, "card_holders", lambda: holders)
    watch = CardWatch(seconds=3600)
    assert watch.release(attempt) is None
    holders = {1}
    assert watch.release(attempt) == FREE
    holders = {attempt.pid}
    assert CardWatch(seconds=0.0).release(attempt) == STUCK
    holders = None
    assert watch.release(attempt) == ""
    _, on_processor = claimed("cpu")
    holders = {on_processor.pid}
    assert watch.release(on_processor) == ""


def test_who_holds_memory_is_asked_of_every_card(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetComputeRunningProcesses=lambda card: [SimpleNamespace(pid=10 + card)],
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert card_memory.card_holders() == {10, 11}
    library.nvmlInit = lambda: 1 / 0
    assert card_memory.card_holders() is None
