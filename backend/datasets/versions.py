"""The versions of a data set: what each one held, a new one over the same items, and back again.

Items never change. A version has labels, splits, classes and edited texts of its own, so a run
that began on an earlier one goes on as if nothing had happened.
"""

import time
from dataclasses import replace

import numpy as np

from backend.datasets import catalog
from backend.datasets.formats import get_format
from backend.datasets.splits import DROPPED, SPLITS
from backend.datasets.state import (
    State,
    count_classes,
    first_record,
    relabelled,
    sha256_of,
    write_state,
)
from backend.datasets.store import Store
from backend.errors import BusyError, NotFoundError, UsageError
from storage import files
from storage import versions as stored
from storage.records import Dataset, DatasetVersion


def list_versions(dataset: Dataset) -> list[DatasetVersion]:
    """A data set's history, the newest first."""
    found = stored.list_versions(dataset.id)
    return found or [first_record(dataset)]


def at(dataset: Dataset, number: int | None) -> Dataset:
    """A data set's record as of a version, the current one where none is named."""
    if number is None or number == dataset.version:
        return dataset
    version = stored.get_version(dataset.id, number)
    if version is None:
        raise NotFoundError(
            f"{dataset.name} has no version {number}. It has {dataset.version} of them."
        )
    return as_of(dataset, version)


def add_version(dataset: Dataset, state: State, summary: str) -> Dataset:
    """Make a state the data set's newest version; returns the record that tells of it.

    dataset: as of the version that the change was made to. Raises BusyError where somebody else
    has changed the data set since, UsageError where nothing that can be trained on would be left
    or nothing is different.
    """
    check_trainable(dataset, state)
    with catalog.writing():
        current = catalog.find(dataset.id)
        if current.version != dataset.version:
            raise BusyError(
                f"{current.name} was changed by somebody else in the meantime. Look at it again "
                "before you change it."
            )
        return _publish(current, state, summary)


def go_back(dataset: Dataset, number: int) -> Dataset:
    """Make an earlier version the newest one again, as a version of its own."""
    earlier = at(dataset, number)
    state = State.of(earlier, Store.open(earlier))
    return add_version(dataset, state, f"Went back to version {number}.")


def ensure_sha256(dataset: Dataset) -> str:
    """A version's sum, reckoned and kept where it was made by an older Trainroom."""
    version = stored.get_version(dataset.id, dataset.version)
    if version is not None and version.sha256:
        return version.sha256
    sha256 = sha256_of(dataset, State.of(dataset, Store.open(dataset)))
    stored.set_sha256(dataset.id, dataset.version, sha256)
    return sha256


def check_trainable(dataset: Dataset, state: State) -> None:
    """Raise UsageError where a part would be empty or fewer than two classes were left."""
    left = np.bincount(state.splits, minlength=DROPPED + 1)[: len(SPLITS)]
    empty = [name for name, count in zip(SPLITS, left.tolist(), strict=True) if not count]
    if empty:
        raise UsageError(
            f"That would leave the {empty[0]} part without any example. Change the shares of the "
            "parts instead, or bring in more data."
        )
    tells_apart = get_format(dataset.format).target == "class"
    if tells_apart and len(state.classes) < 2 <= len(dataset.classes):
        raise UsageError(
            "That would leave a single class, and with one class there is nothing to tell apart."
        )


def note(dataset_id: str, summary: str) -> Dataset:
    """A new version that differs in nothing: what was done to all of them stands in the history."""
    with catalog.writing():
        current = catalog.find(dataset_id)
        state = State.of(current, Store.open(current))
        return _publish(current, state, summary, always=True)


def _publish(current: Dataset, state: State, summary: str, *, always: bool = False) -> Dataset:
    """Write the files and the rows of a new version; the caller holds catalog.writing()."""
    base = Store(files.dataset_dir(current.id))
    sha256 = sha256_of(current, state)
    known = stored.get_version(current.id, current.version)
    if known is not None and known.sha256 == sha256 and not always:
        raise UsageError("Nothing is different, so there is no new version.")
    if known is None:  # a row that was written without its version
        stored.publish(current, first_record(current))
    number = stored.next_number(current.id)
    write_state(files.dataset_version_file(current.id, number), state, base)
    left = np.bincount(state.splits, minlength=DROPPED + 1).tolist()
    version = DatasetVersion(
        dataset_id=current.id,
        number=number,
        created_at=time.time(),
        summary=summary,
        sha256=sha256,
        rows=sum(left[: len(SPLITS)]),
        classes=state.classes,
        splits=dict(zip(SPLITS, left, strict=False)),
        details={
            "counts": count_classes(state.classes, base, state),
            "parent": current.version,
            "dropped": left[DROPPED],
            "edited": len(np.union1d(state.items.indices, state.targets.indices)),
            "relabelled": int(relabelled(base, state).sum()),
        },
    )
    dataset = as_of(current, version)
    stored.publish(dataset, version)
    return dataset


def as_of(dataset: Dataset, version: DatasetVersion) -> Dataset:
    """A data set's record with what a version says in place of the current one."""
    counts = version.details.get("counts")
    details = {**dataset.details, "counts": counts}
    if version.number > 1:
        details["warnings"] = []  # they tell of what was brought in
    return replace(
        dataset, version=version.number, rows=version.rows, classes=list(version.classes),
        splits=dict(version.splits), details=details,
    )  # fmt: skip
