"""The door to runs: what is checked before a run is stored, and what can be done with one."""

import shutil
import time
from collections import namedtuple
from pathlib import Path

import pytest

from backend import datasets, jobs, runs
from backend.errors import (
    BusyError,
    ConfigError,
    DiskFullError,
    NotFoundError,
    TrainroomError,
    UsageError,
)
from backend.queue_order import queue_position
from backend.runs import Reason, Run, RunStatus
from storage import database, files, metrics
from storage import datasets as stored_datasets
from storage import runs as stored
from storage.records import Dataset

IMAGES, TEXTS = "image-classification", "text-classification"


@pytest.fixture(autouse=True)
def asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a supervisor was asked for; none is started here."""
    calls: list[str] = []
    monkeypatch.setattr(jobs, "ensure_supervisor", lambda: calls.append("asked"))
    # Two rows instead of the bundled data, which takes seconds to unpack.
    monkeypatch.setattr(datasets, "prepare_bundled", lambda: None)
    for name, task in (("digits", IMAGES), ("languages", TEXTS)):
        row = Dataset(
            name, name, task, 9, ["a", "b"], {}, "", "", False, 0, 0.0,
            format=f"{task.split('-')[0]}-class",
        )  # fmt: skip
        stored_datasets.create_dataset(row)
    return calls


def start(**changes: object) -> Run:
    wanted: dict[str, object] = {"task": IMAGES, "dataset": "digits", "model": "mlp"}
    return runs.start_run(**{**wanted, **changes})  # type: ignore[arg-type]


def make_active(run: Run) -> None:
    claimed = stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    assert claimed is not None
    assert claimed[0].id == run.id


def test_a_started_run_is_queued_with_every_setting(asked: list[str]) -> None:
    run = start(config={"epochs": "3", "learning_rate": 1})
    assert (run.status, run.task, run.model) == (RunStatus.QUEUED, IMAGES, "mlp")
    assert (run.dataset_id, run.name) == ("digits", "digits · mlp")
    assert (run.config["epochs"], run.config["learning_rate"]) == (3, 1.0)
    assert run.config["seed"] == 42
    assert run.config["pretrained"] is False
    assert queue_position(run.id) == 1
    assert asked == ["asked"]


def test_pretrained_is_the_default_where_weights_are_here() -> None:
    from backend.tasks import get_task

    task = get_task(IMAGES)
    for spec in task.models:
        config = runs.default_config(IMAGES, spec.name)
        assert getattr(config, "pretrained") == (task.weights(spec) == "here")  # noqa: B009


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "flying"}, "no task called 'flying'. Known: audio-classification"),
        ({"model": "gpt"}, "Known: mlp, cnn"),
        ({"dataset": "nothing"}, "digits"),
        ({"dataset": "languages"}, "holds something else"),
        ({"config": {"epoch": 3}}, "no setting called 'epoch'. Known: epochs"),
        ({"config": {"epochs": 0}}, "from 1 to 1000"),
        ({"config": {"epochs": 10**9}}, "from 1 to 1000"),
        ({"config": {"batch_size": 0}}, "Batch size"),
        ({"config": {"batch_size": True}}, "whole number"),
        ({"config": {"batch_size": "６４"}}, "whole number"),
        ({"config": {"learning_rate": float("nan")}}, "Learning rate"),
        ({"config": {"learning_rate": "inf"}}, "Learning rate"),
        ({"config": {"learning_rate": -1.0}}, "Learning rate"),
        ({"config": {"learning_rate": 1e30}}, "Learning rate"),
        ({"config": {"optimizer": "magic"}}, "adamw, sgd"),
        ({"config": {"device": "toaster"}}, "cuda:0"),
        ({"config": {"pretrained": True}}, "MLP has no pretrained weights"),
        ({"name": ""}, "name is empty"),
        ({"name": " \x00\n\t "}, "name is empty"),
        ({"name": "x" * 10_000}, "10,000 characters; at most 120"),
    ],
)
def test_what_cannot_be_is_refused_before_a_row_is_written(
    changes: dict[str, object], words: str, asked: list[str]
) -> None:
    with pytest.raises(TrainroomError) as caught:
        start(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert runs.list_runs() == []
    assert asked == []


def test_a_full_disk_is_told_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 10**8))
    with pytest.raises(DiskFullError, match="100 MB left and this run needs 2"):
        start()
    assert runs.list_runs() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  My\trun\x00 \n two ", "My run two"),
        ("'; DROP TABLE runs; --", "'; DROP TABLE runs; --"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("名前 🙂 שם", "名前 🙂 שם"),
        ("x" * 120, "x" * 120),
    ],
)
def test_names_are_text_only(name: str, kept: str) -> None:
    run = start(name=name)
    assert run.name == kept
    assert runs.get_run(run.id).name == kept
    assert files.run_dir(run.id).parent == files.home() / "runs"


def test_names_given_twice_are_kept_and_names_made_here_differ() -> None:
    assert [start(name="same").name for _ in range(2)] == ["same", "same"]
    assert [start().name for _ in range(3)] == ["digits · mlp", "digits · mlp 2", "digits · mlp 3"]
    long = "x" * runs.MAX_NAME
    start(name=long)
    assert len(runs.free_name(long)) <= runs.MAX_NAME
    assert runs.free_name(long) != long


def test_rename(asked: list[str]) -> None:
    run = start()
    assert runs.rename_run(run.id, " new  name ").name == "new name"
    with pytest.raises(ConfigError):
        runs.rename_run(run.id, "")
    with pytest.raises(NotFoundError):
        runs.rename_run(99, "x")


@pytest.mark.parametrize("run_id", [0, -1, 999_999, 2**63, 10**30])
def test_a_run_that_is_not_there(run_id: int) -> None:
    for act in (runs.get_run, runs.stop_run, runs.delete_run, runs.clone_run):
        with pytest.raises(NotFoundError, match="no run number"):
            act(run_id)


def test_a_queued_run_stops_at_once() -> None:
    run = runs.stop_run(start().id)
    assert (run.status, run.reason) == (RunStatus.STOPPED, Reason.USER_STOP)
    assert run.started_at is None
    assert queue_position(run.id) is None
    assert runs.run_seconds(run) == 0.0
    # Again changes nothing.
    assert runs.stop_run(run.id) == run


def test_an_active_run_is_asked_to_stop_and_cannot_be_deleted() -> None:
    run = start()
    make_active(run)
    with pytest.raises(BusyError, match="Stop it first"):
        runs.delete_run(run.id)
    assert runs.stop_run(run.id).status is RunStatus.STOPPING
    assert runs.stop_run(run.id).status is RunStatus.STOPPING
    kinds = [event.kind for event in runs.list_events(run.id)]
    assert kinds == ["queued", "starting", "stopping"]


def test_delete_takes_the_files_along() -> None:
    run = runs.stop_run(start().id)
    folder = files.checkpoints_dir(run.id)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"x")
    other = files.run_dir(run.id + 1)
    other.mkdir()
    runs.delete_run(run.id)
    assert not files.run_dir(run.id).exists()
    assert other.exists()
    with pytest.raises(NotFoundError):
        runs.get_run(run.id)


def test_a_clone_holds_what_the_form_needs() -> None:
    run = start(name="first", config={"epochs": 7})
    clone = runs.clone_run(run.id)
    again = runs.start_run(**clone)
    assert again.name == "first 2"
    assert (again.config, again.dataset_id, again.model) == (run.config, "digits", "mlp")


def test_reading_metrics_between_steps() -> None:
    run = start()
    with database.write() as session:
        for first in range(0, 100, 10):
            points = [(step, 1.0, 0.0, 0.0) for step in range(first, first + 10)]
            metrics.append_points(session, run.id, 1, {"train/loss": points})
    series = runs.read_metrics(run.id, ["train/loss"], first_step=25, last_step=31)
    assert series["train/loss"].steps.tolist() == list(range(25, 32))
    assert len(runs.read_metrics(run.id)["train/loss"].steps) == 100
    assert runs.list_metric_names(run.id) == ["train/loss"]


def test_the_log_is_read_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start()
    assert runs.read_log(run.id) == ""
    path = files.run_log(run.id)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join(f"line {n}".encode() for n in range(1000)) + b"\n\xff 10%\r 20%\n")
    assert runs.read_log(run.id, lines=2) == "line 999\n 20%"
    monkeypatch.setattr(runs, "LOG_BYTES", 30)
    assert len(runs.read_log(run.id)) <= 30


def test_time_left_follows_the_pace_of_this_attempt() -> None:
    run = start()
    assert runs.time_left(run) is None
    claimed = stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    assert claimed is not None
    stored.move_run(run.id, RunStatus.RUNNING, when=[RunStatus.STARTING])
    time.sleep(0.2)
    with database.write() as session:
        stored.record_progress(
            session,
            run.id,
            claimed[1],
            step=25,
            total_steps=100,
            epoch=1.0,
            metrics={},
            best_step=None,
        )
    left = runs.time_left(runs.get_run(run.id))
    assert left is not None
    assert 0.5 < left < 3.0
    assert runs.run_seconds(runs.get_run(run.id)) >= 0.2


def test_errors_are_usage_errors_with_one_sentence() -> None:
    with pytest.raises(UsageError):
        start(dataset="../../etc/passwd")


def test_the_time_in_the_queue_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained for ten seconds, then stopped, then queued again a day ago."""
    run = start()
    now = 1_000_000.0
    monkeypatch.setattr("storage.runs.time.time", lambda: now)
    stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    now += 10
    stored.move_run(run.id, RunStatus.STOPPED, when=[RunStatus.STARTING])
    assert stored.requeue_run(run.id, run.config, "")
    now += 86_400
    assert runs.run_seconds(runs.get_run(run.id)) == pytest.approx(10.0)
