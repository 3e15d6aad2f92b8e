"""Which data sets exist: publish, find, rename, delete and tidy up; behind the package's door."""

import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from backend.datasets.skips import Skips, cleaned
from backend.datasets.state import first_version
from backend.datasets.writer import UNPUBLISHED, WRITER_LOCK, Contents, StoreWriter
from backend.errors import BusyError, DataError, NotFoundError, UsageError
from backend.jobs.errands import is_at_work
from storage import datasets, files, runs, versions
from storage.records import ACTIVE, Dataset, RunStatus

MAX_NAME = 100
FEW = 10
UNEVEN = 10
LEFTOVER_SECONDS = 600


def writing() -> FileLock:
    """Held while a data set appears, changes its name or goes."""
    return FileLock(files.locks_dir() / "datasets.lock")


def check_name(name: str) -> str:
    """The name as it will be stored; raises UsageError where it cannot be one."""
    line = cleaned(" ".join(name.split()))
    if not line:
        raise UsageError("Give the data set a name.")
    if len(line) > MAX_NAME:
        raise UsageError(
            f"The name is {len(line):,} characters long; it can have up to {MAX_NAME}."
        )
    return line


def check_name_is_free(name: str, *, except_id: str | None = None) -> None:
    """Raise UsageError where another data set goes by this name, or a bundled one may."""
    from backend.datasets.bundled.build import reserved_names

    if name in reserved_names() and except_id != name.replace("-", ""):
        raise UsageError(f"{name} is the name of a data set of Trainroom. Choose another name.")
    # An id counts as a name too: get_dataset takes both.
    taken = datasets.get_dataset(name)
    if taken is not None and taken.id != except_id:
        raise UsageError(f"There is a data set called {name!r} already. Choose another name.")


def publish(
    writer: StoreWriter,
    *,
    name: str,
    task: str,
    source: str,
    licence: str,
    dataset_id: str | None = None,
    class_order: list[str] | None = None,
    skips: Skips | None = None,
    details: Mapping[str, Any] | None = None,
) -> Dataset:
    """Finish a writer, move its folder into place and store the row.

    dataset_id: given for bundled sets only, which replace what was there before.
    """
    contents = writer.finish(class_order=class_order)
    bundled = dataset_id is not None
    if not bundled and not all(contents.splits.values()):
        raise DataError(
            "There are too few different examples to divide them into train, validation and test. "
            "Bring at least three of each class."
        )
    skips = skips or Skips()
    dataset = Dataset(
        id=dataset_id or uuid.uuid4().hex[:12],
        name=name,
        task=task,
        rows=contents.rows,
        classes=contents.classes,
        splits=contents.splits,
        source=source,
        licence=licence,
        bundled=bundled,
        bytes=contents.bytes,
        created_at=time.time(),
        skipped=skips.listed,
        format=writer.format.name,
        details={
            **contents.details,
            "title": name,
            "description": "",
            "source_note": "",
            "counts": contents.counts,
            "warnings": [] if bundled else warn(contents),
            **skips.details(),
            **(details or {}),
        },
    )
    with writing():
        check_name_is_free(name, except_id=dataset.id)
        place = files.dataset_dir(dataset.id)
        _move_into_place(writer.folder, place)
        versions.publish(dataset, first_version(dataset, place), fresh=True)
        (place / UNPUBLISHED).unlink()
    return dataset


def warn(contents: Contents) -> list[str]:
    """What is odd about a data set, in sentences; it can be trained on all the same."""
    found = []
    copies = contents.copies
    totals = {name: sum(counts.values()) for name, counts in contents.counts.items()}
    if copies.repeated:
        found.append(f"{copies.repeated:,} examples are copies of others.")
    if copies.conflicting:
        found.append(
            f"{copies.conflicting:,} contents stand in more than one class; no model can tell "
            "those apart."
        )
    if copies.leaking:
        found.append(
            f"{copies.leaking:,} contents stand in more than one of the given splits, so scores on "
            "validation and test will look too good."
        )
    if not totals:
        return found
    small = [name for name, total in totals.items() if total < FEW]
    if small:
        listed = ", ".join(small[:5]) + (", ..." if len(small) > 5 else "")
        found.append(f"Classes with fewer than {FEW} examples are hard to learn: {listed}.")
    largest, smallest = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    if totals[largest] > UNEVEN * totals[smallest]:
        found.append(
            f"{largest} has {totals[largest]:,} examples, {smallest} only {totals[smallest]:,}: "
            "look at F1 rather than at accuracy."
        )
    absent = [name for name, counts in contents.counts.items() if not counts["train"]]
    if absent:
        found.append(f"The train split has no example of {', '.join(absent[:5])}.")
    return found


def _move_into_place(folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        # Processes that have the old files mapped keep reading them from the moved folder.
        aside = files.temporary_dir() / "old"
        place.rename(aside)
        files.remove_folder(aside.parent)
    folder.rename(place)


def find(key: str) -> Dataset:
    """A data set by id or name; raises NotFoundError that lists what exists."""
    dataset = datasets.get_dataset(key)
    if dataset is None:
        from backend.datasets import list_bundled

        stored = [dataset.name for dataset in datasets.list_datasets()]
        waiting = [item.name for item in list_bundled() if item.name not in stored]
        known = ", ".join([*waiting, *stored])
        raise NotFoundError(f"There is no data set called {key[:MAX_NAME]!r}. Known: {known}.")
    return dataset


def rename_dataset(key: str, name: str) -> Dataset:
    """Give a data set another name; raises UsageError where it is taken or the set is bundled."""
    name = check_name(name)
    with writing():
        dataset = find(key)
        if dataset.bundled:
            raise UsageError(f"{dataset.name} came with Trainroom and keeps its name.")
        check_name_is_free(name, except_id=dataset.id)
        renamed = replace(dataset, name=name, details={**dataset.details, "title": name})
        datasets.create_dataset(renamed)
    return renamed


def delete_dataset(key: str) -> None:
    """Delete a data set and its files; raises BusyError while an unfinished run uses it."""
    with writing():
        dataset = find(key)
        if dataset.bundled:
            raise UsageError(f"{dataset.name} came with Trainroom and cannot be deleted.")
        check_unused(dataset)
        datasets.delete_dataset(dataset.id)
        files.remove_folder(files.dataset_dir(dataset.id))


def check_unused(dataset: Dataset) -> None:
    """Raise BusyError while a run that has not ended uses a data set, in whichever version."""
    users = [
        run.name
        for run in runs.list_runs([*ACTIVE, RunStatus.QUEUED])
        if run.dataset_id == dataset.id
    ]
    if users:
        raise BusyError(
            f"{dataset.name} is used by the run {users[0]!r}, which has not ended yet. Stop that "
            "run first, or wait for its end."
        )


def check_disk_space(needed: int) -> None:
    """Raise DataError where fewer than `needed` bytes (and some reserve) are free."""
    free = shutil.disk_usage(files.datasets_dir()).free
    needed += 200_000_000
    if free < needed:
        raise DataError(
            f"The disk has {free / 1e9:.1f} GB left, and this needs {needed / 1e9:.1f} GB. Free "
            "some space, for example by deleting old runs."
        )


def remove_leftovers() -> int:
    """Delete what imports left that were cut off: returns the number of folders removed."""
    removed = 0
    for folder in (files.home() / "tmp").glob("*"):
        if folder.is_dir() and _is_abandoned(folder):
            files.remove_folder(folder)
            removed += 1
    with writing():
        known = {dataset.id for dataset in datasets.list_datasets()}
        for folder in files.datasets_dir().iterdir():
            # Without the mark a folder may be all that is left after a lost database.
            if (folder / UNPUBLISHED).exists() and folder.name not in known:
                files.remove_folder(folder)
                removed += 1
    return removed


def _is_abandoned(folder: Path) -> bool:
    """Whether no living process writes into a temporary folder."""
    if is_at_work(folder):
        return False
    lock = folder / WRITER_LOCK
    if lock.exists():
        try:
            with FileLock(lock, timeout=0):
                return True
        except Timeout:
            return False
    try:
        newest = max(entry.stat().st_mtime for entry in [folder, *folder.rglob("*")])
    except FileNotFoundError:  # its owner is just moving it into place
        return False
    return time.time() - newest > LEFTOVER_SECONDS
