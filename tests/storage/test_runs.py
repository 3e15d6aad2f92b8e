"""Runs in the database: moves between states, claims, fencing by token."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from storage import attempts, database, events, metrics, runs
from storage.records import ACTIVE, ENDED, Reason, Run, RunStatus


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
