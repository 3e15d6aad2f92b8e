"""Files to bring in, made in memory, and a check that a refusal keeps nothing."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import TrainroomError
from storage import datasets, files

BUNDLED = {"mnist", "digits", "languages", "topics", "shapes", "fashion-mnist"}


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
    assert {dataset.name for dataset in datasets.list_datasets()} <= BUNDLED
    assert {folder.name for folder in files.datasets_dir().iterdir()} <= {
        dataset.id for dataset in datasets.list_datasets()
    }


def everything_below_home(tmp_path: Path) -> set[str]:
    home = files.home().relative_to(tmp_path).as_posix()
    return {name for name in everything_below(tmp_path) if name.split("/")[0] == home}
