"""Draws the bundled `signs`: letters of no alphabet, each written many times by unsteady hands.

As in Omniglot (Lake, Salakhutdinov and Tenenbaum, 2015) there are many classes with few pictures
each, so that some can be kept for a test of whether a model tells apart what it never learnt. No
wheel carries Omniglot, so these are invented. Half of the signs are another one with one stroke
changed.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

SIGNS, DRAWINGS = 160, 20
SIDE, SCALE = 28, 4
"""Pixels of a picture; it is drawn so many times larger and shrunk, for smooth lines."""
SEED = 11
# Of the picture's side: how far ends and bends stray, and whole strokes.
STRAY, DRIFT = 0.035, 0.02
SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu"

Stroke = NDArray[np.float64]
"""Where a stroke begins, bends and ends, [3, 2], in shares of the side."""


def _name(number: int) -> str:
    """A word to call a sign by, such as bace: each once."""
    syllables = SYLLABLES.split()
    first, second = divmod(number, len(syllables))
    return syllables[first] + syllables[(second + first) % len(syllables)]


def _invent(rng: np.random.Generator) -> list[Stroke]:
    """Two to four strokes, most of which begin where another passes."""
    strokes: list[Stroke] = []
    for _ in range(rng.integers(2, 5)):
        start = rng.uniform(0.15, 0.85, 2)
        if strokes and rng.random() < 0.7:
            start = strokes[rng.integers(len(strokes))][rng.integers(3)]
        while True:
            end = rng.uniform(0.12, 0.88, 2)
            if np.hypot(*(end - start)) > 0.35:
                break
        bend = (start + end) / 2 + rng.normal(0, 0.22, 2) * (rng.random() < 0.6)
        strokes.append(np.stack([start, bend.clip(0.05, 0.95), end]))
    return strokes


def _fill_the_page(strokes: list[Stroke]) -> list[Stroke]:
    """The strokes in the middle, their longer side as long as that of every other sign."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    return [(stroke - (low + high) / 2) * (0.68 / (high - low).max()) + 0.5 for stroke in strokes]


def invent_signs() -> list[list[Stroke]]:
    """Every sign; each second one is the one before it with its last stroke replaced."""
    rng = np.random.default_rng(SEED)
    signs: list[list[Stroke]] = []
    while len(signs) < SIGNS:
        first, other = _invent(rng), _invent(rng)
        signs += [_fill_the_page(first), _fill_the_page([*first[:-1], other[-1]])]
    return signs


def draw_sign(strokes: list[Stroke], rng: np.random.Generator) -> NDArray[np.uint8]:
    """One drawing, dark on light, uint8 [28, 28, 1]: slanted, sized and strayed by chance."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (SIDE * SCALE, SIDE * SCALE), 255)
    pen = ImageDraw.Draw(canvas)
    angle, slant = rng.normal(0, 0.2), rng.normal(0, 0.18)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1, slant], [0, 1]]) * rng.uniform(0.75, 1.05, 2)
    moved, width = rng.normal(0, 0.06, 2), int(rng.integers(5, 13))
    t = np.linspace(0, 1, 16)[:, None]
    for stroke in strokes:
        points = stroke + rng.normal(0, STRAY, (3, 2)) + rng.normal(0, DRIFT, 2)
        start, bend, end = (points - 0.5) @ matrix.T + 0.5 + moved
        # A curve through the bend, not only towards it.
        pull = 2 * bend - (start + end) / 2
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * pull + t**2 * end
        places = [(float(x), float(y)) for x, y in curve * SIDE * SCALE]
        pen.line(places, fill=int(rng.integers(0, 60)), width=width, joint="curve")
    small = canvas.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small)[:, :, None]


def draw_signs() -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Every drawing and the name of its sign; the same on each call."""
    for number, strokes in enumerate(invent_signs()):
        for drawing in range(DRAWINGS):
            yield draw_sign(strokes, np.random.default_rng([SEED, number, drawing])), _name(number)


def _fill(writer: StoreWriter, path: Path) -> None:
    for picture, name in draw_signs():
        writer.add_image(picture, name)


SETS = (
    Bundled(
        name="signs",
        title="Invented signs",
        description="160 letters of no alphabet, each drawn 20 times: for models that tell whether "
        "two pictures show the same, also of signs that they never learnt.",
        format="image-class",
        task="image-similarity",
        source="Drawn by Trainroom",
        licence="MIT",
        needs="nothing",
        source_note="Not handwriting of people: the program draws with an unsteady hand, always "
        "the same pictures. Half of the signs differ from another one in one stroke only.",
        find=lambda: Path(__file__),
        fill=_fill,
    ),
)
