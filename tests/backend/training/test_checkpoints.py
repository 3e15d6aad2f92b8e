"""Checkpoints are whole or not there; a damaged one is never loaded; old ones go."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from backend.errors import CheckpointError
from backend.training import checkpoints


def write(folder: Path, step: int, *, best: bool = False, size: int = 3) -> None:
    torch.manual_seed(step)
    checkpoints.save_checkpoint(
        folder,
        nn.Linear(size, 2),
        lambda part: (part / "processor.json").write_text("{}"),
        {"progress": {"step": step}},
        step=step,
        epoch=step / 10,
        metrics={"val/loss": 1.0 / step},
        is_best=best,
    )


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "one bit": flip_bit,
    "deleted": lambda path: path.unlink(),
    "zeroed": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "name", [checkpoints.MODEL, checkpoints.STATE, "processor.json", checkpoints.MANIFEST]
)
def test_damaged_checkpoint_is_passed_over(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2, best=True)
    path = tmp_path / "step-00000002" / name
    if name == checkpoints.MANIFEST and damage == "one bit":
        content = json.loads(path.read_text())
        content["files"][checkpoints.MODEL] = "0" * 64
        path.write_text(json.dumps(content))
    else:
        DAMAGE[damage](path)
    for which in ("best", "last"):
        found = checkpoints.load_checkpoint(tmp_path, which)
        assert found.step == 1
        assert "step-00000002" in found.skipped[0]


def test_all_damaged_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    write(tmp_path, 1)
    flip_bit(tmp_path / "step-00000001" / checkpoints.MODEL)
    with pytest.raises(CheckpointError, match="No saved copy"):
        checkpoints.load_checkpoint(tmp_path)


def test_none_yet_says_when_there_will_be_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="after its first epoch"):
        checkpoints.load_checkpoint(tmp_path)


def test_best_and_the_two_newest_are_kept(tmp_path: Path) -> None:
    for step in range(1, 7):
        write(tmp_path, step, best=step == 2)
    kept = sorted(path.name for path in tmp_path.glob("step-*"))
    assert kept == ["step-00000002", "step-00000005", "step-00000006"]
    assert checkpoints.load_checkpoint(tmp_path, "best").step == 2
    assert checkpoints.load_checkpoint(tmp_path, "last").step == 6


def test_full_disk_while_saving_keeps_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1, best=True)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, 2)
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-00000001"]
    assert not list(tmp_path.glob("part-*"))
    assert checkpoints.load_checkpoint(tmp_path).step == 1


def test_shapes_that_do_not_match_name_the_layer(tmp_path: Path) -> None:
    write(tmp_path, 1, size=3)
    with pytest.raises(CheckpointError, match="weight"):
        checkpoints.load_weights(nn.Linear(5, 2), checkpoints.load_checkpoint(tmp_path))


def test_weights_and_state_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path, 3)
    torch.manual_seed(3)
    expected, model = nn.Linear(3, 2), nn.Linear(3, 2)
    found = checkpoints.load_checkpoint(tmp_path)
    checkpoints.load_weights(model, found)
    assert torch.equal(model.weight, expected.weight)
    assert checkpoints.load_state(found)["progress"] == {"step": 3}


def test_a_pickle_in_place_of_the_state_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 1)
    found = checkpoints.load_checkpoint(tmp_path)
    torch.save(nn.Linear(1, 1), found.path / checkpoints.STATE)  # pickles a class
    with pytest.raises(Exception, match="eights"):
        checkpoints.load_state(found)


def test_fingerprint_changes_with_every_new_checkpoint(tmp_path: Path) -> None:
    seen = {checkpoints.fingerprint(tmp_path)}
    for step in (1, 2):
        write(tmp_path, step, best=True)
        seen.add(checkpoints.fingerprint(tmp_path))
    shutil.rmtree(tmp_path / "step-00000002")
    seen.add(checkpoints.fingerprint(tmp_path))
    assert len(seen) == 4
