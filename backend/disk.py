"""What takes how much of the disk, and clearing it; for the storage page."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BusyError, TrainroomError
from backend.models import hub
from backend.runs import get_run
from backend.tasks import get_task
from storage import files, runs
from storage.records import ACTIVE, Run


@dataclass(frozen=True, slots=True)
class RunUse:
    """One run's bytes; copies is how many checkpoints it has."""

    run: Run
    bytes: int
    copies: int


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes by kind; runs with the largest first."""

    free: int
    runs: list[RunUse]
    datasets: int
    downloads: int
    database: int

    @property
    def total(self) -> int:
        return sum(one.bytes for one in self.runs) + self.datasets + self.downloads + self.database


def disk_use() -> DiskUse:
    """Measure everything below the home folder."""
    home = files.home()
    database = files.database_path()
    found = [RunUse(run, run_bytes(run.id), len(_copies(run.id))) for run in runs.list_runs()]
    return DiskUse(
        free=shutil.disk_usage(home).free,
        runs=sorted(found, key=lambda one: one.bytes, reverse=True),
        datasets=files.folder_bytes(files.datasets_dir()),
        downloads=files.folder_bytes(files.downloads_dir()),
        database=sum(path.stat().st_size for path in database.parent.glob(f"{database.name}*")),
    )


def run_bytes(run_id: int) -> int:
    """What one run takes: its saved copies and its log."""
    return files.folder_bytes(files.run_dir(run_id))


def keep_best_copy(run_id: int) -> int:
    """Delete a run's saved copies except the best; returns the bytes that are free again.

    It can still be tried, and goes on from there. Raises BusyError while the run is active.
    """
    from backend.jobs.checkpoint_files import best_copy

    best = best_copy(run_id)
    return _remove(run_id, [path for path in _copies(run_id) if best and path != best])


def delete_model(run_id: int) -> int:
    """Delete all saved copies; curves, history and log stay. Raises BusyError while active."""
    freed = _remove(run_id, _copies(run_id))
    runs.forget_model(run_id)
    return freed


@dataclass(frozen=True, slots=True)
class Download:
    """Something that was downloaded: a model, or whatever else lies there.

    name: as users know it. is_whole: False where it is not complete; it goes on from there.
    """

    name: str
    path: Path
    bytes: int
    is_whole: bool


def list_downloads() -> list[Download]:
    """What was downloaded, the largest first."""
    place = files.downloads_dir()
    found = []
    for path in [*place.glob("huggingface/*"), *place.glob("torchvision/*"), *place.glob("*")]:
        if path.parent == place and path.name in ("huggingface", "torchvision"):
            continue
        name = path.name.removesuffix(hub.PART)
        if path.parent.name == "huggingface":
            name = name.replace("--", "/", 1)
        size = files.folder_bytes(path) if path.is_dir() else path.stat().st_size
        found.append(Download(name, path, size, is_whole=not path.name.endswith(hub.PART)))
    return sorted(found, key=lambda one: one.bytes, reverse=True)


def delete_download(download: Download) -> int:
    """Delete one of them; returns the bytes. Raises BusyError while a run may be reading it."""
    for run in runs.list_runs(ACTIVE):
        if run.model == download.name or _checkpoint(run) == download.name:
            raise BusyError(f"{run.name} uses {download.name} just now. Delete it when it is done.")
    if files.downloads_dir() not in download.path.parents:
        raise ValueError(f"{download.path} is no download")
    if download.path.is_dir():
        files.remove_folder(download.path)
    else:
        download.path.unlink(missing_ok=True)
    return download.bytes


def _checkpoint(run: Run) -> str:
    """Which weights a run's model begins from, where its task still knows it."""
    with contextlib.suppress(TrainroomError):
        return get_task(run.task).get_model(run.model).checkpoint
    return ""


def delete_downloads() -> int:
    """Delete downloaded models and data; they come again when they are asked for."""
    freed = files.folder_bytes(files.downloads_dir())
    files.remove_folder(files.downloads_dir())
    return freed


def _copies(run_id: int) -> list[Path]:
    return sorted(files.checkpoints_dir(run_id).glob("step-*"))


def _remove(run_id: int, copies: list[Path]) -> int:
    run = get_run(run_id)
    if not run.has_ended:
        raise BusyError(f"{run.name} has not ended: it still needs its saved copies.")
    freed = sum(files.folder_bytes(path) for path in copies)
    for path in copies:
        files.remove_folder(path)
    return freed
