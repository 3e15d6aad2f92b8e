"""Every path that Trainroom writes to; called by storage and backend, never by a page."""

import contextlib
import os
import shutil
import uuid
from pathlib import Path

HOME_VARIABLE = "TRAINROOM_HOME"
TEMPORARY_VARIABLE = "TRAINROOM_ERRAND"
"""Set for a process whose temporary folders are to lie in one that is deleted with it."""
DEFAULT_HOME = Path(__file__).resolve().parent / "data"


def home() -> Path:
    """The folder that holds everything written: TRAINROOM_HOME, or storage/data."""
    return Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().resolve()


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def database_path() -> Path:
    return _folder(home()) / "trainroom.sqlite3"


def run_dir(run_id: int) -> Path:
    return home() / "runs" / str(int(run_id))


def run_log(run_id: int) -> Path:
    return run_dir(run_id) / "log.txt"


def checkpoints_dir(run_id: int) -> Path:
    return run_dir(run_id) / "checkpoints"


def pins_dir(run_id: int) -> Path:
    """The examples that were pinned to a run, a file each."""
    return run_dir(run_id) / "pins"


def run_phase(run_id: int) -> Path:
    """What a run that gets ready is doing just now, in words."""
    return run_dir(run_id) / "phase.txt"


def test_results(run_id: int) -> Path:
    """What the test of a run gave for each example."""
    return run_dir(run_id) / "test.npz"


def training_labels(run_id: int) -> Path:
    """What a run's model finds alike to each example that it learned from."""
    return run_dir(run_id) / "training.npz"


def run_lock(run_id: int, attempt: int) -> Path:
    """The file an attempt keeps locked for as long as its process lives."""
    return run_dir(run_id) / f"attempt-{int(attempt)}.lock"


def datasets_dir() -> Path:
    return _folder(home() / "datasets")


def dataset_dir(dataset_id: str) -> Path:
    if not dataset_id.isalnum():
        raise ValueError("a data set id holds letters and digits only")
    return home() / "datasets" / dataset_id


def dataset_version_file(dataset_id: str, number: int) -> Path:
    """Where a version of a data set keeps what it has of its own; the first may have none."""
    return dataset_dir(dataset_id) / "versions" / f"{int(number)}.npz"


def locks_dir() -> Path:
    return _folder(home() / "locks")


def logs_dir() -> Path:
    return _folder(home() / "logs")


def temporary_dir() -> Path:
    """A new empty folder under the home; on the same disk, so that a rename out of it is atomic."""
    above = Path(os.environ.get(TEMPORARY_VARIABLE) or home() / "tmp")
    return _folder(above / uuid.uuid4().hex)


def downloads_dir() -> Path:
    """What the user asked to download: hub models and data sets."""
    return _folder(home() / "downloads")


def remove_folder(path: Path) -> None:
    """Delete a folder inside the home; refuse any other."""
    resolved = path.resolve()
    if home() not in resolved.parents:
        raise ValueError(f"{path} lies outside the home folder")
    shutil.rmtree(resolved, ignore_errors=True)


def folder_bytes(path: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):  # removed while this looks
                total += os.stat(os.path.join(folder, name), follow_symlinks=False).st_size
    return total
