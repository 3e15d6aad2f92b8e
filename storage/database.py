"""Opens the SQLite file, migrates it, and hands out read and write transactions."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from filelock import FileLock
from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    create_engine,
    event,
    text,
)
from sqlalchemy.orm import Session

from storage import files

HEAD_REVISION = "0006"
# Seconds a writer waits for another one's transaction; ours last milliseconds.
BUSY_TIMEOUT = 30

_engines: dict[tuple[Path, int], Engine] = {}
_guard = threading.Lock()


def _engine() -> Engine:
    """The engine of the current home, migrated; one per home and process."""
    # A forked child must not use its parent's SQLite handles.
    key = (files.database_path(), os.getpid())
    with _guard:
        if key not in _engines:
            engine = _open(key[0])
            _migrate(engine)
            _engines[key] = engine
        return _engines[key]


def _open(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT})

    @event.listens_for(engine, "connect")
    def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
        # The driver's own BEGIN is deferred and comes late; ours is sent in _begin.
        connection.isolation_level = None
        cursor = connection.cursor()
        # fullfsync: macOS alone needs to be told that synced means on the disk.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred read that turns into a write gets SQLITE_BUSY whatever the time-out.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _migrate(engine: Engine) -> None:
    """Bring the schema to HEAD_REVISION; the quick look spares every start Alembic's import."""
    if _revision(engine) == HEAD_REVISION:
        return
    from alembic import command
    from alembic.config import Config

    with FileLock(files.locks_dir() / "migrate.lock"):
        if _revision(engine) == HEAD_REVISION:
            return
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with engine.connect().execution_options(immediate=True) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        known = connection.execute(
            text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
        ).first()
        if known is None:
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def read() -> Iterator[Session]:
    """A read transaction: one consistent view, never waits for a writer."""
    with Session(_engine()) as session:
        yield session


@contextmanager
def write() -> Iterator[Session]:
    """A write transaction, BEGIN IMMEDIATE; commits at the end, rolls back on an error."""
    with Session(_engine().execution_options(immediate=True)) as session, session.begin():
        yield session


class Watch:
    """Tells at the price of microseconds whether any process has written since the last call."""

    def __init__(self) -> None:
        # The driver's own connection: in a transaction the answer would never change.
        self._connection = _engine().raw_connection()
        self._version: int | None = None

    def changed(self) -> bool:
        """Whether another connection has committed; True at the first call."""
        cursor = self._connection.cursor()
        version = cursor.execute("PRAGMA data_version").fetchone()[0]
        cursor.close()
        different = version != self._version
        self._version = version
        return different

    def close(self) -> None:
        self._connection.close()


def changed(session: Session, statement: Executable) -> bool:
    """Run an UPDATE or DELETE; whether it touched a row."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0


def is_sound() -> bool:
    """Whether SQLite's own integrity check passes."""
    with read() as session:
        return session.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def migrate() -> None:
    """Create or upgrade the database of the current home."""
    _engine()
