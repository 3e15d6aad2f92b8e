"""What a run showed at its evaluations: kept in order, and cut where a later attempt went on."""

from pathlib import Path

from storage import attempts, database, runs, snapshots


def add(run_id: int, attempt: int, step: int, kind: str = "texts") -> None:
    with database.write() as session:
        snapshots.add(
            session, run_id, attempt, step=step, epoch=step / 10, kind=kind, content={"step": step}
        )


def claim() -> int:
    claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    assert claimed is not None
    return claimed[0].attempt


def test_an_earlier_attempts_snapshots_beyond_the_new_start_are_left_out(home: Path) -> None:
    run = runs.create_run(
        name="a", task="toy", model="toy", dataset_id="d", dataset_name="d", config={}
    )
    first = claim()
    for step in (10, 20, 30):
        add(run.id, first, step)
    add(run.id, first, 30, "map")
    assert [one.step for one in snapshots.list_snapshots(run.id, "texts")] == [10, 20, 30]
    assert snapshots.list_kinds(run.id) == ["map", "texts"]
    runs.move_run(run.id, runs.RunStatus.FAILED, when=list(runs.RunStatus))
    assert runs.requeue_run(run.id, {}, "again")
    second = claim()
    with database.write() as session:
        attempts.set_start_step(session, run.id, second, 20)
    add(run.id, second, 30)
    found = snapshots.list_snapshots(run.id, "texts")
    assert [(one.step, one.content["step"]) for one in found] == [(10, 10), (20, 20), (30, 30)]
    moments = snapshots.list_moments(run.id, "texts")
    assert [(one.snapshot, one.step, one.epoch) for one in moments] == [
        (one.id, one.step, one.epoch) for one in found
    ]
    assert snapshots.get_snapshot(moments[1].snapshot) == found[1]
    assert snapshots.get_snapshot(10**9) is None
    assert snapshots.list_moments(run.id, "map") == []
    assert snapshots.list_snapshots(run.id, after=found[-1].id) == []
    assert snapshots.list_snapshots(run.id, "map") == []
