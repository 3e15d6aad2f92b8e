"""What is measured on every picture, once for all checks: a small grey copy, border, extremes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from backend.datasets.store import Store

SIDE = 32
"""Pixels on each side of the grey copy."""
BLOCK = 256
Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Of each of m pictures, in the order of the numbers that measure() was given.

    shapes: height, width, channels, int32 [m, 3]. small: grey copies, uint8 [m, SIDE, SIDE].
    spread: the largest difference between two pixels of the whole picture, uint8 [m]. border:
    mean colour of the outermost pixels, float32 [m, 3]. border_spread: the largest difference
    among them, uint8 [m].
    """

    shapes: NDArray[np.int32]
    small: NDArray[np.uint8]
    spread: NDArray[np.uint8]
    border: NDArray[np.float32]
    border_spread: NDArray[np.uint8]

    @classmethod
    def measure(cls, store: Store, indices: NDArray[np.int64], tick: Tick) -> Self:
        """Look at each picture once, on all cores."""
        count = len(indices)
        made = cls(
            store.shapes()[indices],
            np.empty((count, SIDE, SIDE), np.uint8),
            np.empty(count, np.uint8),
            np.empty((count, 3), np.float32),
            np.empty(count, np.uint8),
        )
        blocks = range(0, count, BLOCK)
        with ThreadPoolExecutor() as pool:  # Pillow and numpy let go of Python's lock
            work = pool.map(lambda low: made.fill(store, indices, low), blocks)
            for done, _ in enumerate(work, 1):
                tick(done / len(blocks))
        return made

    def fill(self, store: Store, indices: NDArray[np.int64], low: int) -> None:
        """Measure one block of pictures."""
        for place in range(low, min(low + BLOCK, len(indices))):
            image = store.image(int(indices[place]))
            self.small[place] = shrink(image)
            self.spread[place] = image.max() - image.min()
            edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
            self.border[place] = edges.mean(axis=0)
            self.border_spread[place] = (edges.max(axis=0) - edges.min(axis=0)).max()

    @property
    def grey_mean(self) -> NDArray[np.float64]:
        """Mean brightness of each, 0 to 255, [m]."""
        return self.small.mean(axis=(1, 2))

    @property
    def grey_spread(self) -> NDArray[np.float64]:
        """Standard deviation of each one's brightness, [m]."""
        return self.small.std(axis=(1, 2))


def shrink(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey copy of SIDE x SIDE pixels, each the mean of what it stands for."""
    from PIL import Image

    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    # Shrunk first: turning all pixels grey takes longer than the rest together. With a filter that
    # overlaps a little, a picture and a smaller copy of it come out the same.
    small = picture.resize((SIDE, SIDE), Image.Resampling.HAMMING, reducing_gap=2.0)
    return np.asarray(small.convert("L"))
