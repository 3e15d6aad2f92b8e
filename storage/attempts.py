"""Queries on attempts: which process tried a run, from which step on."""

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage import database
from storage.records import Attempt
from storage.schema import AttemptRow


def _record(row: AttemptRow) -> Attempt:
    return Attempt(
        run_id=row.run_id,
        number=row.number,
        token=row.token,
        pid=row.pid,
        process_started=row.process_started,
        host=row.host,
        device=row.device,
        start_step=row.start_step,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def list_attempts(run_id: int) -> list[Attempt]:
    """The attempts of a run, first to last."""
    query = select(AttemptRow).where(AttemptRow.run_id == run_id).order_by(AttemptRow.number)
    with database.read() as session:
        return [_record(row) for row in session.scalars(query)]


def get_attempt(run_id: int, number: int) -> Attempt | None:
    with database.read() as session:
        row = session.get(AttemptRow, (run_id, number))
        return _record(row) if row else None


def claims_of(pids: Collection[int]) -> set[tuple[int, float]]:
    """Number and start time of those processes among these numbers that have claimed a run."""
    query = select(AttemptRow.pid, AttemptRow.process_started).where(AttemptRow.pid.in_(list(pids)))
    with database.read() as session:
        return {(pid, started) for pid, started in session.execute(query)}


def set_start_step(session: Session, run_id: int, number: int, start_step: int) -> None:
    """Note the step that an attempt really went on from, in the caller's write transaction."""
    session.execute(
        update(AttemptRow)
        .where(AttemptRow.run_id == run_id, AttemptRow.number == number)
        .values(start_step=start_step)
    )
