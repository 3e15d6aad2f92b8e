"""Queries on metrics: append chunks of points, read them as arrays, merge small chunks."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import Session

from storage import database
from storage.records import Series
from storage.schema import AttemptRow, MetricRow

Point = tuple[int, float, float, float]
"""One logged value: step, value, epoch, unix time."""


def append_points(
    session: Session, run_id: int, attempt: int, points: Mapping[str, Sequence[Point]]
) -> int:
    """Add one chunk per metric name, in the caller's write transaction; returns the last id.

    0 where there was nothing to add.
    """
    rows = []
    for name, values in points.items():
        if not values:
            continue
        steps, numbers, epochs, times = zip(*values, strict=True)
        rows.append(
            MetricRow(
                run_id=run_id,
                attempt=attempt,
                name=name,
                first_step=steps[0],
                last_step=steps[-1],
                steps=np.asarray(steps, "<i8").tobytes(),
                values=np.asarray(numbers, "<f8").tobytes(),
                epochs=np.asarray(epochs, "<f8").tobytes(),
                times=np.asarray(times, "<f8").tobytes(),
            )
        )
    session.add_all(rows)
    session.flush()
    return max((row.id for row in rows), default=0)


def last_chunk(run_id: int) -> int:
    """The newest chunk id of a run; 0 where there is none."""
    with database.read() as session:
        query = select(func.max(MetricRow.id)).where(MetricRow.run_id == run_id)
        return session.scalar(query) or 0


def compact(
    session: Session, run_id: int, attempt: int, after: int, upto: int | None = None
) -> int:
    """Merge the attempt's chunks with after < id <= upto into one per name; returns the last id.

    The merged chunk keeps the newest id, so a reader in the middle reads some points again
    (and drops them by their step) but never misses one; upto leaves live readers' chunks alone.
    """
    query = select(MetricRow).where(
        MetricRow.run_id == run_id, MetricRow.attempt == attempt, MetricRow.id > after
    )
    if upto is not None:
        query = query.where(MetricRow.id <= upto)
    rows = session.scalars(query.order_by(MetricRow.id)).all()
    by_name: dict[str, list[MetricRow]] = defaultdict(list)
    for row in rows:
        by_name[row.name].append(row)
    for chunks in by_name.values():
        *older, newest = chunks
        if not older:
            continue
        newest.first_step = older[0].first_step
        for column in ("steps", "values", "epochs", "times"):
            setattr(newest, column, b"".join(getattr(chunk, column) for chunk in chunks))
        session.execute(delete(MetricRow).where(MetricRow.id.in_([chunk.id for chunk in older])))
    return rows[-1].id if rows else after


def read_series(
    run_id: int,
    names: Iterable[str] | None = None,
    *,
    after: int = 0,
    first_step: int | None = None,
    last_step: int | None = None,
) -> tuple[dict[str, Series], int]:
    """A run's metrics by name, in step order, and the newest chunk id read.

    after: only chunks with a greater id. first_step, last_step: only chunks that touch them.
    Where a later attempt went on from step s, points of the earlier one beyond s are left out:
    no step appears twice.
    """
    query = select(MetricRow.__table__).where(MetricRow.run_id == run_id, MetricRow.id > after)
    if names is not None:
        query = query.where(MetricRow.name.in_(list(names)))
    if first_step is not None:
        query = query.where(MetricRow.last_step >= first_step)
    if last_step is not None:
        query = query.where(MetricRow.first_step <= last_step)
    with database.read() as session:
        rows = session.execute(query.order_by(MetricRow.id)).all()
        starts = session.execute(
            select(AttemptRow.number, AttemptRow.start_step).where(AttemptRow.run_id == run_id)
        ).all()
    cut = {
        number: min((start for later, start in starts if later > number), default=None)
        for number, _ in starts
    }
    chunks: dict[str, list[tuple[NDArray[np.generic], ...]]] = defaultdict(list)
    for row in rows:
        chunks[row.name].append(_unpack(row, cut.get(row.attempt)))
    series = {name: _join(name, parts) for name, parts in chunks.items()}
    return series, (rows[-1].id if rows else after)


def list_names(run_id: int) -> Collection[str]:
    """The names of the metrics that a run has logged."""
    with database.read() as session:
        query = select(MetricRow.name).where(MetricRow.run_id == run_id).distinct()
        return sorted(session.scalars(query))


def _unpack(row: Row[Any], last: int | None) -> tuple[NDArray[np.generic], ...]:
    arrays = (
        np.frombuffer(row.steps, "<i8"),
        np.frombuffer(row.values, "<f8"),
        np.frombuffer(row.epochs, "<f8"),
        np.frombuffer(row.times, "<f8"),
    )
    if last is None or row.last_step <= last:
        return arrays
    keep = arrays[0] <= last
    return tuple(array[keep] for array in arrays)


def _join(name: str, parts: list[tuple[NDArray[np.generic], ...]]) -> Series:
    return Series(name, *(np.concatenate(column) for column in zip(*parts, strict=True)))
