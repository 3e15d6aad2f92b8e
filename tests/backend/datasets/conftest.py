"""Files to bring in, made in memory, and a check that a refusal keeps nothing."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.datasets.bundled.build import reserved_names
from backend.datasets.formats import get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.imports import Origin, bring_in, check_path
from backend.datasets.incoming.look import Look, look_at
from backend.datasets.incoming.opening import open_path
from backend.datasets.skips import Skips, shown
from backend.datasets.store import Store
from backend.errors import TrainroomError
from storage import datasets, files
from storage.records import Dataset


def picture(seed: int = 0, size: tuple[int, int] = (9, 7), kind: str = "PNG") -> bytes:
    """A small picture of noise, different for each seed; size is width, height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def class_members(count: int = 12, classes: tuple[str, ...] = ("cat", "dog")) -> dict[str, bytes]:
    """Members of a good archive: `count` pictures in the folder of each class."""
    return {
        f"{name}/{number}.png": picture(100 * place + number)
        for place, name in enumerate(classes)
        for number in range(count)
    }


def write_zip(path: Path, members: dict[str, bytes], mode: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", mode) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def everything_below(folder: Path) -> set[str]:
    return {entry.relative_to(folder).as_posix() for entry in folder.rglob("*")}


@contextmanager
def refused(tmp_path: Path, *words: str) -> Iterator[None]:
    """Expect a refusal whose sentence holds all words; nothing may be kept or written outside."""
    before = everything_below(tmp_path) - everything_below_home(tmp_path)
    with pytest.raises(TrainroomError) as caught:
        yield
    sentence = str(caught.value)
    for word in words:
        assert word in sentence
    assert sentence.endswith((".", ")"))
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert len(sentence) < 500
    assert everything_below(tmp_path) - everything_below_home(tmp_path) == before
    assert list((files.home() / "tmp").glob("*")) == []
    assert {dataset.name for dataset in datasets.list_datasets()} <= reserved_names()
    assert {folder.name for folder in files.datasets_dir().iterdir()} <= {
        dataset.id for dataset in datasets.list_datasets()
    }


def everything_below_home(tmp_path: Path) -> set[str]:
    home = files.home().relative_to(tmp_path).as_posix()
    return {name for name in everything_below(tmp_path) if name.split("/")[0] == home}


# ------------------------------------------------------------------------ any format


def bring(path: Path, data_format: str, name: str = "mine", **choices: Any) -> Dataset:
    """Bring something in as any format, also as one that no task learns from yet."""
    skips = Skips()
    title = shown(path.name)
    check_path(path, title)
    with open_path(path, title, skips) as source:
        return bring_in(
            source, get_format(data_format), Choices(**choices), skips,
            name=name, task="", origin=Origin(title),
        )  # fmt: skip


def look(path: Path, data_format: str, folder: Path, **choices: Any) -> Look:
    """What is understood of something before it is brought in; examples lie in the folder."""
    skips = Skips()
    folder.mkdir(exist_ok=True)
    with open_path(path, shown(path.name), skips) as source:
        return look_at(source, get_format(data_format), Choices(**choices), skips, folder)


def write_files(folder: Path, members: dict[str, bytes]) -> Path:
    """The same members as write_zip takes, as a folder on disk."""
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def reasons(dataset: Dataset) -> dict[str, str]:
    """Why each thing was left out, by where it stood."""
    return {entry["where"]: entry["reason"] for entry in dataset.skipped}


def texts(dataset: Dataset) -> list[str]:
    store = Store.open(dataset.id)
    return [store.text(index) for index in range(len(store))]


def by_split(dataset: Dataset) -> dict[str, int]:
    """How many examples the splits have, without the empty ones."""
    return {name: count for name, count in dataset.splits.items() if count}
