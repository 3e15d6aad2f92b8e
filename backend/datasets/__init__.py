"""Data sets: bring in, check, split, preview; the door for pages, runs and the command line."""

from typing import TYPE_CHECKING

from backend.datasets.catalog import delete_dataset, remove_leftovers, rename_dataset
from backend.datasets.downloads import DownloadOffer, list_downloads, start_download
from backend.datasets.incoming.imports import import_dataset
from backend.datasets.preview import Example, class_counts, list_examples
from backend.datasets.ratings import list_items
from backend.datasets.readers.sounds import is_sound
from backend.datasets.skips import skipped_csv
from storage.records import Dataset

if TYPE_CHECKING:
    from backend.datasets.bundled.record import Bundled

__all__ = [
    "Dataset",
    "DownloadOffer",
    "Example",
    "class_counts",
    "delete_dataset",
    "get_dataset",
    "import_dataset",
    "is_sound",
    "list_bundled",
    "list_datasets",
    "list_downloads",
    "list_examples",
    "list_items",
    "prepare_bundled",
    "remove_leftovers",
    "rename_dataset",
    "skipped_csv",
    "start_download",
]


def prepare_bundled() -> None:
    """Make all bundled data sets: idempotent, safe when two processes do it at once."""
    from backend.datasets.bundled import build

    build.prepare_bundled()


def list_bundled() -> list["Bundled"]:
    """What comes with Trainroom and can be had here, those to begin with first; builds nothing."""
    from backend.datasets.bundled import build

    return [item for item in build.BUNDLED if item.find() is not None]


def list_datasets(task: str | None = None) -> list[Dataset]:
    """Every data set, or those that one task can learn from; bundled ones are always there."""
    from backend.datasets.bundled import build
    from backend.tasks import get_task
    from storage import datasets

    if task is None:
        build.prepare_bundled()
        return datasets.list_datasets()
    formats = get_task(task).formats
    build.prepare_bundled(lambda item: item.format in formats)
    return [item for item in datasets.list_datasets() if item.format in formats]


def get_dataset(key: str, version: int | None = None) -> Dataset:
    """A data set by id or name, as of its newest version or the one that is named.

    Raises NotFoundError that lists what exists.
    """
    from backend.datasets import catalog, versions
    from backend.datasets.bundled import build
    from backend.errors import NotFoundError

    build.prepare_bundled(lambda item: key in (item.name, item.id))
    try:
        found = catalog.find(key)
    except NotFoundError as error:
        raise NotFoundError(build.how_to_get(key) or str(error)) from None
    return versions.at(found, version)
