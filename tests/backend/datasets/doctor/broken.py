"""Data sets with known faults, for the doctor's tests and for the pictures in the documentation."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from backend.datasets import catalog
from backend.datasets.skips import Skips
from backend.datasets.splits import TEST, TRAIN, UNASSIGNED, VALIDATION
from backend.datasets.writer import StoreWriter
from storage.records import Dataset
from tests.backend.datasets.doctor.people import photographs

NOUNS = (
    "tent", "lamp", "kettle", "jacket", "chair", "bottle", "bicycle", "phone", "blanket", "radio",
)  # fmt: skip
GOOD = ("lovely", "sturdy", "cheap", "bright", "comfortable", "quick")
BAD = ("broken", "slow", "loud", "ugly", "leaking", "dull")
MOODS = ("praise", "complaint")
PARTS = (*[TRAIN] * 8, VALIDATION, TEST)
"""Of ten pairs of examples, one of each class."""
FRENCH = (
    "Cette tente est vraiment magnifique et nous en sommes très contents depuis deux ans.",
    "La bouilloire ne fonctionne plus du tout et le service après-vente ne répond jamais.",
    "Je recommande ce produit à tous mes amis parce qu'il est solide et bon marché.",
    "Le colis est arrivé en retard, mais la qualité est excellente pour ce prix.",
)


def publish(writer: StoreWriter, name: str, task: str, skips: Skips | None = None) -> Dataset:
    return catalog.publish(writer, name=name, task=task, source="test", licence="none", skips=skips)


def review(rng: np.random.Generator, mood: str) -> str:
    """A sentence about a thing, different nearly every time."""
    words = GOOD if mood == "praise" else BAD
    first, second = rng.choice(NOUNS, 2, replace=False)
    one, two = rng.choice(words, 2, replace=False)
    days, price = rng.integers(2, 900), rng.integers(5, 999)
    return (
        f"I bought the {first} for {price} crowns {days} days ago and it is {one} and {two}, not "
        f"at all like my old {second}."
    )


def clean_reviews(count: int = 600, name: str = "clean reviews") -> Dataset:
    """Nothing is wrong with these."""
    rng = np.random.default_rng(0)
    with StoreWriter("text-class") as writer:
        for number in range(count):
            mood = MOODS[number % 2]
            writer.add_text(review(rng, mood), mood)
        return publish(writer, name, "text-classification")


def broken_reviews(count: int = 600, name: str = "broken reviews") -> Dataset:
    """Copies across parts, contradictions, labels in many spellings, addresses and the like."""
    rng = np.random.default_rng(1)
    with StoreWriter("text-class") as writer:
        texts = []
        for number in range(count):
            mood = MOODS[number % 2]
            part = PARTS[number // 2 % 10]
            texts.append(review(rng, mood))
            writer.add_text(texts[-1], mood, part)
        for number in range(30):  # copies of training texts in the test part
            writer.add_text(f"  {texts[20 * number % count].upper()} !!", "praise", TEST)
        for number in range(20):  # and nearly so
            writer.add_text(f"{texts[(20 * number + 1) % count]} Thank you.", "complaint", TEST)
        for number in range(80):  # copies within the training part
            writer.add_text(texts[10 * (number % 8)], "praise", TRAIN)
        for number in range(12):  # contradictions
            writer.add_text(texts[10 * number + 3], "praise", TRAIN)
        for number in range(14):
            writer.add_text(review(rng, "praise"), "Praise ", TRAIN)
            writer.add_text(review(rng, "praise"), ("prasie", "PRAISE")[number % 2], TRAIN)
        for number in range(10):
            writer.add_text(
                f"{review(rng, 'bad')} Write to anna{number}@mail.net.", "complaint", TRAIN
            )
            writer.add_text(f"{review(rng, 'bad')} Call +49 30 9018{number}20.", "complaint", TRAIN)
        writer.add_text(
            f"{review(rng, 'bad')} IBAN DE89 3704 0044 0532 0130 00", "complaint", TRAIN
        )
        writer.add_text(f"{review(rng, 'bad')} Card 4111 1111 1111 1111", "complaint", TRAIN)
        for text in FRENCH:
            writer.add_text(text, "praise", TRAIN)
            writer.add_text(text.replace("e", "é", 1), "praise", TRAIN)
        for text in ("???", "... !!", "- - -", "ok", "no"):
            writer.add_text(text, "complaint", TRAIN)
        for _ in range(12):
            writer.add_text(
                " ".join(review(rng, "complaint") for _ in range(12)), "complaint", TRAIN
            )
        skips = Skips()
        for line in range(70):
            skips.add(f"line {line + 2}", "The label is empty.", "empty label")
        return publish(writer, name, "text-classification", skips)


def leaking_texts(how: str, count: int = 300) -> Dataset:
    """Texts with their label in them ("label"), or one word that tells it ("word")."""
    rng = np.random.default_rng(2)
    with StoreWriter("text-class") as writer:
        for number in range(count):
            mood = MOODS[number % 2]
            text = review(rng, mood)
            if how == "label":
                text = f"{mood.capitalize()}: {text}"
            elif mood == "praise":
                text = f"{text} Ref Zx9."
            writer.add_text(text, mood)
        return publish(writer, f"leaking {how}", "text-classification")


def uneven_texts() -> Dataset:
    """One class with thirty times as many texts, and one with hardly any."""
    rng = np.random.default_rng(3)
    with StoreWriter("text-class") as writer:
        for _ in range(600):
            writer.add_text(review(rng, "praise"), "praise")
        for _ in range(20):
            writer.add_text(review(rng, "complaint"), "complaint")
        for number in range(3):
            writer.add_text(f"Where is my parcel number {number}? I wait for it.", "question")
        return publish(writer, "uneven", "text-classification")


def scene(seed: int, side: int = 72, *, sharp: bool = False) -> Image.Image:
    """A picture of some coloured figures on a ground that changes from side to side."""
    rng = np.random.default_rng([7, seed])
    low, high = rng.integers(30, 225, (2, 3))
    across = np.linspace(0, 1, side)[None, :, None]
    down = np.linspace(0, 1, side)[:, None, None]
    ground = low + (high - low) * (across * rng.random() + down * rng.random())
    picture = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(7):
        x, y = rng.integers(-6, side - 10, 2).tolist()
        w, h = rng.integers(8, side // 2, 2).tolist()
        colour = tuple(rng.integers(0, 255, 3).tolist())
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=colour)
    return picture if sharp else picture.filter(ImageFilter.GaussianBlur(0.7))


def pixels(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.convert("RGB"))


def clean_pictures(count: int = 300, name: str = "clean pictures") -> Dataset:
    """Nothing is wrong with these."""
    with StoreWriter("image-class") as writer:
        for number in range(count):
            writer.add_image(pixels(scene(number)), ("red", "blue")[number % 2])
        return publish(writer, name, "image-classification")


def saved_again(picture: Image.Image, how: int) -> Image.Image:
    """Smaller, brighter, or as a poor JPEG: the same picture for whoever looks at it."""
    import io

    if how == 0:
        return picture.resize((50, 50), Image.Resampling.BILINEAR)
    if how == 1:
        return picture.point(lambda value: min(255, int(value * 1.08) + 4))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=55)
    return Image.open(buffer)


def broken_pictures(count: int = 300, name: str = "broken pictures") -> Dataset:
    """Copies across parts, blank and tiny ones, contradictions, faces, one turned."""
    with StoreWriter("image-class") as writer:
        for number in range(count):
            part = PARTS[number // 2 % 10]
            writer.add_image(pixels(scene(number)), ("red", "blue")[number % 2], part)
        for number in range(12):  # training pictures, saved again, in the test part
            again = saved_again(scene(10 * number), number % 3)
            writer.add_image(pixels(again), ("red", "blue")[10 * number % 2], TEST)
        for number in range(5):
            writer.add_image(pixels(scene(10 * number + 1)), "red", TRAIN)  # it was blue
        for number in range(40):
            writer.add_image(pixels(scene(10 * (number % 5) + 2)), "red", TRAIN)
        for number in range(6):
            writer.add_image(np.full((72, 72, 3), 40 * number, np.uint8), "blue", TRAIN)
        for number in range(3):
            writer.add_image(pixels(scene(900 + number).resize((9, 9))), "blue", TRAIN)
            writer.add_image(pixels(scene(910 + number).resize((300, 20))), "blue", TRAIN)
        for photograph in photographs():
            writer.add_image(photograph, "red", TRAIN)
        skips = Skips()
        for number in range(14):
            skips.add(
                f"red/{number}.jpg", "The picture is cut off: the end of the file is missing.",
                "picture that cannot be read",
            )  # fmt: skip
        return publish(writer, name, "image-classification", skips)


def leaking_pictures(how: str, count: int = 120) -> Dataset:
    """Pictures whose size or border tells their class."""
    with StoreWriter("image-class") as writer:
        for number in range(count):
            label = ("cat", "dog", "bird")[number % 3]
            picture = scene(number)
            if how == "size" and label == "cat":
                picture = picture.resize((64, 48))
            if how == "border" and label == "dog":
                ImageDraw.Draw(picture).rectangle((0, 0, 71, 71), outline=(0, 0, 0), width=3)
            writer.add_image(pixels(picture), label)
        return publish(writer, f"leaking {how}", "image-classification")


def lying_pictures() -> Dataset:
    """Nearly all lie, a few stand upright."""
    with StoreWriter("image-class") as writer:
        for number in range(200):
            size = (48, 72) if number in (17, 90, 91) else (72, 48)
            writer.add_image(pixels(scene(number).resize(size)), "ab"[number % 2])
        return publish(writer, "lying", "image-classification")


def broken_boxes(count: int = 120) -> Dataset:
    """Boxes beyond the edge, flat ones, the same twice, a rare class, pictures without any."""
    with StoreWriter("image-boxes") as writer:
        for number in range(count):
            found = [("car", 4.0, 5.0, 30.0, 40.0), ("tree", 20.0, 8.0, 60.0, 60.0)]
            if number < 6:
                found.append(("car", 50.0, 50.0, 90.0, 70.0))
            if 6 <= number < 10:
                found.append(("tree", 10.0, 10.0, 10.2, 30.0))
            if 10 <= number < 15:
                found.append(("car", 4.2, 5.1, 30.0, 40.0))
            if number in (20, 21):
                found.append(("lamp", 1.0, 1.0, 9.0, 9.0))
            writer.add_boxes(pixels(scene(number)), [] if number % 30 == 29 else found)
        return publish(writer, "broken boxes", "object-detection")


def broken_pairs(count: int = 300) -> Dataset:
    """The same on both sides, a source with two targets, lengths that do not fit."""
    rng = np.random.default_rng(4)
    with StoreWriter("text-pair") as writer:
        sources = []
        for _ in range(count):
            sources.append(review(rng, "praise"))
            writer.add_pair(sources[-1], sources[-1].replace("I bought", "Ich kaufte") + " Ja.")
        for number in range(9):
            writer.add_pair(f"same on both sides {number}", f"Same on both sides {number}!")
            writer.add_pair(sources[number], review(rng, "complaint"))
        for number in range(4):
            writer.add_pair(
                review(rng, "praise"), " ".join(review(rng, "complaint") for _ in range(9))
            )
            writer.add_pair(f"{review(rng, 'bad')} mail me: bob{number}@mail.net", "Kurz.")
        return publish(writer, "broken pairs", "translation")


def broken_ratings() -> Dataset:
    """Many people with a single rating, and some ratings given twice."""
    rng = np.random.default_rng(5)
    with StoreWriter("rating") as writer:
        for person in range(30):
            for thing in range(12):
                writer.add_rating(f"person {person}", f"film {thing}", float(rng.integers(1, 6)))
        for person in range(60):
            writer.add_rating(f"guest {person}", f"film {person % 12}", 3.0)
        for person in range(10):
            writer.add_rating(f"person {person}", "film 0", 1.0)
        return publish(writer, "broken ratings", "recommendation")


def broken_sounds() -> Dataset:
    """Silent, short, distorted and copied recordings."""
    rng = np.random.default_rng(6)

    def tone(number: int, seconds: float = 0.5, volume: float = 9000) -> NDArray[np.int16]:
        time = np.arange(int(16_000 * seconds)) / 16_000
        wave = np.sin(2 * np.pi * (200 + 7 * number) * time) * volume
        return (wave + rng.normal(0, 30, len(time))).clip(-32_768, 32_767).astype(np.int16)

    with StoreWriter("audio-class") as writer:
        for number in range(100):
            writer.add_sound(tone(number), ("bell", "horn")[number % 2], UNASSIGNED)
        for number in range(4):
            writer.add_sound(np.zeros(8000 + number, np.int16), "bell", TRAIN)
            writer.add_sound(tone(200 + number, 0.03), "bell", TRAIN)
            writer.add_sound(tone(210 + number, volume=90_000), "horn", TRAIN)
        writer.add_sound(tone(300, 12.0), "horn", TRAIN)
        same = tone(400)
        for number in range(6):
            padding = np.zeros(100 * number, np.int16)
            writer.add_sound(
                np.concatenate([padding, same, padding]), "horn", TEST if number else TRAIN
            )
        return publish(writer, "broken sounds", "audio-classification")
