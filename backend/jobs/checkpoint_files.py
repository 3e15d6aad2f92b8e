"""What a run has saved, seen from outside: no torch, no verification, for messages and checks."""

import json
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


def best_copy(run_id: int) -> Path | None:
    """The folder of the best checkpoint, or None."""
    folder = files.checkpoints_dir(run_id)
    try:
        name = str(json.loads((folder / "best.json").read_text())["checkpoint"])
    except (OSError, ValueError, KeyError):
        return None
    return folder / name if (folder / name / "manifest.json").exists() else None
