"""Findings of stored runs, as the live page and the command line get them."""

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest

from backend.cli import main as cli
from backend.live import live_state
from backend.reading import findings_of
from backend.runs import RunStatus, default_config, get_run
from storage import database, metrics, runs


def guessing_run(status: RunStatus | None = RunStatus.FINISHED, rate: float = 1e-6) -> int:
    """Two epochs of 40 steps that taught nothing, of a data set that was deleted since."""
    config = dataclasses.asdict(default_config("image-classification", "mlp"))
    run = runs.create_run(
        name="a", task="image-classification", model="mlp", dataset_id="gone", dataset_name="gone",
        config={**config, "epochs": 2, "learning_rate": rate},
    )  # fmt: skip
    _, token = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="") or (None, "")
    runs.move_run(run.id, RunStatus.RUNNING, when=[RunStatus.STARTING], message="Training.")
    now = time.time()
    points = {
        "train/loss": [(s, 2.3, s / 40, now) for s in range(1, 81)],
        "val/loss": [(40, 2.31, 1.0, now), (80, 2.3, 2.0, now)],
        "val/accuracy": [(40, 0.1, 1.0, now), (80, 0.1, 2.0, now)],
        "naive_val/loss": [(40, 2.3, 1.0, now)],
        "naive_val/accuracy": [(40, 0.1, 1.0, now)],
    }
    with database.write() as session:
        metrics.append_points(session, run.id, 1, points)
        runs.record_progress(
            session, run.id, token, step=80, total_steps=80, epoch=2.0,
            metrics={name: values[-1][1] for name, values in points.items()}, best_step=80,
        )  # fmt: skip
    if status is not None:
        runs.move_run(run.id, status, when=[RunStatus.RUNNING], message="All epochs are done.")
    return run.id


def test_the_live_page_gets_the_findings_with_their_buttons(home: Path) -> None:
    (one,) = live_state(guessing_run())["run"]["findings"]
    assert (one["kind"], one["step"], one["title"]) == ("not-learning", 40, "not learning")
    assert one["label"] == "Train again with learning rate 0.05"


def test_a_model_that_knows_something_is_for_runs_that_began_from_zero(home: Path) -> None:
    from backend.reading.door import evidence_of

    run = get_run(guessing_run())
    assert evidence_of(run).knowing == ("mobilenet_v2", "MobileNet V2")
    tuned = dataclasses.replace(run, config={**run.config, "pretrained": True})
    assert evidence_of(tuned).knowing is None
    assert evidence_of(dataclasses.replace(run, task="audio-classification")).knowing is None


def test_a_run_without_steps_has_no_findings(home: Path) -> None:
    run = runs.create_run(
        name="a", task="gone", model="m", dataset_id="d", dataset_name="d", config={}
    )
    assert findings_of(run) == []


def test_a_run_of_a_task_that_is_gone_is_read_all_the_same(home: Path) -> None:
    run = dataclasses.replace(get_run(guessing_run()), task="gone")
    from backend.reading.door import evidence_of

    assert evidence_of(run).metric is None
    np.testing.assert_array_equal(evidence_of(run).steps, [40, 80])


def test_findings_are_found_anew_while_a_run_trains(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = guessing_run(status=None)
    run = get_run(number)
    assert [one.kind for one in findings_of(run)] == ["not-learning"]
    with database.write() as session:
        point = (120, 0.2, 3.0, time.time())
        metrics.append_points(session, number, 1, {"val/loss": [point], "train/loss": [point]})
    later = time.monotonic() + 10
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert findings_of(run) == []


def test_the_command_line_reads_them_aloud(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    number = str(guessing_run())
    assert cli.main(["diagnose", number, "--json"]) == 0
    (found,) = json.loads(capfd.readouterr().out)
    assert set(found) == {"kind", "step", "sentence", "action"}
    assert found["action"] == {
        "action": "again",
        "label": "Train again with learning rate 0.05",
        "config": {"learning_rate": 0.05},
    }
    assert cli.main(["diagnose", number]) == 0
    out = capfd.readouterr().out
    assert "no better than guessing" in out
    assert "--set learning_rate=0.05" in out
    assert cli.main(["diagnose", "99"]) != 0
