"""Checkpoints on disk: written whole or not at all, verified before they are loaded.

One folder per checkpoint, step-00001234, holding model.safetensors, state.pt (optimizer, random
generators, position), the processor's files and manifest.json with the sha256 of each. The
manifest is written last and the folder renamed into place, so what has a manifest is complete.
"""

import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_model, save_model
from torch import nn

from backend.errors import CheckpointError, DiskFullError

if sys.platform == "darwin":
    import fcntl

MODEL, STATE, MANIFEST, BEST = "model.safetensors", "state.pt", "manifest.json", "best.json"
# Newest checkpoints kept beside the best: one may be damaged, the one before it serves.
KEEP_LAST = 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified checkpoint; skipped names damaged ones that were passed over."""

    path: Path
    step: int
    epoch: float
    metrics: dict[str, float]
    skipped: list[str] = field(default_factory=list)


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    save_processor: Callable[[Path], None],
    state: Mapping[str, Any],
    *,
    step: int,
    epoch: float,
    metrics: Mapping[str, float],
    is_best: bool,
    keep_last: int = KEEP_LAST,
    before_publish: Callable[[], None] = lambda: None,
) -> Path:
    """Write a checkpoint and drop those no longer needed; the old ones stay until it is safe.

    before_publish is called right before the checkpoint becomes visible and may raise.
    """
    target = folder / f"step-{step:08d}"
    part = folder / f"part-{uuid.uuid4().hex}"
    part.mkdir(parents=True)
    try:
        save_model(model, str(part / MODEL))
        torch.save(dict(state), part / STATE)
        save_processor(part)
        files = [path for path in part.rglob("*") if path.is_file()]
        manifest = {
            "step": step,
            "epoch": epoch,
            "metrics": dict(metrics),
            "files": {path.relative_to(part).as_posix(): _sha256(path) for path in files},
        }
        for path in files:
            _sync(path)
        _write_json(part / MANIFEST, {**manifest, "digest": _digest(manifest)})
        before_publish()
        shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if _is_write_failure(error):
            raise DiskFullError(
                "The disk is full, so the model could not be saved. Free some space, for example "
                "by deleting old runs, and continue: the last saved copy was kept."
            ) from error
        raise
    _sync(folder)
    if is_best:
        _write_json(folder / BEST, {"checkpoint": target.name})
    _remove_old(folder, keep_last)
    return target


def load_checkpoint(folder: Path, which: Literal["best", "last"] = "best") -> Checkpoint:
    """The wanted checkpoint, or the newest sound one before it; raises CheckpointError."""
    names = sorted((path.name for path in folder.glob("step-*")), reverse=True)
    best = _best_name(folder)
    if which == "best" and best in names:
        names.remove(best)
        names.insert(0, best)
    skipped: list[str] = []
    for name in names:
        problem = _damage(folder / name)
        if problem is None:
            manifest = json.loads((folder / name / MANIFEST).read_text())
            return Checkpoint(
                folder / name, manifest["step"], manifest["epoch"], manifest["metrics"], skipped
            )
        skipped.append(f"{name}: {problem}")
    if skipped:
        raise CheckpointError(
            f"No saved copy of this model can be read ({skipped[0]}). Train it again."
        )
    raise CheckpointError(
        "This run has not saved a model yet. It does so after its first epoch, or when stopped."
    )


def fingerprint(folder: Path) -> tuple[str, ...]:
    """Changes whenever a checkpoint is added or the best one is another; reads no weights."""
    # From the folder's own listing: a checkpoint may be removed while this looks.
    return (_best_name(folder), *sorted(path.name for path in folder.glob("step-*")))


def load_weights(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Fill the model; raises CheckpointError that names the layers which do not match."""
    try:
        load_model(model, str(checkpoint.path / MODEL))
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:3]]
        raise CheckpointError(
            f"The saved model does not fit the network: {' '.join(lines)}"
        ) from error


def load_state(checkpoint: Checkpoint) -> dict[str, Any]:
    """Optimizer, random generators and position of a checkpoint."""
    return torch.load(checkpoint.path / STATE, map_location="cpu", weights_only=True)


def _damage(path: Path) -> str | None:
    """What is wrong with a checkpoint folder, or None."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        vouched, listed = manifest.pop("digest"), manifest["files"]
    except (OSError, ValueError, KeyError, AttributeError):
        return "its list of contents is missing or unreadable"
    if vouched != _digest(manifest):
        return "its list of contents was changed or damaged"
    for name, expected in listed.items():
        try:
            if _sha256(path / name) != expected:
                return f"{name} was changed or damaged"
        except OSError:
            return f"{name} is missing"
    return None


def _digest(manifest: Mapping[str, Any]) -> str:
    """The sha256 by which a manifest vouches for itself."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _is_write_failure(error: BaseException) -> bool:
    """Whether a library could not write a file; they hide the system's error in ones of their own.

    safetensors names the number of the error (27 too large, 28 no space, 122 quota); torch's
    writer says only that it failed.
    """
    words = str(error)
    if type(error).__name__ == "SafetensorError":
        return any(f"os error {number})" in words for number in (27, 28, 122))
    # Of the writer's close after a failed write, "unexpected pos" is all that is left.
    return type(error) is RuntimeError and any(
        sign in words for sign in ("PytorchStreamWriter", "inline_container", "unexpected pos")
    )


def _best_name(folder: Path) -> str:
    try:
        return str(json.loads((folder / BEST).read_text())["checkpoint"])
    except (OSError, ValueError, KeyError):
        return ""


def _remove_old(folder: Path, keep_last: int) -> None:
    keep = {_best_name(folder), *sorted(path.name for path in folder.glob("step-*"))[-keep_last:]}
    for path in [*folder.glob("step-*"), *folder.glob("part-*")]:
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content))
    _sync(part)
    os.replace(part, path)
    _sync(path.parent)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """fsync a file or a folder; Windows cannot open folders and needs no such call."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        if sys.platform == "darwin":  # its fsync leaves the data in the disk's own memory
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
