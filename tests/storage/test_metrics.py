"""Metric points: chunks, their merging, attempts that overlap, a million points."""

import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from storage import attempts, database, metrics, runs
from storage.metrics import Point
from storage.records import ACTIVE, Run, RunStatus
from storage.schema import MetricRow, RunRow


@pytest.fixture
def run(home: Path) -> Run:
    return runs.create_run(
        name="a", task="t", model="m", dataset_id="d", dataset_name="d", config={}
    )


def points(*steps: int, value: float | None = None) -> list[Point]:
    return [
        (step, float(step) if value is None else value, step / 10, 1e9 + step) for step in steps
    ]


def add(run: Run, attempt: int = 1, **series: list[Point]) -> int:
    with database.write() as session:
        return metrics.append_points(session, run.id, attempt, series)


def chunk_count(run: Run) -> int:
    with database.read() as session:
        query = select(func.count()).where(MetricRow.run_id == run.id)
        return session.scalar(query) or 0


def test_what_goes_in_comes_out_to_the_last_bit(run: Run) -> None:
    values = [0.1, float("nan"), float("inf"), -0.0, 1e-308, 3.0]
    given = [(step, value, 0.5, 1e9) for step, value in enumerate(values)]
    add(run, loss=given[:4])
    add(run, loss=given[4:])
    series, last = metrics.read_series(run.id)
    assert series["loss"].values.tobytes() == np.asarray(values).tobytes()
    assert series["loss"].steps.tolist() == list(range(6))
    assert last == metrics.last_chunk(run.id)
    assert metrics.list_names(run.id) == ["loss"]


def test_a_reader_gets_what_came_after(run: Run) -> None:
    add(run, a=points(1), b=points(1))
    _, last = metrics.read_series(run.id)
    assert metrics.read_series(run.id, after=last) == ({}, last)
    newest = add(run, b=points(2))
    series, last = metrics.read_series(run.id, after=last)
    assert (list(series), last) == (["b"], newest)
    assert series["b"].steps.tolist() == [2]


def test_merging_keeps_every_point_and_its_order(run: Run) -> None:
    for step in range(1, 11):
        add(run, a=points(step), b=points(step, step))
    before, last = metrics.read_series(run.id)
    with database.write() as session:
        merged = metrics.compact(session, run.id, 1, 0)
    assert (merged, chunk_count(run)) == (last, 2)
    after, _ = metrics.read_series(run.id)
    for name in ("a", "b"):
        for field in ("steps", "values", "epochs", "times"):
            assert np.array_equal(getattr(before[name], field), getattr(after[name], field))
    # A reader in the middle misses nothing.
    assert metrics.read_series(run.id, after=last - 3)[0]["a"].steps.tolist()[-1] == 10


def test_merging_leaves_the_newest_alone(run: Run) -> None:
    ids = [add(run, a=points(step)) for step in range(1, 11)]
    with database.write() as session:
        merged = metrics.compact(session, run.id, 1, 0, ids[5])
    assert (merged, chunk_count(run)) == (ids[5], 5)
    # A reader who was at the sixth chunk or later reads nothing twice.
    assert metrics.read_series(run.id, after=ids[5])[0]["a"].steps.tolist() == [7, 8, 9, 10]
    with database.write() as session:
        assert metrics.compact(session, run.id, 1, merged, ids[-1]) == ids[-1]
    assert metrics.read_series(run.id)[0]["a"].steps.tolist() == list(range(1, 11))
    assert chunk_count(run) == 2


def test_no_step_appears_twice_after_a_resume(run: Run) -> None:
    """Attempt 1 came to step 10, attempt 2 went on from 6, attempt 3 from 8."""
    for start, steps in ((0, range(1, 11)), (6, range(7, 10)), (8, range(9, 13))):
        with database.write() as session:
            row = session.get(RunRow, run.id)
            assert row is not None
            row.status = RunStatus.QUEUED
        claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="")
        assert claimed is not None
        number = claimed[0].attempt
        with database.write() as session:
            attempts.set_start_step(session, run.id, number, start)
        add(run, number, a=points(*steps, value=float(number)))
        runs.move_run(run.id, RunStatus.LOST, when=ACTIVE)
    series, _ = metrics.read_series(run.id)
    assert series["a"].steps.tolist() == list(range(1, 13))
    assert series["a"].values.tolist() == [1.0] * 6 + [2.0] * 2 + [3.0] * 4


def test_a_stretch_reads_only_its_chunks(run: Run) -> None:
    for first in range(0, 100, 10):
        add(run, a=points(*range(first, first + 10)))
    series, _ = metrics.read_series(run.id, first_step=25, last_step=44)
    assert series["a"].steps.tolist() == list(range(20, 50))


def test_a_million_points_are_read_within_a_second(run: Run) -> None:
    # As 100 chunks, written without a million tuples on the way.
    numbers = np.arange(1_000_000)
    with database.write() as session:
        for part in np.split(numbers, 100):
            floats = part.astype("<f8").tobytes()
            session.add(
                MetricRow(
                    run_id=run.id,
                    attempt=1,
                    name="a",
                    first_step=int(part[0]),
                    last_step=int(part[-1]),
                    steps=part.astype("<i8").tobytes(),
                    values=floats,
                    epochs=floats,
                    times=floats,
                )
            )
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        series, _ = metrics.read_series(run.id)
        seconds.append(time.perf_counter() - begun)
    assert len(series["a"].steps) == 1_000_000
    assert min(seconds) < 1.0
