"""Downloads: offered as what they are, refused quickly without a network, fetched in a child."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backend import datasets
from backend.datasets import downloads, errands, fetch
from backend.datasets.bundled.build import BUNDLED
from backend.datasets.incoming import hub_sets
from backend.datasets.store import Store
from backend.errors import DataError, DownloadError, NotFoundError, UsageError
from storage import datasets as rows
from tests.backend.datasets.conftest import picture
from tests.backend.jobs.conftest import jobs_home, wait_for

__all__ = ["jobs_home"]


def nothing_kept(home: Path) -> bool:
    folder = home / "tmp"
    return rows.list_datasets() == [] and (not folder.exists() or list(folder.iterdir()) == [])


def quiet(words: str, share: float) -> None:
    """Somebody who does not listen."""


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
        datasets.start_download("ag-news")
    assert nothing_kept(home)


def test_unknown(home: Path) -> None:
    with pytest.raises(NotFoundError, match="ag-news"):
        datasets.start_download("nothing")


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_without_network_it_says_so_at_once(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    recipes = tuple(replace(recipe, server=server) for recipe in downloads.RECIPES)
    monkeypatch.setattr(downloads, "RECIPES", recipes)
    start = time.perf_counter()
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch.fetch("fashion-mnist", tmp_path, quiet)
    assert time.perf_counter() - start < downloads.TIMEOUT
    assert nothing_kept(home)


def test_a_server_that_never_answers(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT", 0.3)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        recipes = tuple(replace(recipe, server=url) for recipe in downloads.RECIPES)
        monkeypatch.setattr(downloads, "RECIPES", recipes)
        with pytest.raises(DownloadError, match="cannot be reached"):
            fetch.fetch("kmnist", tmp_path, quiet)


def test_a_download_goes_on_in_the_background(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the real errand, as far as a computer without internet gets."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    first = datasets.start_download("kmnist")
    again = datasets.start_download("kmnist")
    assert again.id == first.id or not again.is_running
    errand = errands.wait_for_errand(first.id, 120)
    assert errand.state == "failed"
    with pytest.raises(DataError, match="cannot be reached"):
        errands.imported(errand)
    assert all(one.bundled for one in rows.list_datasets())


def test_growth_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_sets, "LOOK_SECONDS", 0.01)
    told: list[tuple[str, float]] = []
    with hub_sets.told_of_growth(tmp_path, 10, lambda *state: told.append(state)):
        (tmp_path / "part").write_bytes(bytes(5_000_000))
        wait_for(lambda: told and told[-1][1] >= 0.5)
    assert told[-1] == ("Downloading, 5 MB so far", 0.5)


def test_a_name_that_is_here_already(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, texts())
    fetch.fetch("emotion", tmp_path, quiet)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(UsageError, match="already"):
        datasets.start_download("emotion")


# ------------------------------------------------------------------------ in the child


def texts() -> Iterator[tuple[Any, str, int]]:
    for number in range(60):
        yield f"text {number}", ("joy", "fear")[number % 2], number % 3
    yield "  ", "joy", 0


def pictures() -> Iterator[tuple[Any, str, int]]:
    rng = np.random.default_rng(0)
    for number in range(40):
        yield rng.integers(0, 256, (28, 28, 1), np.uint8), "Bag", 255
        yield rng.integers(0, 256, (28, 28, 1), np.uint8), "Dress", 2 * (number < 9)


def answer(monkeypatch: pytest.MonkeyPatch, examples: Iterator[tuple[Any, str, int]]) -> None:
    """Let the libraries give these examples, without asking for a server."""
    monkeypatch.setattr(fetch, "check_server", lambda recipe: None)
    monkeypatch.setattr(fetch, "open_examples", lambda *_: examples)


def test_texts_are_stored(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, texts())
    found = fetch.fetch_errand({"name": "emotion"}, tmp_path, quiet)
    dataset = datasets.get_dataset(found["dataset"])
    assert dataset.name == "emotion"
    assert not dataset.bundled
    assert dataset.splits == {"train": 20, "validation": 20, "test": 20}
    assert dataset.details["title"] == "Emotions"
    assert Store.open(dataset.id).text(3) == "text 3"


def test_a_download_of_a_bundled_set_takes_its_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, pictures())
    dataset = fetch.fetch("fashion-mnist", tmp_path, quiet)
    twin = next(item for item in BUNDLED if item.name == "fashion-mnist")
    assert (dataset.id, dataset.details["version"]) == (twin.id, twin.version)
    assert dataset.splits["test"] == 9
    monkeypatch.setattr("backend.datasets.bundled.build.BUNDLED", (twin,))
    assert [found.id for found in datasets.list_datasets()] == [twin.id]


def test_a_library_that_fails(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("Max retries exceeded with url: ...")

    monkeypatch.setattr(fetch, "check_server", lambda recipe: None)
    monkeypatch.setattr(fetch, "open_examples", fail)
    with pytest.raises(DownloadError, match=r"Emotions could not be downloaded \(ConnectionError"):
        fetch.fetch("emotion", tmp_path, quiet)
    assert nothing_kept(home)


def parquet(path: Path, columns: dict[str, Any], names: list[str] | None = None) -> Path:
    table = pa.table(columns)
    if names:
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        record = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": record})
    pq.write_table(table, path)
    return path


def hub_has(monkeypatch: pytest.MonkeyPatch, key: str, config: str, files: dict[str, Path]) -> None:
    """Let the Hub have these files of a set, by split."""
    listed = [hub_sets.HubFile(split, 1, config, split) for split in [*files, "unsupervised"]]
    found = hub_sets.HubOffer(key, key, "", 0, "main", listed)

    def fetch_files(offer: Any, chosen: list[hub_sets.HubFile], *_: Any) -> Iterator[Any]:
        assert offer.id == key
        for file in chosen:
            yield file, files[file.split]

    monkeypatch.setattr(hub_sets, "ask_hub", lambda name: found)
    monkeypatch.setattr(hub_sets, "fetch_files", fetch_files)
    monkeypatch.setattr(fetch, "check_server", lambda recipe: None)


def test_texts_of_the_hub(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        part: parquet(
            tmp_path / f"{part}.parquet",
            {"text": [f"{part} {n}" for n in range(30)], "label": [n % 2 for n in range(30)]},
            ["World", "Sports"],
        )
        for part in ("train", "test")
    }
    hub_has(monkeypatch, "fancyzhx/ag_news", "default", files)
    dataset = fetch.fetch("ag-news", tmp_path, quiet)
    assert dataset.classes == ["Sports", "World"]
    assert dataset.splits == {"train": 26, "validation": 4, "test": 30}
    # The recipe's own names win over those of the Hub.
    hub_has(monkeypatch, "stanfordnlp/imdb", "plain_text", files)
    assert fetch.fetch("imdb", tmp_path, quiet).classes == ["negative", "positive"]


def test_pictures_of_the_hub(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [{"bytes": picture(n, (32, 32)), "path": "x"} for n in range(40)]
    files = {
        part: parquet(
            tmp_path / f"{part}.parquet",
            {"img": images[20 * place :][:20], "label": [n % 2 for n in range(20)]},
            ["plane", "car"],
        )
        for place, part in enumerate(("train", "test"))
    }
    hub_has(monkeypatch, "uoft-cs/cifar10", "plain_text", files)
    dataset = fetch.fetch("cifar10", tmp_path, quiet)
    assert (dataset.rows, dataset.classes) == (40, ["car", "plane"])
    assert Store.open(dataset.id).image(0).shape == (32, 32, 3)


def test_torchvision_is_read(home: Path, tmp_path: Path) -> None:
    """Its own files, put where it looks before it downloads."""
    from torchvision import datasets as theirs

    recipe = downloads.get_recipe("kmnist")
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("t10k", 10)):
        pixels = rng.integers(0, 256, (count, 28, 28), np.uint8)
        for name, values in (("images-idx3", pixels), ("labels-idx1", np.arange(count) % 10)):
            head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
            path = raw / f"{part}-{name}-ubyte"
            path.write_bytes(head + values.astype(np.uint8).tobytes())
    found = list(fetch.open_examples(recipe, tmp_path, quiet))
    assert len(found) == 30
    assert [split for _, _, split in found] == [255] * 20 + [2] * 10
    assert found[3][1] == theirs.KMNIST.classes[3]
    assert found[0][0].shape == (28, 28, 1)
