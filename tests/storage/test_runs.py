"""Runs in the database: moves between states, claims, fencing by token."""

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage import attempts, database, events, metrics, runs
from storage.records import ACTIVE, ENDED, Reason, Run, RunStatus

ROOT = Path(__file__).resolve().parents[2]


def new_run(name: str = "a", **config: object) -> Run:
    return runs.create_run(
        name=name, task="t", model="m", dataset_id="d", dataset_name="data", config=dict(config)
    )


def claim(device: str = "cpu") -> tuple[Run, str] | None:
    return runs.claim_run(lambda run, active: device, pid=1, process_started=2.0, host="here")


def test_a_new_run_is_queued_and_says_so(home: Path) -> None:
    run = new_run("äöü 🙂", epochs=3)
    assert runs.get_run(run.id) == run
    assert run.status is RunStatus.QUEUED
    assert run.config == {"epochs": 3}
    assert [event.kind for event in events.list_events(run.id)] == ["queued"]


def test_claims_go_by_the_queue(home: Path) -> None:
    first, second = new_run(), new_run()
    assert [run.id for run in runs.queue()] == [first.id, second.id]
    claimed = claim()
    assert claimed is not None
    run, token = claimed
    assert (run.id, run.status, run.attempt, run.device) == (first.id, "starting", 1, "cpu")
    attempt = attempts.get_attempt(run.id, 1)
    assert attempt is not None
    assert (attempt.token, attempt.pid, attempt.host) == (token, 1, "here")
    assert [run.id for run in runs.queue()] == [second.id]


def test_a_run_without_a_free_device_lets_the_next_one_pass(home: Path) -> None:
    new_run(device="cuda:0")
    second = new_run(device="cpu")

    def choose(run: Run, active: Sequence[Run]) -> str | None:
        return "cpu" if run.config["device"] == "cpu" else None

    claimed = runs.claim_run(choose, pid=1, process_started=0.0, host="")
    assert claimed is not None
    assert claimed[0].id == second.id
    assert runs.claim_run(choose, pid=1, process_started=0.0, host="") is None


def test_end_states_never_change(home: Path) -> None:
    for end, other in itertools.product(ENDED, RunStatus):
        run = new_run()
        assert runs.move_run(run.id, end, when=[RunStatus.QUEUED], message="over")
        alive = [status for status in RunStatus if status not in ENDED]
        assert not runs.move_run(run.id, other, when=alive)
        found = runs.get_run(run.id)
        assert found is not None
        assert (found.status, found.message) == (end, "over")


def test_a_move_needs_the_token(home: Path) -> None:
    new_run()
    claimed = claim()
    assert claimed is not None
    run, token = claimed
    assert not runs.move_run(run.id, RunStatus.RUNNING, when=ACTIVE, token="another")
    assert runs.move_run(run.id, RunStatus.RUNNING, when=ACTIVE, token=token)
    assert runs.move_run(
        run.id, RunStatus.FAILED, when=ACTIVE, reason=Reason.KILLED, message="gone"
    )
    # The end takes the token away: what the attempt still sends is refused.
    assert not runs.move_run(run.id, RunStatus.FINISHED, when=list(RunStatus), token=token)
    attempt = attempts.get_attempt(run.id, 1)
    assert attempt is not None
    assert attempt.ended_at is not None


def test_a_superseded_attempt_writes_nothing(home: Path) -> None:
    new_run()
    claimed = claim()
    assert claimed is not None
    run, token = claimed
    runs.move_run(run.id, RunStatus.LOST, when=ACTIVE)
    before = runs.get_run(run.id)
    with database.write() as session:
        status = runs.record_progress(
            session,
            run.id,
            token,
            step=5,
            total_steps=10,
            epoch=0.5,
            metrics={"train/loss": 1.0},
            best_step=None,
        )
    assert status is None
    assert runs.get_run(run.id) == before


def test_a_run_goes_back_to_the_queue_and_starts_again(home: Path) -> None:
    new_run()
    first = claim()
    assert first is not None
    run, token = first
    assert runs.move_run(run.id, RunStatus.QUEUED, when=[RunStatus.STARTING], token=token)
    ended = attempts.list_attempts(run.id)[0].ended_at
    assert ended is not None
    second = claim()
    assert second is not None
    assert second[0].attempt == 2
    assert not runs.move_run(run.id, RunStatus.FAILED, when=ACTIVE, token=token)
    assert [one.ended_at for one in attempts.list_attempts(run.id)] == [ended, None]


def test_only_runs_that_do_not_train_are_deleted_and_with_all_rows(home: Path) -> None:
    run = new_run()
    claim()
    assert not runs.delete_run(run.id)
    with database.write() as session:
        metrics.append_points(session, run.id, 1, {"x": [(1, 1.0, 0.1, 1.0)]})
    runs.move_run(run.id, RunStatus.FINISHED, when=ACTIVE)
    assert runs.delete_run(run.id)
    assert runs.get_run(run.id) is None
    assert events.list_events(run.id) == []
    assert attempts.list_attempts(run.id) == []
    assert metrics.last_chunk(run.id) == 0
    # Its number is never given again: an old link must not open another run.
    assert new_run().id > run.id


CLAIMANT = """
import os, sys, time
from storage import runs
from storage.records import ACTIVE, RunStatus

def choose(run, active):
    return None if active else "cpu"

deadline = time.monotonic() + 100.0  # on a slow disk the lock is long in coming
while time.monotonic() < deadline:
    # A look before the claim, as the worker does it: writing is for those who may succeed.
    if runs.list_runs(ACTIVE):
        time.sleep(0.005)
        continue
    claimed = runs.claim_run(choose, pid=os.getpid(), process_started=0.0, host="")
    if claimed is None:
        if not runs.queue():
            break
        time.sleep(0.005)
        continue
    run, token = claimed
    print(run.id, flush=True)
    assert runs.move_run(run.id, RunStatus.FINISHED, when=ACTIVE, token=token)
"""


@pytest.mark.slow
def test_sixteen_claimants_never_claim_twice(home: Path) -> None:
    """R11: 16 processes, 300 queued runs, one slot."""
    wanted = [new_run().id for _ in range(300)]
    claimants = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMANT],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(16)
    ]
    claimed: list[int] = []
    for process in claimants:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        claimed += [int(line) for line in out.split()]
    assert Counter(claimed) == Counter(wanted)
    # Never two at once: each start follows the end of the one before.
    spans = sorted(
        (attempt.started_at, attempt.ended_at or 0.0)
        for run_id in wanted
        for attempt in attempts.list_attempts(run_id)
    )
    assert len(spans) == 300
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert database.is_sound()
