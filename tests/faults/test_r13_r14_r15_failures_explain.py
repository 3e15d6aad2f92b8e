"""R13, R14, R15: full memory, a broken loss, data gone: the reason, a sentence, a way on."""

import shutil
from pathlib import Path

import pytest

from backend import resuming, runs
from backend.remedies import remedies
from backend.training import checkpoints
from storage import attempts, files
from storage import runs as stored
from storage.records import Reason, RunStatus
from tests.backend.jobs.conftest import queue_run, start_supervisor, status_of, wait_for
from tests.backend.training.test_loop import run as train
from tests.backend.training.toy import Notes, ToySplit, ToyTask


def test_r13_out_of_memory_frees_the_slot_and_offers_half(jobs_home: Path) -> None:
    run, after = queue_run("oom", batch_size=8), queue_run("toy")
    start_supervisor(rewarm=0.0)
    wait_for(lambda: status_of(run) == RunStatus.FAILED)
    failed = runs.get_run(run.id)
    assert failed.reason is Reason.OOM_GPU
    assert "half the batch size" in (failed.message or "")
    config = remedies(failed)[0].config
    assert config == {"batch_size": 4, "gradient_accumulation": 2}
    wait_for(lambda: status_of(after) == RunStatus.FINISHED)
    first, second = attempts.list_attempts(run.id)[0], attempts.list_attempts(after.id)[0]
    freed = second.started_at - (first.ended_at or 0)
    print(f"R13: the next run had the device {freed:.1f} s after the failure")


def test_r14_nan_stops_at_once_and_keeps_the_last_good_copy(tmp_path: Path) -> None:
    train(tmp_path, Notes(stop_at=20))
    good = checkpoints.load_checkpoint(tmp_path, "last").step
    notes = Notes()
    with pytest.raises(Exception, match=r"Lower the learning rate") as caught:
        train(tmp_path, notes, task=ToyTask(ToySplit(200, 0, bad_from=0)), resume=True)
    assert getattr(caught.value, "reason", None) is Reason.NAN_LOSS
    assert checkpoints.load_checkpoint(tmp_path, "last").step == good
    seen = [step for step, name, _ in notes.values if name == "train/loss"]
    print(f"R14: ended {len(seen)} logged steps after the loss broke, copy of step {good} kept")


def test_r14_a_run_whose_loss_breaks_says_what_to_lower(jobs_home: Path) -> None:
    run = queue_run("nan", learning_rate=0.1)
    start_supervisor(rewarm=1000)
    wait_for(lambda: status_of(run) == RunStatus.FAILED)
    failed = runs.get_run(run.id)
    assert failed.reason is Reason.NAN_LOSS
    best = remedies(failed)[0]
    assert best.action == "again"
    assert best.config == {"learning_rate": pytest.approx(0.01)}


def test_r15_data_removed_by_hand_is_bad_data_and_no_crash_loop(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real worker: the data set's folder is gone before the run is claimed."""
    from backend import jobs

    monkeypatch.setattr(runs, "ensure_supervisor", lambda: None)
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    run = runs.start_run(task="image-classification", dataset="digits", model="mlp")
    shutil.rmtree(files.dataset_dir(run.dataset_id))
    # As far as the bundled one goes, its row says that it is there.
    jobs.touch_app()
    wait_for(lambda: runs.get_run(run.id).has_ended, 120)
    ended = runs.get_run(run.id)
    # A bundled set is made again by itself; any other ends with its reason.
    assert ended.status is RunStatus.FINISHED or ended.reason is Reason.BAD_DATA, ended.message
    assert ended.attempt == 1
    assert len(attempts.list_attempts(run.id)) == 1


def test_r13_the_offered_way_on_is_taken_by_one_call(jobs_home: Path) -> None:
    run = queue_run("toy", batch_size=8, epochs=3)
    claimed = stored.claim_run(lambda *_: "cuda:0", pid=1, process_started=0.0, host="here")
    assert claimed is not None
    stored.move_run(run.id, RunStatus.FAILED, when=[RunStatus.STARTING], reason=Reason.OOM_GPU)
    half = remedies(runs.get_run(run.id))[0]
    assert stored.requeue_run(run.id, {**run.config, **half.config, "device": "cpu"}, "")
    start_supervisor(rewarm=1000)
    wait_for(lambda: status_of(run) == RunStatus.FINISHED)
    ended = runs.get_run(run.id)
    assert (ended.attempt, ended.config["batch_size"]) == (2, 4)
    assert resuming.can_resume(ended) is False
