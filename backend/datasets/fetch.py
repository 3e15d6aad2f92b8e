"""Fetches one data set from the internet; run as `python -m backend.datasets.fetch NAME FOLDER`."""

import json
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from backend.datasets import catalog
from backend.datasets.bundled import BUNDLED
from backend.datasets.downloads import Progress, Recipe, get_recipe
from backend.datasets.images import picture_array
from backend.datasets.store import StoreWriter
from backend.errors import DownloadError, TrainroomError
from storage import files
from storage.records import Dataset

SOCKET_TIMEOUT = 30.0
"""Seconds; the libraries would wait for ever."""


def fetch(name: str, progress: Progress) -> Dataset:
    """Download with the library that knows the data, and store it; runs in the child process."""
    recipe = get_recipe(name)
    socket.setdefaulttimeout(SOCKET_TIMEOUT)
    try:
        examples = _open(recipe)
    except TrainroomError:
        raise
    # The libraries raise whatever their many layers meet; all of it means: not fetched.
    except Exception as error:
        raise DownloadError(
            f"{recipe.offer.title} could not be downloaded ({type(error).__name__}). Check that "
            "this computer reaches the internet, and try again."
        ) from error
    with StoreWriter(recipe.kind) as writer:
        for content, label, split in examples:
            if len(writer) % 500 == 0:
                progress(f"Storing example {len(writer) + 1:,}", 0.5)
            if isinstance(content, str):
                if content.strip():
                    writer.add_text(content.strip(), label, split)
            else:
                writer.add_image(picture_array(content), label, split)
        dataset = _publish(recipe, writer)
    files.remove_folder(_cache(recipe))
    return dataset


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


def _cache(recipe: Recipe) -> Path:
    """Where the library keeps its own copy, deleted once the data set is stored."""
    return files.downloads_dir() / "datasets" / recipe.offer.name


def _open(recipe: Recipe) -> Iterable[tuple[Any, str, int]]:
    """Content (text or Pillow picture), class and split of every example, downloaded first."""
    return _open_torchvision(recipe) if recipe.library == "torchvision" else _open_hub(recipe)


def _open_torchvision(recipe: Recipe) -> Iterator[tuple[Any, str, int]]:
    from backend.models.torchvision import open_dataset

    parts = [
        (open_dataset(recipe.key, _cache(recipe), part, recipe.options), split)
        for part, split in recipe.parts
    ]

    def examples() -> Iterator[tuple[Any, str, int]]:
        for (items, names), split in parts:
            classes = recipe.classes or names
            for image, label in items:
                yield image, classes[label] if classes else str(label), split

    return examples()


def _open_hub(recipe: Recipe) -> Iterator[tuple[Any, str, int]]:
    try:
        from datasets import load_dataset
    except ImportError:
        raise DownloadError(
            "This download needs the library `datasets`, which is not installed. Install it with "
            "`pip install datasets` and try again."
        ) from None
    loaded = load_dataset(recipe.key, cache_dir=str(_cache(recipe)), **recipe.options)
    content, label = recipe.columns

    def examples() -> Iterator[tuple[Any, str, int]]:
        for part, split in recipe.parts:
            classes = recipe.classes or loaded[part].features[label].names
            for row in loaded[part]:
                yield row[content], classes[row[label]], split

    return examples()


def main(name: str, folder: Path) -> None:
    """The child process: write progress and the answer as JSON into the folder."""

    def report(words: str, share: float) -> None:
        (folder / "progress.json").write_text(json.dumps([words, share]), encoding="utf-8")

    try:
        answer = {"id": fetch(name, report).id}
    except TrainroomError as error:
        answer = {"error": str(error)}
        print(repr(error), repr(error.__cause__), file=sys.stderr)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
