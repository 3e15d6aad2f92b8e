"""R7: on a full disk a run ends with that reason, and what was saved before can be loaded."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend import live, runs
from backend.errors import DiskFullError
from backend.jobs.checkpoint_files import saved_step
from backend.models.spec import ModelSpec
from backend.training import checkpoints
from backend.training.config import TrainingConfig
from storage import database, files
from storage.records import ENDED, Reason, Run, RunStatus
from tests.backend.jobs.conftest import queue_run, wait_for
from tests.backend.training.test_loop import run as train
from tests.backend.training.toy import Notes
from tests.faults.conftest import current, pid_of, start_usual_supervisor

resource = pytest.importorskip("resource")

MEGABYTE = 1 << 20
WORKER = ("tests.faults.faulty_worker", "big")


def check_end(run: Run) -> None:
    """The end, its reason, a checkpoint that loads, no half one, and an app that answers."""
    wait_for(lambda: current(run).status in ENDED, 60)
    found, folder = current(run), files.checkpoints_dir(run.id)
    assert found.status is RunStatus.FAILED
    assert not list(folder.glob("part-*"))
    loaded = checkpoints.load_checkpoint(folder, "last")
    assert checkpoints.load_state(loaded)["progress"]["step"] == loaded.step
    assert loaded.skipped == []
    assert database.is_sound()
    assert live.live_state(run.id)["run"]["status"] == "failed"
    assert queue_run().status is RunStatus.QUEUED
    assert "Traceback" not in (found.message or "")
    print(f"R7: step {found.step}, saved as of {loaded.step}: {found.reason}, {found.message}")
    assert found.reason is Reason.DISK_FULL
    assert "disk is full" in (found.message or "")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
@pytest.mark.parametrize(("part", "megabytes"), [("weights", 8), ("optimizer", 16)])
def test_no_room_for_the_next_checkpoint(jobs_home: Path, part: str, megabytes: int) -> None:
    """After its first checkpoint the process may write no file as large as one of its parts."""
    run = queue_run("toy", epochs=1000, batch_size=64)
    start_usual_supervisor(*WORKER)
    wait_for(lambda: saved_step(run.id), 60)
    limit = (megabytes * MEGABYTE, megabytes * MEGABYTE)
    resource.prlimit(pid_of(run), resource.RLIMIT_FSIZE, limit)
    check_end(run)


@pytest.fixture
def small_disk(jobs_home: Path) -> Iterator[Path]:
    """A home of 60 MB: one checkpoint of the big model fits beside the rest, two do not."""
    jobs_home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(jobs_home)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a small disk here")
    yield jobs_home
    subprocess.run(["umount", "--lazy", str(jobs_home)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    run = queue_run("toy", epochs=1000, batch_size=64)
    start_usual_supervisor(*WORKER)
    check_end(run)


def test_without_room_no_run_is_queued(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend import datasets

    datasets.list_datasets()
    monkeypatch.setattr(runs, "ensure_supervisor", lambda: None)
    start = partial(runs.start_run, task="image-classification", dataset="digits", model="mlp")
    start()
    before = len(runs.list_runs())
    usage = SimpleNamespace(total=10**12, used=10**12 - 150 * 10**6, free=150 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFullError, match=r"150 MB left .* needs 2\d\d MB") as caught:
        start()
    assert len(runs.list_runs()) == before
    print(f"R7: refused with: {caught.value}")


@pytest.mark.parametrize(
    ("parameters", "megabytes"), [(0, 200), (1_000_000, 224), (100_000_000, 2_600)]
)
def test_room_for_two_checkpoints_and_some_is_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, parameters: int, megabytes: int
) -> None:
    """Weights and the optimizer's two moments, four bytes each, twice, and 200 MB."""
    spec = ModelSpec("a", "A", "For tests.", "trainroom", parameters)
    free = megabytes * 10**6
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    runs.check_disk(spec)
    free -= 1
    with pytest.raises(DiskFullError):
        runs.check_disk(spec)


def test_a_real_checkpoint_is_no_larger_than_reckoned(tmp_path: Path) -> None:
    """With AdamW, which keeps the most; the processor's files are kilobytes."""
    train(tmp_path, Notes(stop_at=5), config=TrainingConfig(epochs=1, device="cpu"))
    (copy,) = tmp_path.glob("step-*")
    # 4 x 16 + 16 and 16 x 2 + 2 weights; headers and the random generators' state are the rest.
    assert files.folder_bytes(copy) < 114 * runs.BYTES_PER_PARAMETER + 20_000
