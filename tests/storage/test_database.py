"""The database file: settings, migrations, transactions, what survives a killed writer."""

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from storage import database, files, metrics, runs
from storage.schema import Base

ROOT = Path(__file__).resolve().parents[2]


def test_pragmas_are_set(home: Path) -> None:
    with database.read() as session:
        values = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_migrations_lead_to_the_schema(home: Path) -> None:
    database.migrate()
    with database.read() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_head_revision_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage" / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD_REVISION


def test_many_processes_migrate_at_once(home: Path) -> None:
    code = "from storage import runs; print(len(runs.list_runs()))"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "0\n"), err


def test_a_failed_transaction_leaves_nothing(home: Path) -> None:
    run = runs.create_run(
        name="a", task="t", model="m", dataset_id="d", dataset_name="d", config={}
    )

    def half() -> None:
        with database.write() as session:
            metrics.append_points(session, run.id, 1, {"x": [(1, 1.0, 0.1, 1.0)]})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert metrics.last_chunk(run.id) == 0


def test_readers_do_not_wait_for_a_writer(home: Path) -> None:
    database.migrate()
    with database.write() as session:
        session.execute(text("SELECT 1"))
        begun = time.monotonic()
        seen: list[int] = []
        reader = threading.Thread(target=lambda: seen.append(len(runs.list_runs())))
        reader.start()
        reader.join(5)
    assert seen == [0]
    assert time.monotonic() - begun < 5


def test_a_writer_waits_for_another_one(home: Path) -> None:
    database.migrate()
    other = sqlite3.connect(files.database_path(), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.7, lambda: other.execute("COMMIT"))
    timer.start()
    run = runs.create_run(
        name="a", task="t", model="m", dataset_id="d", dataset_name="d", config={}
    )
    timer.join()
    other.close()
    assert runs.get_run(run.id) is not None


def test_watch_sees_other_writers_only_when_they_wrote(home: Path) -> None:
    watch = database.Watch()
    assert watch.changed()
    assert not watch.changed()
    runs.create_run(name="a", task="t", model="m", dataset_id="d", dataset_name="d", config={})
    assert watch.changed()
    assert not watch.changed()
    watch.close()
