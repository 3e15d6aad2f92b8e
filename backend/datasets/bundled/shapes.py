"""Draws the bundled colour set `shapes`: no wheel carries a real one that is small and free.

Ten figures in any colour, size, place and turn over busy backgrounds. With 32 examples of each to
learn from, a network has to know already what edges and outlines are: pretrained weights pay.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.datasets.bundled.record import Bundled
from backend.datasets.splits import TEST, TRAIN, VALIDATION
from backend.datasets.writer import StoreWriter

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE = 96
SCALE = 2
"""Figures are drawn so many times larger and shrunk, for smooth edges."""
PARTS = ((TRAIN, 32), (VALIDATION, 8), (TEST, 20))
"""Pictures of each figure in each split; many for the test, to tell models apart."""
SEED = 2024

Outline = NDArray[np.float64]
"""The corners of a closed figure, [n, 2], within the unit circle."""


def _angles(n: int) -> Outline:
    return np.linspace(0, 2 * np.pi, n, endpoint=False) - np.pi / 2


def _round(radius: Callable[[Outline], Outline], n: int = 120) -> Outline:
    """A figure given by its radius in every direction."""
    angle = _angles(n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius(angle)[:, None]


def _spiky(points: int, inner: float) -> Outline:
    corners = _round(np.ones_like, 2 * points)
    corners[1::2] *= inner
    return corners


def _heart() -> Outline:
    t = np.linspace(0, 2 * np.pi, 120)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y], axis=1) / 17


def _crescent() -> Outline:
    outer = np.linspace(0.25 * np.pi, 1.75 * np.pi, 60)
    start = np.array([np.cos(outer[-1]), np.sin(outer[-1])])
    centre = np.array([0.45, 0.0])
    radius = float(np.hypot(*(start - centre)))
    first = float(np.arctan2(*(start - centre)[::-1]))
    inner = np.linspace(first, -first - 2 * np.pi, 60)
    return np.concatenate(
        [
            np.stack([np.cos(outer), np.sin(outer)], axis=1),
            centre + radius * np.stack([np.cos(inner), np.sin(inner)], axis=1),
        ]
    )


FIGURES: dict[str, Outline] = {
    "circle": _round(np.ones_like),
    "square": _round(np.ones_like, 4),
    "triangle": _round(np.ones_like, 3),
    "star": _spiky(5, 0.42),
    "heart": _heart(),
    "crescent": _crescent(),
    "flower": _round(lambda angle: 0.72 + 0.28 * np.cos(6 * angle)),
    "cross": np.array(
        [(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1),
         (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)]
    ) / 3.2,
    "arrow": np.array([(-3, -1), (0, -1), (0, -3), (3.2, 0), (0, 3), (0, 1), (-3, 1)]) / 3.2,
    "bolt": np.array([(1, -3.2), (-2, 0.4), (-0.2, 0.4), (-1, 3.2), (2, -0.7), (0.2, -0.7)]) / 3.2,
}  # fmt: skip


def draw_shapes() -> Iterator[tuple[NDArray[np.uint8], str, int]]:
    """Every picture, uint8 [96, 96, 3], its figure's name and its split; the same on each call."""
    splits = [split for split, count in PARTS for _ in range(count)]
    for place, (name, outline) in enumerate(FIGURES.items()):
        for number, split in enumerate(splits):
            yield _draw(outline, np.random.default_rng([SEED, place, number])), name, split


def _draw(outline: Outline, rng: np.random.Generator) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    picture = Image.fromarray(_background(rng))
    canvas = ImageDraw.Draw(picture)
    for _ in range(rng.integers(4, 10)):
        _clutter(canvas, rng)
    mask = Image.new("L", (SIDE * SCALE, SIDE * SCALE))
    ImageDraw.Draw(mask).polygon(_placed(outline, rng, SIDE * SCALE), fill=255)
    mask = mask.resize(picture.size, Image.Resampling.BOX)
    # Textured inside as well, so that neither colour nor smoothness gives the figure away.
    picture.paste(Image.fromarray(_background(rng)), mask=mask)
    for _ in range(rng.integers(1, 4)):
        _clutter(canvas, rng)
    noise = rng.integers(-16, 17, (SIDE, SIDE, 3), np.int16)
    return (np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)


def _background(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A gradient between two colours with soft stripes."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    angle, waves = rng.uniform(0, 2 * np.pi), rng.uniform(2, 9)
    along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    mix = (0.5 + 0.35 * along + 0.15 * np.sin(np.float32(2 * np.pi * waves) * along))[:, :, None]
    first, second = rng.integers(0, 256, (2, 3)).astype(np.float32)
    return (first * mix + second * (1 - mix)).clip(0, 255).astype(np.uint8)


def _placed(outline: Outline, rng: np.random.Generator, side: int) -> list[tuple[float, float]]:
    """The figure turned, stretched, and moved to a random place inside the picture."""
    angle = rng.uniform(-np.pi / 5, np.pi / 5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = rng.uniform(0.2, 0.4) * side
    stretched = outline * rng.uniform(0.8, 1.2, 2) @ turn * size
    room = side / 2 - size * 0.9
    moved = stretched + side / 2 + rng.uniform(-room, room, 2)
    return [(float(x), float(y)) for x, y in moved]


def _clutter(canvas: "ImageDraw.ImageDraw", rng: np.random.Generator) -> None:
    """A line anywhere, in any colour."""
    ends = [float(value) for value in rng.uniform(0, SIDE, 4)]
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    canvas.line(ends, fill=(red, green, blue), width=int(rng.integers(1, 4)))


def _fill_shapes(writer: StoreWriter, path: Path) -> None:
    for image, name, split in draw_shapes():
        writer.add_image(image, name, split)


SETS = (
    Bundled(
        name="shapes",
        title="Shapes in colour",
        description="600 colour pictures of ten figures on busy backgrounds: so few that a model "
        "with pretrained weights does far better than one that starts from zero.",
        format="image-class",
        task="image-classification",
        source="Drawn by Trainroom",
        licence="MIT",
        needs="nothing",
        source_note="Not photographs: each picture is drawn by the program, always the same ones.",
        find=lambda: Path(__file__),
        fill=_fill_shapes,
    ),
)
