"""Queries on pre-flights: ask for one, claim it, write down what was measured, tidy old ones."""

import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert

from storage import database
from storage.records import Preflight, PreflightState, Reason
from storage.schema import PreflightRow

FRESH_SECONDS = 15.0
"""A wish that was not repeated for so long is nobody's any more: it is passed over."""
RENEW_SECONDS = 4.0
WAITING_SECONDS = 600.0
KEPT_SECONDS = 60 * 86_400.0

_IN_WORK = (PreflightState.WAITING, PreflightState.MEASURING)


def _record(row: PreflightRow) -> Preflight:
    return Preflight(
        id=row.id,
        key=row.key,
        task=row.task,
        model=row.model,
        dataset_id=row.dataset_id,
        config=dict(row.config),
        state=PreflightState(row.state),
        message=row.message,
        reason=Reason(row.reason) if row.reason else None,
        result=row.result,
        pid=row.pid,
        process_started=row.process_started,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )


def ask(
    key: str,
    *,
    task: str,
    model: str,
    dataset_id: str,
    config: dict[str, Any],
    again: bool = False,
) -> Preflight:
    """Want a pre-flight; what is known already is only read. again: measure it once more."""
    now = time.time()
    known = get(key)
    if known is not None and not again:
        in_work = known.state in _IN_WORK
        if not in_work or now - known.asked_at < RENEW_SECONDS:
            return known
    values: dict[str, Any] = {
        "key": key, "task": task, "model": model, "dataset_id": dataset_id, "config": config,
        "state": PreflightState.WAITING, "asked_at": now,
    }  # fmt: skip
    renewed: dict[str, Any] = {"asked_at": now}
    if again:
        renewed |= {
            "state": PreflightState.WAITING, "message": None, "reason": None, "result": None,
        }  # fmt: skip
    statement = insert(PreflightRow).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_=renewed,
        # What is being measured in this moment is new enough.
        where=PreflightRow.state != PreflightState.MEASURING if again else None,
    )
    with database.write() as session:
        session.execute(statement)
        return _record(session.scalars(select(PreflightRow).where(PreflightRow.key == key)).one())


def get(key: str) -> Preflight | None:
    return get_many([key]).get(key)


def get_many(keys: Collection[str]) -> dict[str, Preflight]:
    """Those that are known, by key."""
    query = select(PreflightRow).where(PreflightRow.key.in_(list(keys)))
    with database.read() as session:
        return {row.key: _record(row) for row in session.scalars(query)}


def list_in_state(state: PreflightState) -> list[Preflight]:
    """Those in a state, the newest wish first."""
    query = select(PreflightRow).where(PreflightRow.state == state)
    with database.read() as session:
        return [
            _record(row) for row in session.scalars(query.order_by(PreflightRow.asked_at.desc()))
        ]


def wanted() -> Preflight | None:
    """The one to measure next: the newest wish that somebody still has."""
    found = list_in_state(PreflightState.WAITING)
    return found[0] if found and time.time() - found[0].asked_at < FRESH_SECONDS else None


def in_work() -> bool:
    """Whether a worker is needed: one is being measured, or somebody wants one."""
    return bool(list_in_state(PreflightState.MEASURING)) or wanted() is not None


def claim(preflight_id: int, *, pid: int, process_started: float) -> bool:
    """Give a waiting pre-flight to the calling process; False where another was quicker."""
    return _move(
        preflight_id,
        PreflightState.WAITING,
        state=PreflightState.MEASURING,
        pid=pid,
        process_started=process_started,
    )


def put_back(preflight_id: int) -> bool:
    """Let one that could not be measured to its end wait again."""
    return _move(
        preflight_id,
        PreflightState.MEASURING,
        state=PreflightState.WAITING,
        pid=None,
        process_started=None,
    )


def finish(preflight_id: int, result: dict[str, Any]) -> bool:
    """Write down what was measured."""
    return _move(
        preflight_id,
        PreflightState.MEASURING,
        state=PreflightState.DONE,
        result=result,
        ended_at=time.time(),
    )


def fail(preflight_id: int, message: str, reason: Reason) -> bool:
    """Write down why it could not be measured, as a sentence and as a code."""
    return _move(
        preflight_id,
        PreflightState.MEASURING,
        state=PreflightState.FAILED,
        message=message,
        reason=reason,
        ended_at=time.time(),
    )


def _move(preflight_id: int, when: PreflightState, **values: Any) -> bool:
    """One conditional UPDATE; False where it was in another state by then."""
    statement = update(PreflightRow).where(
        PreflightRow.id == preflight_id, PreflightRow.state == when
    )
    with database.write() as session:
        return database.changed(session, statement.values(**values))


def tidy() -> None:
    """Forget wishes that nobody has any more, and what was measured long ago."""
    now = time.time()
    with database.write() as session:
        session.execute(
            delete(PreflightRow).where(
                PreflightRow.state == PreflightState.WAITING,
                PreflightRow.asked_at < now - WAITING_SECONDS,
            )
        )
        session.execute(
            delete(PreflightRow).where(
                PreflightRow.state.in_([PreflightState.DONE, PreflightState.FAILED]),
                PreflightRow.ended_at < now - KEPT_SECONDS,
            )
        )
