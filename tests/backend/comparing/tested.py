"""Runs with the outcomes of their tests, as the tests of comparisons and reports need them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backend.runs import Run, get_run
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes
from backend.scores.results import TestResults, save_results
from storage import database, metrics, runs
from storage.records import RunStatus

IMAGES = "image-classification"


def seed_tested(
    name: str,
    right: Sequence[float],
    *,
    config: Mapping[str, Any] | None = None,
    version: int = 1,
    metric: str = "accuracy",
    task: str = IMAGES,
    dataset: str = "digits",
    examples: Sequence[int] | None = None,
    parent: int | None = None,
    classes: Sequence[str] = ("a", "b", "<c>"),
) -> Run:
    """A finished run whose test gave these values for its examples."""
    values = np.array(right, np.float32)
    run = runs.create_run(
        name=name, task=task, model="mlp", dataset_id=dataset, dataset_name=dataset,
        dataset_version=version, parent_id=parent,
        config={"epochs": 2, "learning_rate": 0.05, **(config or {})},
    )  # fmt: skip
    claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="test")
    assert claimed is not None
    began = claimed[0].started_at or 0.0
    points = [(step, 2.0 / step, step / 10, began + step) for step in range(1, 21)]
    with database.write() as session:
        metrics.append_points(session, run.id, 1, {"train/loss": points, "val/loss": points[9::10]})
        runs.record_progress(
            session, run.id, claimed[1], step=20, total_steps=20, epoch=2.0, best_step=20,
            metrics={f"test/{metric}": float(np.nanmean(values)), "val/loss": 0.1},
        )  # fmt: skip
    truth = np.arange(len(values)) % 3
    numbers = np.arange(len(values)) if examples is None else np.array(examples)
    outcomes = Outcomes(
        {metric: values}, truth=truth, answer=np.where(values == 1, truth, (truth + 1) % 3),
        truth_share=np.clip(values, 0.1, 0.9), answer_share=np.full(len(values), 0.9, np.float32),
        examples=numbers,
    )  # fmt: skip
    naive = Naive("always answering a, the most frequent class", {metric: 1 / 3})
    save_results(run.id, TestResults(20, outcomes, naive, list(classes), {"torch": "2.13"}))
    runs.move_run(run.id, RunStatus.FINISHED, when=list(RunStatus), message="Finished.")
    return get_run(run.id)
