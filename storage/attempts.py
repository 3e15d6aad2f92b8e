"""Queries on attempts: which process tried a run, from which step on."""

from sqlalchemy import select

from storage import database
from storage.records import Attempt
from storage.schema import AttemptRow


def list_attempts(run_id: int) -> list[Attempt]:
    """The attempts of a run, first to last."""
    query = select(AttemptRow).where(AttemptRow.run_id == run_id).order_by(AttemptRow.number)
    with database.read() as session:
        return [
            Attempt(
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
            for row in session.scalars(query)
        ]
