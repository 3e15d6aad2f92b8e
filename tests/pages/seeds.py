"""Runs in every state, written straight into storage: what the pages are shown in tests."""

import dataclasses
import math
import time
from typing import Any

from backend.runs import Reason, Run, RunStatus, default_config, get_run
from storage import database, metrics, runs

IMAGES, TEXTS, BOXES = "image-classification", "text-classification", "object-detection"
PAIRS = "translation"


def seed_run(
    status: RunStatus = RunStatus.FINISHED,
    *,
    name: str = "mnist · mlp",
    task: str = IMAGES,
    model: str = "mlp",
    dataset: str = "mnist",
    steps: int = 100,
    done: int | None = None,
    reason: Reason | None = None,
    message: str = "",
    points: bool = True,
) -> Run:
    """One run with curves up to `done` of its steps."""
    config = dataclasses.asdict(default_config(task, model))
    run = runs.create_run(
        name=name, task=task, model=model, dataset_id=dataset, dataset_name=dataset, config=config
    )
    if status is RunStatus.QUEUED:
        return run
    claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="test")
    assert claimed is not None
    assert claimed[0].id == run.id
    if status is not RunStatus.STARTING:
        runs.move_run(run.id, RunStatus.RUNNING, when=[RunStatus.STARTING], message="Training.")
    if points:
        reached = steps if done is None else done
        _record(run.id, claimed[1], steps, reached, status, reached / steps * config["epochs"])
    if status not in (RunStatus.STARTING, RunStatus.RUNNING):
        runs.move_run(run.id, status, when=list(RunStatus), reason=reason, message=message)
    return get_run(run.id)


def _record(
    run_id: int, token: str, steps: int, done: int, status: RunStatus, epoch: float
) -> None:
    now = time.time()
    losses = [(step, 2.3 * math.exp(-step / steps), step / 10, now) for step in range(1, done + 1)]
    checks = [(step, value + 0.1, epoch, at) for step, value, epoch, at in losses if step % 10 == 0]
    points: dict[str, Any] = {"train/loss": losses, "val/loss": checks}
    points["val/accuracy"] = [(step, 0.9, epoch, at) for step, _, epoch, at in checks]
    summary = {name: values[-1][1] for name, values in points.items() if values}
    if status is RunStatus.FINISHED:
        summary["test/accuracy"] = 0.934
    with database.write() as session:
        metrics.append_points(session, run_id, 1, points)
        runs.record_progress(
            session, run_id, token, step=done, total_steps=steps, epoch=epoch,
            metrics=summary, best_step=checks[-1][0] if checks else None,
        )  # fmt: skip
