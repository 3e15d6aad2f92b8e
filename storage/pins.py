"""Queries on pins: examples of the user's own that a run answers at every evaluation."""

import time

from sqlalchemy import delete, func, select

from storage import database
from storage.records import Pin
from storage.schema import PinRow


def add_pin(run_id: int, *, file: str, title: str, truth: str | None, most: int) -> Pin | None:
    """Store one more; None where the run has `most` of them already."""
    with database.write() as session:
        count = session.scalar(
            select(func.count()).select_from(PinRow).where(PinRow.run_id == run_id)
        )
        if (count or 0) >= most:
            return None
        row = PinRow(run_id=run_id, file=file, title=title, truth=truth, created_at=time.time())
        session.add(row)
        session.flush()
        return _record(row)


def list_pins(run_id: int) -> list[Pin]:
    """A run's pins in the order in which they came."""
    query = select(PinRow).where(PinRow.run_id == run_id).order_by(PinRow.id)
    with database.read() as session:
        return [_record(row) for row in session.scalars(query)]


def delete_pin(pin_id: int) -> bool:
    """Forget a pin; False where there is none."""
    with database.write() as session:
        return database.changed(session, delete(PinRow).where(PinRow.id == pin_id))


def _record(row: PinRow) -> Pin:
    return Pin(row.id, row.run_id, row.file, row.title, row.truth, row.created_at)
