"""Downloads: offered as what they are, refused quickly without a network, fetched in a child."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend import datasets
from backend.datasets import downloads, fetch
from backend.datasets.bundled import BUNDLED
from backend.datasets.store import Store
from backend.errors import DownloadError, NotFoundError, UsageError
from storage import datasets as rows
from storage import files


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as the settings go; nothing is really reached."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(downloads, "_check_server", lambda recipe: None)


def nothing_kept(home: Path) -> bool:
    folder = home / "tmp"
    return rows.list_datasets() == [] and (not folder.exists() or list(folder.iterdir()) == [])


def test_offers_say_what_they_are() -> None:
    offers = datasets.list_downloads()
    assert {offer.task for offer in offers} == {"image-classification", "text-classification"}
    assert len({offer.name for offer in offers}) == len(offers)
    for offer in offers:
        assert offer.size_mb > 0
        assert offer.licence
        assert offer.source
        assert offer.title
        assert offer.description.endswith((".", "?"))


def test_switched_off(home: Path) -> None:
    with pytest.raises(DownloadError, match="switched off"):
        datasets.download_dataset("ag-news")
    assert nothing_kept(home)


def test_unknown(home: Path) -> None:
    with pytest.raises(NotFoundError, match="ag-news"):
        datasets.download_dataset("nothing")


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_without_network_it_says_so_at_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    recipes = tuple(replace(recipe, server=server) for recipe in downloads.RECIPES)
    monkeypatch.setattr(downloads, "RECIPES", recipes)
    start = time.perf_counter()
    with pytest.raises(DownloadError, match="cannot be reached"):
        datasets.download_dataset("fashion-mnist")
    assert time.perf_counter() - start < downloads.TIMEOUT
    assert nothing_kept(home)


def test_a_server_that_never_answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        recipes = tuple(replace(recipe, server=url) for recipe in downloads.RECIPES)
        monkeypatch.setattr(downloads, "RECIPES", recipes)
        with pytest.raises(DownloadError, match="cannot be reached"):
            datasets.download_dataset("kmnist")


def in_child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the child run this code instead of fetch.py; `folder` is where it answers."""
    start = "import json, pathlib, sys, time\nfolder = pathlib.Path(sys.argv[2])\n"
    monkeypatch.setattr(
        "backend.jobs.processes.module_command",
        lambda module, *rest: [sys.executable, "-c", start + code, *rest],
    )


def test_the_childs_error_is_passed_on(
    home: Path, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "(folder / 'answer.json').write_text(json.dumps({'error': 'No luck today.'}))"
    in_child(monkeypatch, code)
    with pytest.raises(DownloadError, match=r"No luck today\."):
        datasets.download_dataset("emotion")
    assert nothing_kept(home)


def test_a_child_that_crashes(home: Path, online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "raise SystemExit(9)")
    with pytest.raises(DownloadError, match="could not be downloaded"):
        datasets.download_dataset("emotion")
    assert nothing_kept(home)


def test_a_child_that_hangs_is_ended(
    home: Path, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_child(monkeypatch, "time.sleep(600)")
    monkeypatch.setattr(downloads, "SILENCE", 0.5)
    start = time.perf_counter()
    with pytest.raises(DownloadError, match="given up"):
        datasets.download_dataset("emotion")
    assert time.perf_counter() - start < 20
    assert nothing_kept(home)


def test_progress_is_passed_on(home: Path, online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "(folder / 'progress.json').write_text(json.dumps(['Storing example 7', 0.5]))\n"
        "time.sleep(1)\n"
        "(folder / 'answer.json').write_text(json.dumps({'error': 'The end.'}))"
    )
    in_child(monkeypatch, code)
    told: list[tuple[str, float]] = []
    with pytest.raises(DownloadError):
        datasets.download_dataset("emotion", lambda *state: told.append(state))
    assert ("Storing example 7", 0.5) in told


def test_a_name_that_is_here_already(
    home: Path, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "emotion", texts())
    fetch.fetch("emotion", lambda *_: None)
    with pytest.raises(UsageError, match="already"):
        datasets.download_dataset("emotion")


# ------------------------------------------------------------------------ in the child


def texts() -> Iterator[tuple[Any, str, int]]:
    for number in range(60):
        yield f"text {number}", ("joy", "fear")[number % 2], number % 3
    yield "  ", "joy", 0


def pictures() -> Iterator[tuple[Any, str, int]]:
    rng = np.random.default_rng(0)
    for number in range(40):
        yield Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)), "Bag", 255
        yield Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)), "Dress", 2 * (number < 9)


def answer(
    monkeypatch: pytest.MonkeyPatch, name: str, examples: Iterator[tuple[Any, str, int]]
) -> None:
    monkeypatch.setattr(fetch, "_open", lambda recipe: examples)


def test_texts_are_stored(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, "emotion", texts())
    fetch.main("emotion", tmp_path)
    dataset = datasets.get_dataset(json.loads((tmp_path / "answer.json").read_text())["id"])
    assert dataset.name == "emotion"
    assert not dataset.bundled
    assert dataset.splits == {"train": 20, "validation": 20, "test": 20}
    assert dataset.details["title"] == "Emotions"
    assert Store.open(dataset.id).text(3) == "text 3"


def test_a_download_of_a_bundled_set_takes_its_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "fashion-mnist", pictures())
    dataset = fetch.fetch("fashion-mnist", lambda *_: None)
    twin = next(item for item in BUNDLED if item.name == "fashion-mnist")
    assert (dataset.id, dataset.details["version"]) == (twin.id, twin.version)
    assert dataset.splits["test"] == 9
    monkeypatch.setattr("backend.datasets.bundled.BUNDLED", (twin,))
    assert [found.id for found in datasets.list_datasets()] == [twin.id]


def test_a_library_that_fails(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(recipe: downloads.Recipe) -> None:
        raise ConnectionError("Max retries exceeded with url: ...")

    monkeypatch.setattr(fetch, "_open", fail)
    fetch.main("emotion", tmp_path)
    sentence = json.loads((tmp_path / "answer.json").read_text())["error"]
    assert sentence.startswith("Emotions could not be downloaded (ConnectionError).")
    assert nothing_kept(home)


def test_the_hubs_library_is_optional(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DownloadError, match="`pip install datasets`"):
        fetch.fetch("imdb", lambda *_: None)


class HubPart(list[dict[str, Any]]):
    features: dict[str, Any]


def test_the_hubs_library_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def load_dataset(key: str, **options: Any) -> dict[str, HubPart]:
        asked.update(key=key, **options)
        parts = {}
        for part in ("train", "test"):
            parts[part] = HubPart({"text": f"{part} {n}", "label": n % 2} for n in range(30))
            parts[part].features = {"label": SimpleNamespace(names=["World", "Sports"])}
        return parts

    module = ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    dataset = fetch.fetch("ag-news", lambda *_: None)
    assert asked["key"] == "fancyzhx/ag_news"
    assert Path(asked["cache_dir"]).is_relative_to(files.home())
    assert dataset.classes == ["Sports", "World"]
    assert dataset.splits == {"train": 26, "validation": 4, "test": 30}


def test_torchvision_is_read(home: Path, tmp_path: Path) -> None:
    """Its own files, put where it looks before it downloads."""
    from torchvision import datasets as theirs

    from backend.datasets.fetch import _cache, _open

    recipe = downloads.get_recipe("kmnist")
    raw = _cache(recipe) / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("t10k", 10)):
        pixels = rng.integers(0, 256, (count, 28, 28), np.uint8)
        for name, values in (("images-idx3", pixels), ("labels-idx1", np.arange(count) % 10)):
            head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
            path = raw / f"{part}-{name}-ubyte"
            path.write_bytes(head + values.astype(np.uint8).tobytes())
    found = list(_open(recipe))
    assert len(found) == 30
    assert [split for _, _, split in found] == [255] * 20 + [2] * 10
    assert found[3][1] == theirs.KMNIST.classes[3]
    assert found[0][0].size == (28, 28)
