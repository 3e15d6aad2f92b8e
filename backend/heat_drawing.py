"""Heat maps over pictures, and parts of a picture covered, as PNG files; called by pages."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 320
"""Pixels of the longer side of what is drawn."""
SMALL = 64
"""Pictures up to here are enlarged without smoothing."""
WARM = np.array([[70, 20, 120], [200, 40, 90], [250, 140, 20], [255, 235, 90]], np.float64)
"""From little to much: dark violet, red, orange, yellow; in order also for the colour-blind."""
STRONGEST = 0.78
COVER, EDGE = (110, 110, 110, 235), (255, 255, 255, 255)


def heat_picture(picture: str, values: Sequence[Sequence[float]]) -> bytes:
    """A picture (PNG in base64) in grey with a map of any size over it: values from 0 to 1."""
    base = _enlarged(picture)
    heat = np.asarray(values, np.float32).clip(0, 1)
    wide = Image.fromarray(heat).resize(base.size, Image.Resampling.BICUBIC)
    strength = np.asarray(wide, np.float64).clip(0, 1)[..., None]
    grey = np.asarray(base.convert("L").convert("RGB"), np.float64)
    mixed = grey + (_coloured(strength[..., 0]) - grey) * (strength**0.7 * STRONGEST)
    return _png(Image.fromarray(mixed.round().astype(np.uint8)))


def covered_picture(picture: str, box: Sequence[float]) -> bytes:
    """A picture (PNG in base64) with a part covered; box: x1, y1, x2, y2 as shares of its sides."""
    base = _enlarged(picture).convert("RGB")
    corners = [share * side for share, side in zip(box, base.size * 2, strict=True)]
    ImageDraw.Draw(base, "RGBA").rectangle(corners, fill=COVER, outline=EDGE, width=2)
    return _png(base)


def _enlarged(picture: str) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(picture)), formats=["PNG"]) as file:
        image = file.convert("RGB")
    longer = max(image.size)
    way = Image.Resampling.NEAREST if longer <= SMALL else Image.Resampling.BICUBIC
    width, height = (max(1, round(side * SIDE / longer)) for side in image.size)
    return image.resize((width, height), way)


def _coloured(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values [h, w] from 0 to 1 as colours [h, w, 3]."""
    places = np.linspace(0, 1, len(WARM))
    return np.stack([np.interp(values, places, WARM[:, part]) for part in range(3)], axis=-1)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
