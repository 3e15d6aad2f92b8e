"""A copy of a data set with all its versions, to be changed where the original cannot be."""

import os
import shutil
import time
import uuid
from collections.abc import Container
from dataclasses import replace

from backend.datasets import catalog, versions
from backend.datasets.writer import UNPUBLISHED
from backend.errors import TrainroomError
from storage import files
from storage import versions as stored
from storage.records import Dataset

LEFT_OUT = ("cache", "doctor")
"""What is made from the data, and is made again."""


def copy_dataset(dataset: Dataset, name: str) -> Dataset:
    """A data set of one's own with the same content; takes hardly any disk.

    Raises UsageError where the name cannot be used.
    """
    name = catalog.check_name(name)
    with catalog.writing():
        catalog.check_name_is_free(name)
        found = catalog.find(dataset.id)
        copy = replace(
            found, id=uuid.uuid4().hex[:12], name=name, bundled=False, created_at=time.time(),
            details={**found.details, "title": name, "description": "", "copy_of": found.name,
                     "origin": found.id},
        )  # fmt: skip
        part = files.temporary_dir() / "copy"
        shutil.copytree(
            files.dataset_dir(found.id), part, copy_function=_link,
            ignore=shutil.ignore_patterns(*LEFT_OUT),
        )  # fmt: skip
        (part / UNPUBLISHED).touch()
        place = files.dataset_dir(copy.id)
        part.rename(place)
        files.remove_folder(part.parent)
        history = [replace(one, dataset_id=copy.id) for one in versions.list_versions(found)]
        stored.replace(copy, history)
        (place / UNPUBLISHED).unlink()
    return copy


def is_copy(copy: Dataset, dataset: Dataset) -> bool:
    """Whether a data set was made as a copy of another one."""
    # Of bundled sets, whose id is their name, there may be copies from before the id was kept.
    origin = copy.details.get("origin", copy.details.get("copy_of"))
    return origin == dataset.id and not copy.bundled


def same_origin(one: str, other: str) -> bool:
    """Whether two ids mean versions of the same examples: the same set, or one and its copy."""
    if one == other:
        return True
    try:
        first, second = catalog.find(one), catalog.find(other)
    except TrainroomError:  # deleted since
        return False
    return is_copy(first, second) or is_copy(second, first)


def _link(source: str, target: str) -> None:
    """A second name for the same file: nothing is ever written into one that exists."""
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def free_copy_name(dataset: Dataset, taken: Container[str]) -> str:
    """A name for a copy that nobody has: mnist (copy), mnist (copy 2)."""
    number = 1
    while True:
        name = f"{dataset.name} (copy{f' {number}' if number > 1 else ''})"
        if name not in taken:
            return name
        number += 1
