"""Letting runs go on: what is allowed, what is refused with which sentence, what is queued."""

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend import datasets, resuming, runs
from backend.errors import (
    BusyError,
    ConfigError,
    DataError,
    DiskFullError,
    NotFoundError,
    UsageError,
)
from backend.remedies import remedies
from storage import database, files
from storage import runs as stored
from storage.records import ENDED, Dataset, Reason, Run, RunStatus

DIGITS = Dataset(
    "digits",
    "digits",
    "image-classification",
    1797,
    ["0", "1"],
    {},
    "",
    "",
    True,
    0,
    0.0,
    format="image-class",
)


@pytest.fixture(autouse=True)
def alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No supervisor: nothing here is trained."""
    monkeypatch.setattr(resuming, "ensure_supervisor", lambda: None)
    monkeypatch.setattr(runs, "ensure_supervisor", lambda: None)
    monkeypatch.setattr(datasets, "get_dataset", lambda *_: DIGITS)


def ended_run(
    status: RunStatus = RunStatus.STOPPED,
    reason: Reason | None = Reason.USER_STOP,
    *,
    saved: int | None = 12,
    **config: Any,
) -> Run:
    """A run on the bundled digits in an end state, with a saved copy or without."""
    run = runs.start_run(task="image-classification", dataset="digits", model="mlp", config=config)
    stored.move_run(run.id, status, when=[RunStatus.QUEUED], reason=reason, message="It ended.")
    if saved is not None:
        copy = files.checkpoints_dir(run.id) / f"step-{saved:08d}"
        copy.mkdir(parents=True)
        (copy / "manifest.json").write_text(f'{{"step": {saved}, "files": {{}}}}')
    return runs.get_run(run.id)


@pytest.mark.parametrize("status", [RunStatus.STOPPED, RunStatus.FAILED, RunStatus.LOST])
def test_an_ended_run_goes_to_the_end_of_the_queue(status: RunStatus) -> None:
    run = ended_run(status)
    other = runs.start_run(task="image-classification", dataset="digits", model="mlp")
    again = resuming.resume_run(run.id)
    assert (again.status, again.reason, again.message, again.ended_at) == (
        RunStatus.QUEUED, None, None, None,
    )  # fmt: skip
    assert [one.id for one in stored.queue()] == [other.id, run.id]
    assert runs.list_events(run.id)[-1].message == "Waiting to go on from step 12."


def test_only_what_has_ended_goes_on() -> None:
    run = runs.start_run(task="image-classification", dataset="digits", model="mlp")
    with pytest.raises(BusyError, match="has not ended"):
        resuming.resume_run(run.id)


def test_a_finished_run_needs_more_epochs() -> None:
    run = ended_run(RunStatus.FINISHED, None, epochs=3)
    with database.write() as session:
        row = session.get(stored.RunRow, run.id)
        assert row is not None
        row.epoch = 3.0
    assert not resuming.can_resume(run)
    with pytest.raises(UsageError, match="more than 3 epochs"):
        resuming.resume_run(run.id)
    assert runs.get_run(run.id).status is RunStatus.FINISHED
    assert resuming.resume_run(run.id, {"epochs": "5"}).config["epochs"] == 5
    assert "Epochs 3 → 5" in runs.list_events(run.id)[-1].message


def test_a_run_that_stopped_early_goes_on_without_early_stopping() -> None:
    run = ended_run(RunStatus.FINISHED, None, epochs=30, early_stopping=3)
    with database.write() as session:
        row = session.get(stored.RunRow, run.id)
        assert row is not None
        row.epoch = 10.0
    for changes in ({}, {"epochs": 60}, {"epochs": 10, "early_stopping": 0}):
        with pytest.raises(UsageError, match="after 10 of 30 epochs"):
            resuming.resume_run(run.id, changes)
    again = resuming.resume_run(run.id, {"early_stopping": 0})
    assert (again.status, again.config["epochs"]) == (RunStatus.QUEUED, 30)


def test_the_disk_is_asked_for_two_copies_as_large_as_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = ended_run()
    copy = files.checkpoints_dir(run.id) / "step-00000012"
    (copy / "model.safetensors").write_bytes(bytes(3_000_000))
    free = 205 * 10**6
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(DiskFullError, match=r"205 MB left .* needs 206 MB"):
        resuming.resume_run(run.id)
    assert runs.get_run(run.id).status is RunStatus.STOPPED
    free = 207 * 10**6
    assert resuming.resume_run(run.id).status is RunStatus.QUEUED


def test_changed_data_are_told_before_the_queue() -> None:
    run = ended_run()
    (files.run_dir(run.id) / "data.json").write_text('{"items.bin": [1, 1, ""]}')
    with pytest.raises(DataError, match=r"digits were changed or deleted .* \(items.bin\)"):
        resuming.resume_run(run.id)
    assert runs.get_run(run.id).status is RunStatus.STOPPED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "adamw"}, "Optimizer cannot change"),
        ({"seed": 7}, "Seed cannot change"),
        ({"batch_size": 16}, "must stay 64"),
        ({"learning_rate": "nan"}, "Learning rate is nan"),
        ({"colour": 1}, "no setting called 'colour'"),
    ],
)
def test_changes_that_the_saved_copy_does_not_bear(change: dict[str, Any], words: str) -> None:
    run = ended_run(batch_size=64, optimizer="sgd")
    with pytest.raises(ConfigError, match=words):
        resuming.resume_run(run.id, change)
    assert runs.get_run(run.id).status is RunStatus.STOPPED


def test_without_a_saved_copy_everything_may_change() -> None:
    run = ended_run(saved=None)
    assert resuming.resume_run(run.id, {"seed": 7, "batch_size": 16}).config["seed"] == 7


def test_a_deleted_data_set_is_said_before_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ended_run()

    def gone(*_: object) -> Any:
        raise NotFoundError("gone")

    monkeypatch.setattr(datasets, "get_dataset", gone)
    with pytest.raises(DataError, match="was deleted"):
        resuming.resume_run(run.id)
    assert runs.get_run(run.id).status is RunStatus.STOPPED


def test_interrupted_runs_go_on_together() -> None:
    lost = ended_run(RunStatus.LOST, Reason.HOST_LOST)
    killed = ended_run(RunStatus.FAILED, Reason.KILLED)
    own_fault = ended_run(RunStatus.FAILED, Reason.NAN_LOSS)
    found = resuming.interrupted_runs()
    assert {run.id for run in found} == {lost.id, killed.id}
    going, problems = resuming.resume_all(run.id for run in [*found, own_fault])
    assert [run.id for run in going] == [lost.id, killed.id, own_fault.id]
    assert problems == []
    assert resuming.interrupted_runs() == []


def test_every_reason_has_a_way_on_that_works() -> None:
    """Each remedy that resumes is accepted by resume_run; each has words."""
    for reason in Reason:
        for saved in (None, 12):
            run = ended_run(RunStatus.FAILED, reason, saved=saved, batch_size=48)
            found = remedies(run)
            assert found, reason
            for remedy in found:
                assert remedy.label
                assert remedy.help
                if remedy.action == "resume":
                    stored.move_run(
                        run.id, RunStatus.FAILED, when=[RunStatus.QUEUED], reason=reason
                    )
                    assert not resuming.resume_run(run.id, remedy.config).has_ended


def test_half_the_batch_keeps_the_sum() -> None:
    for size in (64, 48, 7):
        run = dataclasses.replace(
            ended_run(RunStatus.FAILED, Reason.OOM_GPU, batch_size=size), device="cuda:0"
        )
        best, processor = remedies(run)
        config = best.config
        assert config["batch_size"] * config["gradient_accumulation"] == size
        assert config["batch_size"] < size
        assert processor.config["device"] == "cpu"


def test_other_ends_need_no_remedy() -> None:
    assert remedies(ended_run()) == []
    assert remedies(ended_run(RunStatus.FINISHED, None)) == []
    assert set(ENDED) == {
        RunStatus.FINISHED, RunStatus.FAILED, RunStatus.STOPPED, RunStatus.LOST,
    }  # fmt: skip
