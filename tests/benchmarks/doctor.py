"""How long each check of the data doctor takes on 1,000,000 short texts and on 50,000 pictures."""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.report import Table, publish

TEXTS, PICTURES, SIDE = 1_000_000, 50_000, 64
WORDS = 30_000
COPIES = 100
"""One of so many examples is a copy of another one, or nearly."""


def texts(count: int) -> Any:
    """Sentences of 6 to 18 words, as often as words are in languages (Zipf), in five classes."""
    from backend.datasets import catalog
    from backend.datasets.writer import StoreWriter

    rng = np.random.default_rng(0)
    letters = rng.integers(97, 123, (WORDS, 8)).astype(np.uint8)
    words = [bytes(row[: 2 + row[0] % 7]).decode() for row in letters]
    kept: list[str] = []
    with StoreWriter("text-class") as writer:
        for number in range(count):
            if number % COPIES == 0 and len(kept) > 50:
                text = kept[number // COPIES % 50] + (" again" if number % 2 else "")
            else:
                ranks = (rng.zipf(1.3, int(rng.integers(6, 19))) - 1) % WORDS
                text = " ".join([words[rank] for rank in ranks.tolist()])
            if len(kept) < 5000:
                kept.append(text)
            writer.add_text(text, f"class {number % 5}")
        return catalog.publish(
            writer, name="many texts", task="text-classification", source="made", licence="none"
        )


def pictures(count: int, side: int) -> Any:
    """Smooth random pictures in ten classes, some of them copies that were made brighter."""
    from PIL import Image

    from backend.datasets import catalog
    from backend.datasets.writer import StoreWriter

    rng = np.random.default_rng(0)
    with StoreWriter("image-class") as writer:
        before = np.zeros((side, side, 3), np.uint8)
        for number in range(count):
            if number % COPIES:
                coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
                before = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
                writer.add_image(before, str(number % 10))
            else:
                writer.add_image(before // 2 + 90, str(number % 10))
        return catalog.publish(
            writer, name="many pictures", task="image-classification", source="made", licence="none"
        )


def measure(make: Callable[[], Any], count: int) -> Table:
    """Every check on one data set, in the order in which the doctor runs them."""
    from backend.datasets.doctor.registry import list_checks
    from backend.datasets.doctor.subject import Subject

    dataset = make()
    subject = Subject(dataset)
    what = f"{count:,} {subject.unit}s"
    table = Table(
        f"doctor-{subject.store.kind}",
        f"The data doctor on {what}",
        ("step", "seconds", "of processor time"),
    )
    steps: list[tuple[str, Callable[[], object]]] = []
    if subject.store.kind == "text":
        steps += [("(words as hashes)", lambda: subject.texts.words)]
    else:
        steps += [("(each picture measured)", lambda: subject.pictures)]
    steps += [("(near copies)", lambda: subject.groups)]
    for check in list_checks():
        if check.fits(subject):
            steps.append((check.name, lambda check=check: list(check.look(subject))))  # type: ignore[misc]
    total = [0.0, 0.0]
    for name, step in steps:
        wall, cpu = time.monotonic(), time.process_time()
        step()
        spent = (time.monotonic() - wall, time.process_time() - cpu)
        total = [total[0] + spent[0], total[1] + spent[1]]
        table.add(name, f"{spent[0]:.1f}", f"{spent[1]:.1f}")
        print(f"{name}: {spent[0]:.1f} s", flush=True)
    table.add("all", f"{total[0]:.1f}", f"{total[1]:.1f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table.notes.append(
        f"{dataset.bytes / 1e6:,.0f} MB of data; at most {memory:.1f} GB of memory in use. "
        "Languages and faces are told on samples. What stands in brackets is made once for all."
    )
    return table


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="doctor", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--small", action="store_true", help="a hundredth of it")
    options = parser.parse_args(arguments)
    part = 100 if options.small else 1
    with tempfile.TemporaryDirectory(prefix="trainroom-doctor-") as folder:
        os.environ["TRAINROOM_HOME"] = str(Path(folder) / "home")
        for make, count in (
            (lambda: pictures(PICTURES // part, SIDE), PICTURES // part),
            (lambda: texts(TEXTS // part), TEXTS // part),
        ):
            publish(measure(make, count), keep=options.keep)
