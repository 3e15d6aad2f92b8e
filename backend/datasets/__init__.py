"""Data sets: bring in, check, split, preview; the door for pages, runs and the command line."""

from backend.datasets.catalog import delete_dataset, remove_leftovers, rename_dataset
from backend.datasets.downloads import DownloadOffer, download_dataset, list_downloads
from backend.datasets.imports import import_dataset
from backend.datasets.preview import Example, class_counts, list_examples
from backend.datasets.tables import TablePreview, inspect_table
from backend.datasets.uploads import forget_upload, save_upload
from storage.records import Dataset

__all__ = [
    "Dataset",
    "DownloadOffer",
    "Example",
    "TablePreview",
    "class_counts",
    "delete_dataset",
    "download_dataset",
    "forget_upload",
    "get_dataset",
    "import_dataset",
    "inspect_table",
    "list_datasets",
    "list_downloads",
    "list_examples",
    "prepare_bundled",
    "remove_leftovers",
    "rename_dataset",
    "save_upload",
]


def prepare_bundled() -> None:
    """Make the bundled data sets: quick, idempotent, safe when two processes do it at once."""
    from backend.datasets import bundled

    bundled.prepare_bundled()


def list_datasets(task: str | None = None) -> list[Dataset]:
    """Every data set, or those of one task; bundled ones are always there."""
    from storage import datasets

    prepare_bundled()
    return [item for item in datasets.list_datasets() if task is None or item.task == task]


def get_dataset(key: str) -> Dataset:
    """A data set by id or name; raises NotFoundError that lists what exists."""
    from backend.datasets import bundled, catalog
    from backend.errors import NotFoundError

    prepare_bundled()
    try:
        return catalog.find(key)
    except NotFoundError as error:
        raise NotFoundError(bundled.how_to_get(key) or str(error)) from None
