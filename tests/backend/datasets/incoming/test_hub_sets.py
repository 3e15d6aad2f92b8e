"""Data sets of the Hub, fetched from a stand-in through the real library, in a real errand."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backend import datasets
from backend.datasets import errands
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.hub_sets import HubFile, HubOffer, check_hub_id, choose_files
from backend.datasets.store import Store
from backend.errors import DataError, DownloadError, UsageError
from backend.jobs.errands import Errand
from tests.backend.datasets.conftest import picture
from tests.backend.datasets.incoming.hub_server import HubSet, hub
from tests.backend.jobs.conftest import jobs_home, processes_of, wait_for

__all__ = ["jobs_home"]


def parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def reviews(part: str, count: int) -> bytes:
    return parquet({
        "text": [f"{part} review {n}" for n in range(count)],
        "label": [("bad", "good")[n % 2] for n in range(count)],
    })  # fmt: skip


REVIEWS = {
    "default/train/0000.parquet": reviews("train", 40),
    "default/test/0000.parquet": reviews("test", 10),
}
SETS = {
    "ann/reviews": HubSet(REVIEWS, card={"license": "cc-by-4.0", "pretty_name": "Reviews"}),
    "ann/shards": HubSet(
        {"data/train-00000-of-00002.parquet": reviews("a", 20),
         "data/train-00001-of-00002.parquet": reviews("b", 20), "README.md": b"x"},
        revision="main",
    ),
    "ann/nothing": HubSet({"data.csv": b"x"}, revision="main"),
    "ann/closed": HubSet({}, gated=True),
    "ann/slow": HubSet(REVIEWS, hangs=True),
    "ann/pictures": HubSet({
        "plain/train/0000.parquet": parquet({
            "image": [{"bytes": picture(n), "path": "x"} for n in range(20)],
            "label": [n % 2 for n in range(20)],
        }),
        "other/train/0000.parquet": reviews("x", 5),
    }),
}  # fmt: skip


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with hub(SETS) as found:
        yield found


@pytest.fixture
def online(jobs_home: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose errands reach the stand-in, and nothing else."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_HOME", str(jobs_home / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    return jobs_home


def ended(errand: Errand) -> Errand:
    errand = errands.wait_for_errand(errand.id, 120)
    assert not errand.is_running
    return errand


def offer(hub_id: str) -> HubOffer:
    return errands.hub_offer(ended(errands.start_hub_offer(hub_id)))


def test_what_is_offered(online: Path) -> None:
    found = offer("https://huggingface.co/datasets/ann/reviews/")
    assert (found.id, found.title, found.licence) == ("ann/reviews", "Reviews", "cc-by-4.0")
    assert found.downloads == 12_345
    assert {(file.config, file.split) for file in found.files} == {
        ("default", "train"),
        ("default", "test"),
    }
    assert found.configs == {"default": sum(map(len, REVIEWS.values()))}


def test_from_the_offer_to_the_data_set(online: Path) -> None:
    errand = ended(errands.start_hub_download(offer("ann/reviews"), "default", 100))
    given = errands.hub_given(errand)
    errands.end_errand(errand.id)
    assert [file.name for file in given.files] == ["test/0.parquet", "train/1.parquet"]
    look = errands.look_result(ended(errands.start_look(given, "text-class", Choices())))
    assert (look.count, look.split_by) == (50, "the names of the tables")
    assert look.table["roles"] == {"text": "text", "label": "label"}
    made = ended(errands.start_import(
        given, "text-class", Choices(), name="reviews", task="text-classification"
    ))  # fmt: skip
    dataset = errands.imported(made)
    assert dataset.splits == {"train": 36, "validation": 4, "test": 10}
    assert (dataset.source, dataset.licence) == ("Hub: ann/reviews", "cc-by-4.0")
    assert "Downloaded" in dataset.details["source_note"]


def test_a_set_that_was_not_converted(online: Path) -> None:
    found = offer("ann/shards")
    assert found.revision == "a" * 40
    assert [file.split for file in found.files] == ["train", "train"]
    given = errands.hub_given(ended(errands.start_hub_download(found, "default", 100)))
    assert len(given.files) == 2


def test_pictures_and_parts(online: Path) -> None:
    found = offer("ann/pictures")
    assert set(found.configs) == {"plain", "other"}
    given = errands.hub_given(ended(errands.start_hub_download(found, "plain", 100)))
    assert given.title == "ann/pictures (plain)"
    made = ended(errands.start_import(
        given, "image-class", Choices(), name="pics", task="image-classification"
    ))  # fmt: skip
    dataset = errands.imported(made)
    assert (dataset.rows, dataset.classes) == (20, ["0", "1"])
    assert len(Store.open(dataset.id)) == 20


@pytest.mark.parametrize(
    ("hub_id", "words"),
    [
        ("ann/unknown", "no public data set called ann/unknown"),
        ("ann/closed", "accepted its terms"),
        ("ann/nothing", "no Parquet files"),
    ],
)
def test_what_cannot_be_had(online: Path, hub_id: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        offer(hub_id)


def test_without_internet(jobs_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadError, match="switched off"):
        errands.start_hub_offer("ann/reviews")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(DataError, match=r"cannot be reached\. Connect this computer"):
        offer("ann/reviews")
    assert time.monotonic() - start < 60


def test_ending_a_download_leaves_nothing(online: Path) -> None:
    errand = errands.start_hub_download(offer("ann/slow"), "default", 100)
    wait_for(lambda: "Downloading" in errands.find_errand(errand.id).words)
    errands.end_errand(errand.id)
    for left in (online / "tmp").iterdir():
        errands.end_errand(left.name)  # the offers
    assert list((online / "tmp").iterdir()) == []
    wait_for(lambda: not processes_of(online))
    assert all(one.bundled for one in datasets.list_datasets())


def test_the_size_is_limited(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = HubOffer("a/b", "", "", 0, "main", [
        HubFile(f"c/{split}/{n}.parquet", 40_000_000, "c", split)
        for split in ("test", "train") for n in range(3)
    ])  # fmt: skip
    assert len(choose_files(found, "c", 1000)) == 6
    assert [file.path for file in choose_files(found, "c", 130)] == [
        "c/test/0.parquet",
        "c/train/0.parquet",
        "c/test/1.parquet",
    ]
    assert {file.split for file in choose_files(found, "c", 1)} == {"test", "train"}
    with pytest.raises(UsageError, match="no part"):
        choose_files(found, "d", 10)
    monkeypatch.setenv("TRAINROOM_MAX_UPLOAD_MB", "50")
    with pytest.raises(DownloadError, match="at most 50 MB"):
        choose_files(found, "c", 1000)


@pytest.mark.parametrize(
    "text", ["", "a b", "../x", "a/b/c", "http://evil.org/a/b", "a--b/c", "a/.."]
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="looks like stanfordnlp/imdb"):
        check_hub_id(text)


def test_names_as_people_paste_them() -> None:
    for text in (
        "ann/x",
        " ann/x ",
        "https://huggingface.co/datasets/ann/x",
        "hf.co/datasets/ann/x/",
    ):
        assert check_hub_id(text) == "ann/x"
    assert check_hub_id("squad") == "squad"
