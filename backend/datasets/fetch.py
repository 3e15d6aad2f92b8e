"""Fetches one data set of the catalogue from the internet; an errand, see jobs/errand_worker.py."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from backend.datasets import catalog
from backend.datasets.bundled.build import BUNDLED
from backend.datasets.downloads import TIMEOUT, Recipe, get_recipe
from backend.datasets.images import decode_image, picture_array
from backend.datasets.incoming import hub_sets
from backend.datasets.incoming.choices import Choices
from backend.datasets.readers.parquet import ParquetTable
from backend.datasets.readers.reading import Progress
from backend.datasets.writer import StoreWriter
from backend.errors import DownloadError, TrainroomError
from storage.records import Dataset

SOCKET_TIMEOUT = 30.0
"""Seconds; the libraries would wait for ever."""


def fetch_errand(arguments: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Download and store an offer of the catalogue; its id, as {"dataset": id}."""
    return {"dataset": fetch(arguments["name"], folder, progress).id}


def fetch(name: str, folder: Path, progress: Progress) -> Dataset:
    """Download with the library that knows the data, and store it.

    What arrives lies in the folder. Raises DownloadError; then nothing is kept.
    """
    recipe = get_recipe(name)
    check_server(recipe)
    catalog.check_disk_space(recipe.offer.size_mb * 10_000_000)
    socket.setdefaulttimeout(SOCKET_TIMEOUT)
    try:
        with hub_sets.told_of_growth(folder, recipe.offer.size_mb, progress):
            examples = open_examples(recipe, folder, progress)
    except TrainroomError:
        raise
    # The libraries raise whatever their many layers meet; all of it means: not fetched.
    except Exception as error:
        raise DownloadError(
            f"{recipe.offer.title} could not be downloaded ({type(error).__name__}). Check that "
            "this computer reaches the internet, and try again."
        ) from error
    with StoreWriter(recipe.format) as writer:
        for content, label, split in examples:
            if len(writer) % 500 == 0:
                progress(f"Storing example {len(writer) + 1:,}", 0.9)
            if not isinstance(content, str):
                writer.add_image(content, label, split)
            elif content.strip():
                writer.add_text(content.strip(), label, split)
        return _publish(recipe, writer)


def check_server(recipe: Recipe) -> None:
    """Raise DownloadError at once where the internet is out of reach."""
    try:
        urllib.request.urlopen(recipe.server, timeout=TIMEOUT).close()
    except urllib.error.HTTPError:
        return  # an answer, whatever it says
    except (OSError, ValueError) as error:
        raise DownloadError(
            f"{recipe.offer.title} was not downloaded: {recipe.server.split('/')[2]} cannot be "
            "reached. Connect this computer to the internet and try again."
        ) from error


def _publish(recipe: Recipe, writer: StoreWriter) -> Dataset:
    offer = recipe.offer
    twin = next((item for item in BUNDLED if item.name == offer.name), None)
    return catalog.publish(
        writer,
        name=offer.name,
        task=offer.task,
        source=offer.source,
        licence=offer.licence,
        dataset_id=twin.id if twin else None,
        class_order=list(recipe.classes) or None,
        details={
            "title": offer.title,
            "description": offer.description,
            "source_note": "Downloaded from the internet.",
            **({"version": twin.version} if twin else {}),
        },
    )


def open_examples(
    recipe: Recipe, folder: Path, progress: Progress
) -> Iterable[tuple[Any, str, int]]:
    """Content (a text or pixels), class and split of every example, downloaded first."""
    if recipe.library == "torchvision":
        return _open_torchvision(recipe, folder)
    return _open_hub(recipe, folder, progress)


def _open_torchvision(recipe: Recipe, folder: Path) -> Iterator[tuple[Any, str, int]]:
    from backend.models.torchvision import open_dataset

    parts = [
        (open_dataset(recipe.key, folder, part, recipe.options), split)
        for part, split in recipe.parts
    ]

    def examples() -> Iterator[tuple[Any, str, int]]:
        for (items, names), split in parts:
            classes = recipe.classes or names
            for image, label in items:
                yield picture_array(image), classes[label] if classes else str(label), split

    return examples()


def _open_hub(recipe: Recipe, folder: Path, progress: Progress) -> Iterator[tuple[Any, str, int]]:
    """The Parquet files that the Hub has of a set; the columns are those of the recipe."""
    offer = hub_sets.ask_hub(recipe.key)
    config = recipe.options.get("name") or next(iter(offer.configs))
    splits = dict(recipe.parts)
    wanted = [file for file in offer.files if file.config == config and file.split in splits]
    fetched = list(hub_sets.fetch_files(offer, wanted, folder, progress))
    content, label = recipe.columns

    def examples() -> Iterator[tuple[Any, str, int]]:
        for file, path in fetched:
            with closing(ParquetTable(path, recipe.offer.title, Choices(), 2)) as table:
                places = [table.columns.index(content), table.columns.index(label)]
                # By their number: ours may go by other names than theirs.
                names = dict(zip(table.labels.get(label, ()), recipe.classes, strict=False))
                for row in table.rows(places):
                    value, name = (row.cells[place] for place in places)
                    if isinstance(value, bytes):
                        value = decode_image(value)
                    yield value, names.get(name, name), splits[file.split]

    return examples()
