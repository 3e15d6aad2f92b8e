"""Queries on snapshots: what a run showed at its evaluations, such as answers to fixed inputs."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from storage import database
from storage.records import Moment, Snapshot
from storage.schema import AttemptRow, SnapshotRow


def add(
    session: Session,
    run_id: int,
    attempt: int,
    *,
    step: int,
    epoch: float,
    kind: str,
    content: Mapping[str, Any],
) -> None:
    """Append one snapshot in the caller's write transaction."""
    session.add(
        SnapshotRow(
            run_id=run_id,
            attempt=attempt,
            step=step,
            epoch=epoch,
            time=time.time(),
            kind=kind,
            content=dict(content),
        )
    )


def list_snapshots(run_id: int, kind: str | None = None, *, after: int = 0) -> list[Snapshot]:
    """A run's snapshots, oldest first, of one kind where asked; only those with a greater id.

    Where a later attempt went on from step s, the earlier one's beyond s are left out.
    """
    query = select(SnapshotRow).where(SnapshotRow.run_id == run_id, SnapshotRow.id > after)
    if kind is not None:
        query = query.where(SnapshotRow.kind == kind)
    with database.read() as session:
        rows = session.scalars(query.order_by(SnapshotRow.step, SnapshotRow.id)).all()
        starts = _starts(session, run_id)
        return [_record(row) for row in rows if _counts(row, starts)]


def list_moments(run_id: int, kind: str) -> list[Moment]:
    """When a run's snapshots of one kind were taken, oldest first; what they hold is not read."""
    query = (
        select(SnapshotRow.id, SnapshotRow.step, SnapshotRow.epoch, SnapshotRow.attempt)
        .where(SnapshotRow.run_id == run_id, SnapshotRow.kind == kind)
        .order_by(SnapshotRow.step, SnapshotRow.id)
    )
    with database.read() as session:
        starts = _starts(session, run_id)
        rows = [row for row in session.execute(query) if _counts(row, starts)]
    return [Moment(row.id, row.step, row.epoch) for row in rows]


def get_snapshot(snapshot_id: int) -> Snapshot | None:
    """One snapshot with what it holds."""
    with database.read() as session:
        row = session.get(SnapshotRow, snapshot_id)
        return None if row is None else _record(row)


def _starts(session: Session, run_id: int) -> list[tuple[int, int]]:
    """The number of each attempt, and the step at which it began."""
    query = select(AttemptRow.number, AttemptRow.start_step).where(AttemptRow.run_id == run_id)
    return [(number, start) for number, start in session.execute(query)]


def _counts(row: SnapshotRow | Row[*tuple[Any, ...]], starts: list[tuple[int, int]]) -> bool:
    """Whether no later attempt went on from before it."""
    return all(row.step <= start for number, start in starts if number > row.attempt)


def _record(row: SnapshotRow) -> Snapshot:
    return Snapshot(row.id, row.run_id, row.step, row.epoch, row.time, row.kind, dict(row.content))


def list_kinds(run_id: int) -> list[str]:
    """Which kinds of snapshots a run has, by name."""
    query = select(SnapshotRow.kind).where(SnapshotRow.run_id == run_id).distinct()
    with database.read() as session:
        return sorted(session.scalars(query))
