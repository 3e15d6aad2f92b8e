"""The tables, as typed SQLAlchemy classes; used by the query modules of this package only."""

from typing import Any, ClassVar

from sqlalchemy import JSON, Float, ForeignKey, Index, LargeBinary, MetaData, Text, false, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    # Named constraints, so that a migration can drop or change them later.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: Text,
        float: Float,
    }


class DatasetRow(Base):
    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    task: Mapped[str]
    rows: Mapped[int]
    classes: Mapped[list[Any]]
    splits: Mapped[dict[str, Any]]
    source: Mapped[str]
    licence: Mapped[str]
    bundled: Mapped[bool]
    bytes: Mapped[int]
    created_at: Mapped[float]
    skipped: Mapped[list[Any]]
    details: Mapped[dict[str, Any]]
    format: Mapped[str] = mapped_column(default="", server_default="")
    # The version that the columns above tell of; new runs take it.
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class DatasetVersionRow(Base):
    __tablename__ = "dataset_versions"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[float]
    summary: Mapped[str]
    sha256: Mapped[str]
    rows: Mapped[int]
    classes: Mapped[list[Any]]
    splits: Mapped[dict[str, Any]]
    details: Mapped[dict[str, Any]]


class RunRow(Base):
    __tablename__ = "runs"
    # A number is never given twice, so an old link never opens somebody else's run.
    __table_args__ = (Index("ix_runs_status", "status"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    task: Mapped[str]
    model: Mapped[str]
    # No foreign key: a run outlives its data set and still tells its name.
    dataset_id: Mapped[str] = mapped_column(index=True)
    dataset_name: Mapped[str]
    dataset_version: Mapped[int] = mapped_column(default=1, server_default="1")
    config: Mapped[dict[str, Any]]
    status: Mapped[str]
    reason: Mapped[str | None]
    message: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(default=0)
    token: Mapped[str | None]
    device: Mapped[str | None]
    position: Mapped[float]
    held: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether whoever wants to know has been told that it ended.
    told: Mapped[bool] = mapped_column(default=True, server_default=true())
    step: Mapped[int] = mapped_column(default=0)
    total_steps: Mapped[int] = mapped_column(default=0)
    epoch: Mapped[float] = mapped_column(default=0.0)
    metrics: Mapped[dict[str, Any]]
    best_step: Mapped[int | None]
    # No foreign key: a run outlives the one that it was made from.
    parent_id: Mapped[int | None]
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    heartbeat_at: Mapped[float | None]


class PreferenceRow(Base):
    __tablename__ = "preferences"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class AttemptRow(Base):
    __tablename__ = "attempts"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str]
    pid: Mapped[int]
    process_started: Mapped[float]
    host: Mapped[str]
    device: Mapped[str]
    start_step: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[float]
    ended_at: Mapped[float | None]


class EventRow(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    attempt: Mapped[int]
    time: Mapped[float]
    kind: Mapped[str]
    message: Mapped[str]


class MetricRow(Base):
    """A chunk of one metric's points: packed little-endian arrays of equal length.

    One row per point would cost the worker 6 % of its time on fast models and a million points
    a second to read; docs/decisions.md has the measurement.
    """

    __tablename__ = "metrics"
    # Ids only grow: a reader that saw id n asks for what came after n.
    __table_args__ = (
        Index("ix_metrics_run_id_name", "run_id", "name"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    name: Mapped[str]
    first_step: Mapped[int]
    last_step: Mapped[int]
    steps: Mapped[bytes] = mapped_column(LargeBinary)
    values: Mapped[bytes] = mapped_column(LargeBinary)
    epochs: Mapped[bytes] = mapped_column(LargeBinary)
    times: Mapped[bytes] = mapped_column(LargeBinary)


class SnapshotRow(Base):
    __tablename__ = "snapshots"
    # Ids only grow: a reader that saw id n asks for what came after n.
    __table_args__ = (
        Index("ix_snapshots_run_id_kind", "run_id", "kind"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    step: Mapped[int]
    epoch: Mapped[float]
    time: Mapped[float]
    kind: Mapped[str]
    content: Mapped[dict[str, Any]]


class PinRow(Base):
    """An example of the user's own that a run answers at every evaluation; a file holds it."""

    __tablename__ = "pins"
    # A number is never given twice: answers name the example that they are to.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - as SQLAlchemy wants it

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    file: Mapped[str]
    title: Mapped[str]
    truth: Mapped[str | None]
    created_at: Mapped[float]


class PreflightRow(Base):
    """What one choice of task, model, data and settings takes on this machine."""

    __tablename__ = "preflights"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    task: Mapped[str]
    model: Mapped[str]
    # No foreign key: a measurement of deleted data is tidied with the others.
    dataset_id: Mapped[str]
    config: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(index=True)
    message: Mapped[str | None]
    reason: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    pid: Mapped[int | None]
    process_started: Mapped[float | None]
    asked_at: Mapped[float]
    ended_at: Mapped[float | None]
