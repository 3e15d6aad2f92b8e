"""Tiny data sets of every kind, easy to learn; for the tests of tasks and models."""

import numpy as np
from numpy.typing import NDArray

from backend.datasets.writer import Box, StoreWriter
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
    writer = StoreWriter("text-class")
    for label, words in WORDS.items():
        for number in range(per_class):
            chosen = rng.choice(words.split(), rng.integers(2, 7))
            writer.add_text(f"{' '.join(chosen)} {number}", label)
    return _finish(writer, "text-classification")


NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def pair_dataset(count: int = 60) -> Dataset:
    """Amounts of things in words, and the same in digits."""
    rng = np.random.default_rng(0)
    writer = StoreWriter("text-pair")
    things = ["plums", "Äpfel", "雨", "balls"]
    for number in range(count):
        amount, thing = rng.integers(0, 10), things[rng.integers(0, 4)]
        where = f"in house {number}"
        writer.add_pair(f"There are {NUMBERS[amount]} {thing} {where}.", f"{amount} {thing}")
    return _finish(writer, "translation")


def plain_dataset(per_class: int = 20) -> Dataset:
    """Short texts without classes, some of several lines."""
    rng = np.random.default_rng(0)
    writer = StoreWriter("text")
    for words in WORDS.values():
        for number in range(per_class):
            chosen = rng.choice(words.split(), (2, 4))
            writer.add_text("\n".join(" ".join(line) for line in chosen) + f" {number}.")
    return _finish(writer, "text-generation")


def image_dataset(per_class: int = 20, side: int = 16, channels: int = 3) -> Dataset:
    """Three classes of pictures: dark, with one bright stripe on top, in the middle, below."""
    writer = StoreWriter("image-class")
    for position, label in enumerate(("top", "middle", "below")):
        for number in range(per_class):
            writer.add_image(picture(number, position, side, channels), label)
    return _finish(writer, "image-classification")


def boxes_dataset(count: int = 40, side: int = 48) -> Dataset:
    """Pictures with one or two bright things in each: tall bars and wide ones."""
    writer = StoreWriter("image-boxes")
    for number in range(count):
        writer.add_boxes(*things(number, side))
    return _finish(writer, "object-detection")


def things(seed: int, side: int = 48) -> tuple[NDArray[np.uint8], list[Box]]:
    """One picture, uint8 [side, side + 8, 3], and its boxes."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (side, side + 8, 3), dtype=np.uint8)
    boxes: list[Box] = []
    for place in range(1 + seed % 2):
        tall = bool(rng.integers(2))
        width, height = (10, 20) if tall else (20, 10)
        x = int(rng.integers(0, side // 2 - 20 + 1)) + place * (side // 2)
        y = int(rng.integers(0, side - height + 1))
        image[y : y + height, x : x + width] += 180
        boxes.append(("tall" if tall else "wide", x, y, x + width, y + height))
    return image, boxes


def picture(seed: int, position: int, side: int = 16, channels: int = 3) -> NDArray[np.uint8]:
    """One picture, uint8 [side, side, channels]."""
    rng = np.random.default_rng([seed, position])
    image = rng.integers(0, 60, (side, side, channels), dtype=np.uint8)
    top = 1 + position * (side - 2) // 3
    image[top : top + side // 4, 1:-1] += 180
    return image


def sound_dataset(per_class: int = 12, seconds: float = 0.4) -> Dataset:
    """Three classes of recordings: a low, a middle and a high note in noise."""
    writer = StoreWriter("audio-class")
    for hertz, label in ((250, "low"), (900, "middle"), (3000, "high")):
        for number in range(per_class):
            writer.add_sound(note(hertz, number, seconds), label)
    return _finish(writer, "audio-classification")


def note(hertz: float, seed: int = 0, seconds: float = 0.4) -> NDArray[np.int16]:
    """One note, int16 [n] at 16,000 samples a second, of another loudness for each seed."""
    rng = np.random.default_rng([seed, int(hertz)])
    time = np.arange(int(seconds * 16_000)) / 16_000
    wave = np.sin(2 * np.pi * hertz * rng.uniform(0.95, 1.05) * time)
    wave += 0.1 * rng.normal(size=len(time))
    return (wave * rng.uniform(2000, 12_000)).astype(np.int16)


def rating_dataset(people: int = 40) -> Dataset:
    """Two kinds of people and two kinds of things: each likes its own and not the other's."""
    rng = np.random.default_rng(0)
    writer = StoreWriter("rating")
    things = [f"{kind} {number}" for kind in ("Tea", "Café") for number in range(15)]
    for person in range(people):
        for thing in rng.permutation(30)[:20].tolist():
            likes = (thing < 15) == (person % 2 == 0)
            writer.add_rating(f"p{person}", things[thing], 5 if likes else 2)
    return _finish(writer, "recommendation")


SAMPLES = {
    "image-boxes": boxes_dataset,
    "image-class": image_dataset,
    "text": plain_dataset,
    "text-class": text_dataset,
    "text-pair": pair_dataset,
    "audio-class": sound_dataset,
    "rating": rating_dataset,
}
"""A tiny data set of each format that tasks learn from."""


def _finish(writer: StoreWriter, task: str) -> Dataset:
    contents, kind = writer.finish(), writer.format.name
    place = files.dataset_dir(f"tiny{kind.replace('-', '')}")
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
        format=writer.format.name,
    )
