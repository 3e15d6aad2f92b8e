"""Queries on events: the append-only history of each run."""

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage import database
from storage.records import Event
from storage.schema import EventRow


def add(session: Session, run_id: int, attempt: int, kind: str, message: str) -> None:
    """Append one event in the caller's write transaction."""
    session.add(
        EventRow(run_id=run_id, attempt=attempt, time=time.time(), kind=kind, message=message)
    )


def list_events(run_id: int, after: int = 0) -> list[Event]:
    """A run's events with a greater id than `after`, oldest first."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.id > after)
    query = query.order_by(EventRow.id)
    with database.read() as session:
        return [
            Event(
                id=row.id,
                run_id=row.run_id,
                attempt=row.attempt,
                time=row.time,
                kind=row.kind,
                message=row.message,
            )
            for row in session.scalars(query)
        ]
