"""R6: a damaged checkpoint is never loaded; the one before it is, and the user is told."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.training import checkpoints
from backend.training.config import TrainingConfig
from backend.training.loop import fit
from tests.backend.training.toy import DATASET, SPEC, Notes, ToyTask

CONFIG = TrainingConfig(epochs=3, batch_size=16, device="cpu")
STEPS_PER_EPOCH = 13
FILES = (checkpoints.MODEL, checkpoints.STATE, "processor.json", checkpoints.MANIFEST)


class Listener(Notes):
    """A Monitor that also keeps the sentences."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__(stop_at)
        self.sentences: list[tuple[str, str]] = []

    def event(self, kind: str, message: str) -> None:
        self.sentences.append((kind, message))

    def before_save(self) -> None:
        """Nobody else takes this run over."""


def train(folder: Path, monitor: Listener, resume: bool = False) -> None:
    fit(
        ToyTask(), SPEC, DATASET, CONFIG,
        device="cpu", folder=folder, monitor=monitor, resume=resume,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints that a real training leaves which was stopped in its third epoch."""
    folder = tmp_path_factory.mktemp("trained") / "checkpoints"
    train(folder, Listener(stop_at=2 * STEPS_PER_EPOCH + 3))
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "checkpoints"))


def newest(folder: Path) -> list[Path]:
    """The checkpoints, the newest first."""
    return sorted(folder.glob("step-*"), reverse=True)


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.Random(6).randrange(1, len(data))])


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    place = random.Random(6).randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": truncate,
    "one bit": flip_bit,
    "deleted": lambda path: path.unlink(),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "emptied": lambda path: path.write_bytes(b""),
}


def test_the_files_are_all_there_is(trained: Path) -> None:
    assert {path.name for path in newest(trained)[0].rglob("*")} == set(FILES)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_the_one_before_is_used_and_the_user_is_told(folder: Path, name: str, damage: str) -> None:
    last, before = newest(folder)[:2]
    DAMAGE[damage](last / name)
    found = checkpoints.load_checkpoint(folder, "last")
    assert found.path == before
    assert last.name in found.skipped[0]
    # The same through a training that goes on: from the copy before, to its end.
    monitor = Listener()
    train(folder, monitor, resume=True)
    kind, sentence = monitor.sentences[0]
    assert kind == "checkpoint_skipped"
    assert last.name in sentence
    assert min(monitor.series("train/loss")) == found.step + 1
    assert checkpoints.load_checkpoint(folder, "last").step == CONFIG.epochs * STEPS_PER_EPOCH


def test_no_bit_of_the_list_of_contents_counts_for_nothing(folder: Path) -> None:
    """Each bit of the manifest flipped in turn: found out, or without any effect."""
    last = newest(folder)[0]
    manifest = last / checkpoints.MANIFEST
    whole = manifest.read_bytes()
    expected = json.loads(whole)
    unseen = []
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        manifest.write_bytes(data)
        try:
            found = checkpoints.load_checkpoint(folder, "last")
        except Exception as error:
            unseen.append(f"byte {place // 8}: {error!r}")
            continue
        same = (found.step, found.epoch, found.metrics) == (
            expected["step"], expected["epoch"], expected["metrics"],
        )  # fmt: skip
        if found.path == last and not same:
            unseen.append(f"byte {place // 8}: {found.step}, {found.epoch}, {found.metrics}")
    print(f"R6: {len(unseen)} of {8 * len(whole)} flipped bits of the manifest went unseen")
    assert not unseen, unseen[:5]


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_the_note_on_the_best_a_sound_one_is_used(folder: Path, damage: str) -> None:
    DAMAGE[damage](folder / checkpoints.BEST)
    found = checkpoints.load_checkpoint(folder, "best")
    assert found.path in newest(folder)
