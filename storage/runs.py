"""Queries on runs: create, read, claim, move between states, record progress."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage import database, events
from storage.records import ACTIVE, ENDED, Reason, Run, RunStatus
from storage.schema import AttemptRow, RunRow


def _record(row: RunRow) -> Run:
    return Run(
        id=row.id,
        name=row.name,
        task=row.task,
        model=row.model,
        dataset_id=row.dataset_id,
        dataset_name=row.dataset_name,
        config=dict(row.config),
        status=RunStatus(row.status),
        reason=Reason(row.reason) if row.reason else None,
        message=row.message,
        attempt=row.attempt,
        device=row.device,
        step=row.step,
        total_steps=row.total_steps,
        epoch=row.epoch,
        metrics=dict(row.metrics),
        best_step=row.best_step,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        heartbeat_at=row.heartbeat_at,
        held=row.held,
        dataset_version=row.dataset_version,
        parent_id=row.parent_id,
    )


def create_run(
    *,
    name: str,
    task: str,
    model: str,
    dataset_id: str,
    dataset_name: str,
    config: dict[str, Any],
    dataset_version: int = 1,
    parent_id: int | None = None,
) -> Run:
    """Store a new run as queued, at the end of the queue; parent_id: what it was made from."""
    now = time.time()
    with database.write() as session:
        last = session.scalar(select(func.max(RunRow.position))) or 0.0
        row = RunRow(
            name=name,
            task=task,
            model=model,
            dataset_id=dataset_id,
            dataset_name=dataset_name,
            dataset_version=dataset_version,
            parent_id=parent_id,
            config=config,
            status=RunStatus.QUEUED,
            position=last + 1,
            metrics={},
            created_at=now,
        )
        session.add(row)
        session.flush()
        events.add(session, row.id, 0, "queued", "Waiting for its turn.")
        return _record(row)


def get_run(run_id: int) -> Run | None:
    with database.read() as session:
        row = session.get(RunRow, run_id)
        return _record(row) if row else None


def list_runs(statuses: Iterable[RunStatus] | None = None, limit: int | None = None) -> list[Run]:
    """Runs, newest first."""
    query = select(RunRow).order_by(RunRow.id.desc())
    if statuses is not None:
        query = query.where(RunRow.status.in_(list(statuses)))
    if limit is not None:
        query = query.limit(limit)
    with database.read() as session:
        return [_record(row) for row in session.scalars(query)]


def queue() -> list[Run]:
    """Queued runs in the order in which they will start, those that are held among them."""
    query = select(RunRow).where(RunRow.status == RunStatus.QUEUED)
    query = query.order_by(RunRow.position, RunRow.id)
    with database.read() as session:
        return [_record(row) for row in session.scalars(query)]


def list_names() -> set[str]:
    """The names of all runs."""
    with database.read() as session:
        return set(session.scalars(select(RunRow.name)))


def rename_run(run_id: int, name: str) -> bool:
    with database.write() as session:
        return database.changed(
            session, update(RunRow).where(RunRow.id == run_id).values(name=name)
        )


def delete_run(run_id: int) -> bool:
    """Delete an ended or queued run with all its rows; False where it is active or missing."""
    removable = [*ENDED, RunStatus.QUEUED]
    with database.write() as session:
        return database.changed(
            session, delete(RunRow).where(RunRow.id == run_id, RunRow.status.in_(removable))
        )


def claim_run(
    choose_device: Callable[[Run, Sequence[Run]], str | None],
    *,
    pid: int,
    process_started: float,
    host: str,
) -> tuple[Run, str] | None:
    """Give the first queued run that finds a device to the calling process, atomically.

    choose_device(run, active runs) names the device for a queued run, or None where it has to
    wait. Returns the run (status starting) and the token that all its later writes must carry.
    """
    with database.write() as session:
        rows = session.scalars(
            select(RunRow).where(RunRow.status.in_([*ACTIVE, RunStatus.QUEUED]))
        ).all()
        active = [_record(row) for row in rows if row.status != RunStatus.QUEUED]
        queued = sorted(
            (row for row in rows if row.status == RunStatus.QUEUED and not row.held),
            key=lambda row: row.position,
        )
        for row in queued:
            device = choose_device(_record(row), active)
            if device is None:
                continue
            now, token = time.time(), secrets.token_hex(8)
            row.status = RunStatus.STARTING
            row.reason = row.message = row.ended_at = None
            row.attempt += 1
            row.token = token
            row.device = device
            row.started_at = row.started_at or now
            row.heartbeat_at = now
            session.add(
                AttemptRow(
                    run_id=row.id,
                    number=row.attempt,
                    token=token,
                    pid=pid,
                    process_started=process_started,
                    host=host,
                    device=device,
                    start_step=row.step,
                    started_at=now,
                )
            )
            events.add(session, row.id, row.attempt, "starting", "Starting.")
            session.flush()
            return _record(row), token
    return None


def move_run(
    run_id: int,
    to: RunStatus,
    *,
    when: Iterable[RunStatus],
    token: str | None = None,
    reason: Reason | None = None,
    message: str = "",
) -> bool:
    """Move a run to another state if it is in one of `when` (and holds the token, if given).

    One conditional UPDATE and one event; False where the run was elsewhere by then.
    """
    now = time.time()
    values: dict[str, Any] = {"status": to}
    if to in ENDED:
        told = reason is Reason.USER_STOP  # whoever stopped it knows
        values |= {"reason": reason, "message": message or None, "ended_at": now, "told": told}
    if to in ENDED or to is RunStatus.QUEUED:
        values["token"] = None
    statement = update(RunRow).where(RunRow.id == run_id, RunRow.status.in_(list(when)))
    if token is not None:
        statement = statement.where(RunRow.token == token)
    with database.write() as session:
        attempt = session.scalar(select(RunRow.attempt).where(RunRow.id == run_id))
        if not database.changed(session, statement.values(values)):
            return False
        events.add(session, run_id, attempt or 0, str(to), message)
        if to in ENDED or to is RunStatus.QUEUED:
            session.execute(
                update(AttemptRow)
                .where(
                    AttemptRow.run_id == run_id,
                    AttemptRow.number == attempt,
                    AttemptRow.ended_at.is_(None),
                )
                .values(ended_at=now)
            )
    return True


def requeue_run(run_id: int, config: dict[str, Any], message: str) -> bool:
    """Put an ended run back at the end of the queue as its next attempt; False if it has not ended.

    config replaces the run's own.
    """
    with database.write() as session:
        row = session.get(RunRow, run_id)
        if row is None or RunStatus(row.status) not in ENDED:
            return False
        row.status, row.config, row.held, row.told = RunStatus.QUEUED, config, False, True
        row.reason = row.message = row.token = row.ended_at = None
        row.position = (session.scalar(select(func.max(RunRow.position))) or 0.0) + 1
        events.add(session, run_id, row.attempt, "queued", message)
    return True


def hold_run(run_id: int, held: bool) -> bool:
    """Let a queued run wait, or go on; False where it is not queued or already so."""
    statement = update(RunRow).where(
        RunRow.id == run_id, RunRow.status == RunStatus.QUEUED, RunRow.held.is_(not held)
    )
    with database.write() as session:
        if not database.changed(session, statement.values(held=held)):
            return False
        words = "Held back until you let it go." if held else "Waiting for its turn again."
        attempt = session.scalar(select(RunRow.attempt).where(RunRow.id == run_id)) or 0
        events.add(session, run_id, attempt, "held" if held else "queued", words)
    return True


def place_run(run_id: int, place: int) -> bool:
    """Move a queued run to a place in the queue, 0 is the front; False where it is not queued."""
    with database.write() as session:
        waiting = list(
            session.scalars(
                select(RunRow)
                .where(RunRow.status == RunStatus.QUEUED)
                .order_by(RunRow.position, RunRow.id)
            )
        )
        moved = next((row for row in waiting if row.id == run_id), None)
        if moved is None:
            return False
        positions = [row.position for row in waiting]
        waiting.remove(moved)
        waiting.insert(max(0, place), moved)
        for row, position in zip(waiting, positions, strict=True):
            row.position = position
    return True


def forget_model(run_id: int) -> None:
    """Note that no checkpoint is left of an ended run."""
    with database.write() as session:
        session.execute(
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.status.in_(ENDED))
            .values(best_step=None)
        )


def list_untold() -> list[Run]:
    """Ended runs of which nobody has been told yet, oldest end first."""
    query = select(RunRow).where(RunRow.told.is_(False), RunRow.status.in_(ENDED))
    with database.read() as session:
        return [_record(row) for row in session.scalars(query.order_by(RunRow.ended_at))]


def list_ended(after: float, until: float) -> list[Run]:
    """Runs that ended after a moment and up to another, unless by wish; oldest end first."""
    query = select(RunRow).where(
        RunRow.status.in_(ENDED),
        RunRow.ended_at > after,
        RunRow.ended_at <= until,
        func.coalesce(RunRow.reason, "") != Reason.USER_STOP,
    )
    with database.read() as session:
        return [_record(row) for row in session.scalars(query.order_by(RunRow.ended_at))]


def mark_told(run_id: int) -> None:
    with database.write() as session:
        session.execute(update(RunRow).where(RunRow.id == run_id).values(told=True))


def holds_token(run_id: int, token: str) -> bool:
    """Whether an attempt is still the run's own."""
    with database.read() as session:
        return session.scalar(select(RunRow.token).where(RunRow.id == run_id)) == token


def record_progress(
    session: Session,
    run_id: int,
    token: str,
    *,
    step: int,
    total_steps: int,
    epoch: float,
    metrics: Mapping[str, float],
    best_step: int | None,
) -> RunStatus | None:
    """Heartbeat and newest values, in the caller's write transaction.

    Returns the run's status as the worker should see it, or None where the token is no longer
    the run's own: then nothing was written, and the caller must stop.
    """
    row = session.get(RunRow, run_id)
    if row is None or row.token != token:
        return None
    row.step, row.total_steps, row.epoch = step, total_steps, epoch
    row.metrics = {**row.metrics, **metrics}
    row.best_step = best_step
    row.heartbeat_at = time.time()
    return RunStatus(row.status)
