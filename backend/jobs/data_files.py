"""Whether a data set's files are still those that a run began with; no data are loaded for it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from storage import files
from storage.records import Dataset

# Files up to this size are read in milliseconds; of larger ones the name, size and time must do.
SMALL = 8 << 20
_READ_BY_NAME = "items.bin"
_NAME = "data.json"

Prints = dict[str, list[Any]]
"""File name -> [bytes, time of its last change, sha256 or an empty text]."""


def note(run_id: int, dataset: Dataset) -> None:
    """Write down what the files of a run's data set are, unless an earlier attempt did."""
    path = files.run_dir(run_id) / _NAME
    if not path.exists() and (found := _take(dataset)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))


def changed_file(run_id: int, dataset_id: str) -> str | None:
    """The name of a file that was changed or deleted since note(), or None."""
    try:
        known: Prints = json.loads((files.run_dir(run_id) / _NAME).read_text())
    except (OSError, ValueError):
        return None
    folder = files.dataset_dir(dataset_id)
    return next((name for name, print_ in known.items() if _differs(folder, name, print_)), None)


def what_changed(dataset_name: str, file: str) -> str:
    """What the user is told about it."""
    return (
        f"The files of the data set {dataset_name} were changed or deleted on the disk after this "
        f"run began ({file}), so it cannot go on. What it had saved before that is kept. Start a "
        "new run on the data as they are now, or bring them in again."
    )


def _take(dataset: Dataset) -> Prints:
    folder, found = files.dataset_dir(dataset.id), {}
    version = files.dataset_version_file(dataset.id, dataset.version)
    # What else lies there is for people: reports, caches, lists of what was left out.
    for path in [*sorted(folder.glob("*.bin")), *sorted(folder.glob("*.npy")), version]:
        if not path.is_file():
            continue
        size, changed = _look(path)
        # Where items have targets, the data set's own sum is of both together.
        plain = path.name == _READ_BY_NAME and not (folder / "targets.bin").exists()
        known = dataset.details.get("content_sha256") if plain else None
        name = path.relative_to(folder).as_posix()
        found[name] = [size, changed, known or (_sha256(path) if size <= SMALL else "")]
    return found


def _differs(folder: Path, name: str, known: list[Any]) -> bool:
    size, changed, content = known
    try:
        now = _look(folder / name)
        if now == (size, changed):
            return False
        # Touched, or put back from a copy: only other contents count.
        return now[0] != size or not content or _sha256(folder / name) != content
    except OSError:
        return True


def _look(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
