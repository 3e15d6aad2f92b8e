"""Bringing data in: files or rows per second and the most memory, through the app's own errand."""

import argparse
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from tests.benchmarks.report import Table, publish
from tests.benchmarks.rooms import fresh_home

WORDS = [f"word{n}" for n in range(2000)]
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Case:
    """One import: what it is called, its format, how its file is made, and the goal."""

    title: str
    data_format: str
    make: Callable[[Path, int], Path]
    count: int
    goal: str = ""


def texts(count: int) -> Iterator[tuple[str, str]]:
    """Short texts, all of them different, with one of five labels."""
    rng = np.random.default_rng(0)
    for start in range(0, count, 10_000):
        chosen = rng.integers(0, len(WORDS), (min(10_000, count - start), 8))
        for number, row in enumerate(chosen.tolist(), start):
            yield f"{' '.join(WORDS[n] for n in row)} {number}", "abcde"[number % 5]


def csv_file(folder: Path, count: int) -> Path:
    path = folder / "texts.csv"
    with path.open("w") as file:
        file.write("text,label\n")
        file.writelines(f"{text},{label}\n" for text, label in texts(count))
    return path


def json_lines(folder: Path, count: int) -> Path:
    path = folder / "texts.jsonl"
    with path.open("w") as file:
        for text, label in texts(count):
            file.write(json.dumps({"text": text, "label": label}) + "\n")
    return path


def parquet_file(folder: Path, count: int) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "texts.parquet"
    columns = list(zip(*texts(count), strict=True))
    pq.write_table(pa.table({"text": columns[0], "label": columns[1]}), path)
    return path


def workbook(folder: Path, count: int) -> Path:
    from tests.backend.datasets.readers.samples import raw_workbook

    def cell(place: str, text: str) -> str:
        return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'

    rows = [f'<row r="1">{cell("A1", "text")}{cell("B1", "label")}</row>']
    rows += [
        f'<row r="{n}">{cell(f"A{n}", text)}{cell(f"B{n}", label)}</row>'
        for n, (text, label) in enumerate(texts(count), 2)
    ]
    return raw_workbook(folder / "texts.xlsx", {"Texts": "".join(rows)})


def ratings(folder: Path, count: int) -> Path:
    path = folder / "ratings.csv"
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write("userId,movieId,rating,timestamp\n")
        for _ in range(0, count, 10_000):
            found = rng.integers(0, (100_000, 20_000, 10, 10**9), (10_000, 4)).tolist()
            file.writelines(f"{u},{m},{r / 2 + 0.5},{t}\n" for u, m, r, t in found)
    return path


def small_pictures(folder: Path, count: int) -> Path:
    """PNG files of 28 x 28 grey pixels in ten folders, as MNIST comes."""
    from PIL import Image

    rng = np.random.default_rng(0)
    with zipfile.ZipFile(folder / "small.zip", "w") as archive:
        for number in range(count):
            pixels = (rng.integers(0, 256, (28, 28), np.uint8) // 64) * 64
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            archive.writestr(f"{number % 10}/{number}.png", buffer.getvalue())
    return folder / "small.zip"


def photographs(folder: Path, megabytes: int) -> Path:
    """JPEG files of 2000 x 1500 pixels in ten folders, so many megabytes in all."""
    from PIL import Image

    rng = np.random.default_rng(0)
    files = []
    for _ in range(20):
        coarse = rng.integers(0, 256, (150, 200, 3), np.uint8)
        large = Image.fromarray(coarse).resize((2000, 1500), Image.Resampling.BICUBIC)
        noise = rng.integers(-12, 12, (1500, 2000, 3))
        pixels = (np.asarray(large).astype(np.int16) + noise).clip(0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
        files.append(buffer.getvalue())
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        total = number = 0
        while total < megabytes * 1e6:
            data = files[number % len(files)] + str(number).encode()
            archive.writestr(f"{number % 10}/{number}.jpg", data)
            total, number = total + len(data), number + 1
    return folder / "photos.zip"


CASES = (
    Case("small PNG files in a zip", "image-class", small_pictures, 60_000, "3,000 a second"),
    Case("megabytes of JPEG files in a zip", "image-class", photographs, 1_000, "within 1 GB"),
    Case("short texts, CSV", "text-class", csv_file, 1_000_000, "60 s, within 1 GB"),
    Case("short texts, JSON Lines", "text-class", json_lines, 1_000_000, "60 s, within 1 GB"),
    Case("short texts, Parquet", "text-class", parquet_file, 1_000_000, "60 s, within 1 GB"),
    Case("short texts, Excel", "text-class", workbook, 1_000_000, "60 s, within 1 GB"),
    Case("ratings, CSV", "rating", ratings, 1_000_000, "60 s, within 1 GB"),
)  # fmt: skip


def bring_in(path: Path, data_format: str) -> tuple[float, float]:
    """Seconds from the start of the errand to its answer, and its most memory in megabytes."""
    from backend.datasets import errands
    from backend.datasets.incoming.choices import Choices
    from backend.datasets.incoming.given import give_path

    begun = time.perf_counter()
    given = give_path(path, path.name)
    errand = errands.start_import(given, data_format, Choices(), name=path.stem, task="")
    most = 0.0
    while (errand := errands.wait_for_errand(errand.id, LOOK_SECONDS)).is_running:
        most = max(most, _memory(errand.id))
    seconds = time.perf_counter() - begun
    errands.imported(errand)
    errands.end_errand(errand.id)
    return seconds, most


def _memory(errand_id: str) -> float:
    """Megabytes of all processes that work on an errand; mapped files cost nothing."""
    total = 0.0
    for process in psutil.process_iter(["cmdline"]):
        try:
            if errand_id in " ".join(process.info["cmdline"] or ()):
                info = process.memory_info()
                total += (info.rss - getattr(info, "shared", 0)) / 1e6
        except psutil.Error:
            continue
    return total


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="imports", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the number of examples")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    columns = ("what", "seconds", "a second", "most memory, MB", "goal")
    table = Table("imports", "Bringing data in", columns)
    for case in CASES:
        count = max(100, round(case.count * options.share))
        with tempfile.TemporaryDirectory(prefix="trainroom-import-") as folder, fresh_home():
            path = case.make(Path(folder), count)
            seconds, most = bring_in(path, case.data_format)
        rate = count / seconds
        cells = (f"{count:,} {case.title}", f"{seconds:.1f}", f"{rate:,.0f}", f"{most:,.0f}")
        table.add(*cells, case.goal)
        print(*table.rows[-1], file=sys.stderr, flush=True)
    table.notes.append(
        "Each through the errand that the page starts: two new processes, reading, writing to the "
        "disk with fsync, dividing into splits, publishing. Memory is that of all its processes, "
        "without mapped files; 1,024 MB is the limit at which it would have been ended."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
