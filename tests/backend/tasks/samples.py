"""Tiny data sets of either kind, easy to learn; for the tests of tasks and models."""

import numpy as np
from numpy.typing import NDArray

from backend.datasets.store import Kind, StoreWriter
from storage import files
from storage.records import Dataset

WORDS = {
    "fruit": "apple pear plum cherry grape melon",
    "Wetter 天気": "rain snow wind 雨 sunny 雪",
    "sport": "goal team ball win match serve",
}


def text_dataset(per_class: int = 20) -> Dataset:
    """Three classes of short texts; the words tell them apart."""
    rng = np.random.default_rng(0)
    writer = StoreWriter("text")
    for label, words in WORDS.items():
        for number in range(per_class):
            chosen = rng.choice(words.split(), rng.integers(2, 7))
            writer.add_text(f"{' '.join(chosen)} {number}", label)
    return _finish(writer, "text", "text-classification")


def image_dataset(per_class: int = 20, side: int = 16, channels: int = 3) -> Dataset:
    """Three classes of pictures: dark, with one bright stripe on top, in the middle, below."""
    writer = StoreWriter("image")
    for position, label in enumerate(("top", "middle", "below")):
        for number in range(per_class):
            writer.add_image(picture(number, position, side, channels), label)
    return _finish(writer, "image", "image-classification")


def picture(seed: int, position: int, side: int = 16, channels: int = 3) -> NDArray[np.uint8]:
    """One picture, uint8 [side, side, channels]."""
    rng = np.random.default_rng([seed, position])
    image = rng.integers(0, 60, (side, side, channels), dtype=np.uint8)
    top = 1 + position * (side - 2) // 3
    image[top : top + side // 4, 1:-1] += 180
    return image


def _finish(writer: StoreWriter, kind: Kind, task: str) -> Dataset:
    contents = writer.finish()
    place = files.dataset_dir(f"tiny{kind}")
    place.parent.mkdir(parents=True, exist_ok=True)
    writer.folder.rename(place)
    return Dataset(
        id=place.name,
        name=f"tiny {kind}",
        task=task,
        rows=contents.rows,
        classes=contents.classes,
        splits=contents.splits,
        source="made by a test",
        licence="none",
        bundled=False,
        bytes=contents.bytes,
        created_at=0.0,
        details=contents.details,
    )
