"""Strips that show what augmentation makes of a picture, by the very code that trains with it."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from backend.datasets.images import encode_png
from backend.datasets.store import Store
from backend.models.image_processing import ImageProcessor, ImageSplit

SIDE, GAP, LARGE_GAP = 96, 6, 24
"""Pixels of each picture in a strip, between two views, and behind the picture as it is."""


def strips(
    store: Store,
    processor: ImageProcessor,
    augmentation: str,
    count: int,
    views: int,
    *,
    mirror: bool,
    seed: int,
) -> list[bytes]:
    """PNG files of count training pictures, each followed by so many views of it."""
    if augmentation == "none":
        return []
    chosen = _varied(store, count)
    torch.manual_seed(seed)
    split = ImageSplit(store, processor, "train", augmentation, indices=chosen, mirror=mirror)
    plain = ImageSplit(store, processor, "train", indices=chosen)
    cpu = torch.device("cpu")
    found = []
    for number in range(len(chosen)):
        first = plain.batch(torch.tensor([number]), cpu)["images"]
        changed = split.batch(torch.full((views,), number), cpu)["images"]
        found.append(encode_png(_in_a_row(_as_bytes(torch.cat([first, changed]), processor))))
    return found


def _varied(store: Store, count: int) -> NDArray[np.int64]:
    """The first training pictures of so many classes."""
    train = store.indices("train")
    _, first = np.unique(store.labels[train], return_index=True)
    picked = np.sort(first[:count])
    return np.asarray(train[picked], dtype=np.int64)


def _as_bytes(images: torch.Tensor, processor: ImageProcessor) -> NDArray[np.uint8]:
    """Normalised floats [n, c, h, w] as they look, uint8 [n, h, w, c]."""
    mean, std = (torch.tensor(part).view(-1, 1, 1) for part in (processor.mean, processor.std))
    pixels = ((images * std + mean) * 255).round().clamp(0, 255).byte()
    return pixels.permute(0, 2, 3, 1).numpy()


def _in_a_row(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures [n, h, w, c] side by side, uint8 [SIDE, width, 4], see-through between them."""
    width = len(pictures) * (SIDE + GAP) - GAP + LARGE_GAP - GAP
    row = np.zeros((SIDE, width, 4), np.uint8)
    left = 0
    for number, picture in enumerate(pictures):
        grey = picture.shape[2] == 1
        image = Image.fromarray(picture[:, :, 0] if grey else picture).convert("RGBA")
        # Tiny pictures keep their pixels sharp, as everywhere in the app.
        way = Image.Resampling.NEAREST if len(picture) < SIDE else Image.Resampling.BILINEAR
        row[:, left : left + SIDE] = np.asarray(image.resize((SIDE, SIDE), way))
        left += SIDE + (GAP if number else LARGE_GAP)
    return row
