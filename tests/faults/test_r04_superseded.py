"""R4: an attempt that was taken over writes no row and no checkpoint, however it wakes up."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from storage import attempts, database, files, metrics
from storage import runs as stored
from storage.records import RunStatus
from tests.backend.jobs.conftest import queue_run, start_supervisor, status_of, wait_for
from tests.backend.training.test_loop import run as train
from tests.backend.training.toy import Notes


def _points_of(run_id: int, attempt: int) -> int:
    with database.read() as session:
        rows = session.query(metrics.MetricRow).filter_by(run_id=run_id, attempt=attempt)
        return sum(len(row.steps) for row in rows)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


@pytest.mark.slow
def test_a_superseded_attempt_leaves_no_row(jobs_home: Path) -> None:
    """Attempt 1 is stopped, attempt 2 takes over, attempt 1 wakes up again."""
    run = queue_run("slow", epochs=1000)
    first = start_supervisor(rewarm=1000)
    wait_for(lambda: (found := stored.get_run(run.id)) and found.step > 5)
    pid = attempts.list_attempts(run.id)[0].pid
    # The supervisor would see that it lives: a person or another computer decides otherwise.
    first.kill()
    first.wait()
    os.kill(pid, signal.SIGSTOP)
    stored.move_run(run.id, RunStatus.LOST, when=[RunStatus.RUNNING])
    assert stored.requeue_run(run.id, run.config, "")
    start_supervisor(rewarm=1000)
    wait_for(lambda: len(attempts.list_attempts(run.id)) == 2)
    wait_for(lambda: status_of(run) == RunStatus.RUNNING)
    count = _points_of(run.id, attempt=1)
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not _lives(pid), 10)
    left = _points_of(run.id, attempt=1) - count
    print(f"R4: {left} rows of a superseded attempt")
    assert left == 0
    assert status_of(run) == RunStatus.RUNNING
    assert "Another attempt" in files.run_log(run.id).read_text()


class _SupersededError(Exception):
    pass


class _Refusing(Notes):
    def before_save(self) -> None:
        raise _SupersededError


def test_a_superseded_attempt_leaves_no_checkpoint(tmp_path: Path) -> None:
    """The database is asked right before a checkpoint becomes visible: nothing of it is left."""
    train(tmp_path, Notes(stop_at=5))
    before = sorted(path.name for path in (tmp_path).rglob("*"))
    with pytest.raises(_SupersededError):
        train(tmp_path, _Refusing(stop_at=5), resume=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_the_recorder_asks_for_the_token(jobs_home: Path) -> None:
    from backend.jobs.recorder import Recorder, SupersededError

    run = queue_run()
    claimed = stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    assert claimed is not None
    recorder = Recorder(*claimed, "cpu")
    recorder.before_save()
    stored.move_run(run.id, RunStatus.LOST, when=[RunStatus.STARTING])
    with pytest.raises(SupersededError):
        recorder.before_save()
    recorder.close()
