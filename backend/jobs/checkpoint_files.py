"""What a run has saved, seen from outside: no torch, no verification, for messages and checks."""

import json
import shutil
from pathlib import Path

from storage import files


def saved_step(run_id: int) -> int | None:
    """The step of the newest complete checkpoint, or None where nothing is saved."""
    steps = []
    for manifest in files.checkpoints_dir(run_id).glob("step-*/manifest.json"):
        try:
            steps.append(int(json.loads(manifest.read_text())["step"]))
        except (OSError, ValueError, KeyError):
            continue
    return max(steps, default=None)


def newest_copy_bytes(run_id: int) -> int:
    """What the newest copy takes of the disk; 0 where there is none."""
    copies = sorted(files.checkpoints_dir(run_id).glob("step-*"))
    return files.folder_bytes(copies[-1]) if copies else 0


def best_copy(run_id: int) -> Path | None:
    """The folder of the best checkpoint, or None."""
    folder = files.checkpoints_dir(run_id)
    try:
        name = str(json.loads((folder / "best.json").read_text())["checkpoint"])
    except (OSError, ValueError, KeyError):
        return None
    return folder / name if (folder / name / "manifest.json").exists() else None


def work_after(run_id: int, step: int) -> float:
    """Seconds that went into the steps after this one, as far as they were logged."""
    from storage import metrics

    series, _ = metrics.read_series(run_id, ["train/loss"], first_step=step)
    if "train/loss" not in series:
        return 0.0
    times = series["train/loss"].times[series["train/loss"].steps > step]
    return float(times.max() - times.min()) if len(times) else 0.0


def remove_halves(run_id: int) -> None:
    """Delete what a dead process had begun to save."""
    for part in files.checkpoints_dir(run_id).glob("part-*"):
        shutil.rmtree(part, ignore_errors=True)
