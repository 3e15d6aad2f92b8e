"""Queries on the versions of data sets: what each one held, and which is the current one."""

from dataclasses import asdict

from sqlalchemy import delete, func, select, update

from storage import database
from storage.records import Dataset, DatasetVersion
from storage.schema import DatasetRow, DatasetVersionRow


def _record(row: DatasetVersionRow) -> DatasetVersion:
    columns = DatasetVersionRow.__table__.columns
    return DatasetVersion(**{column.name: getattr(row, column.name) for column in columns})


def list_versions(dataset_id: str) -> list[DatasetVersion]:
    """All versions of a data set, the newest first."""
    query = select(DatasetVersionRow).where(DatasetVersionRow.dataset_id == dataset_id)
    with database.read() as session:
        rows = session.scalars(query.order_by(DatasetVersionRow.number.desc()))
        return [_record(row) for row in rows]


def get_version(dataset_id: str, number: int) -> DatasetVersion | None:
    with database.read() as session:
        row = session.get(DatasetVersionRow, (dataset_id, number))
        return _record(row) if row else None


def next_number(dataset_id: str) -> int:
    """The number that a new version would get: one more than the highest so far."""
    query = select(func.max(DatasetVersionRow.number))
    with database.read() as session:
        highest = session.scalar(query.where(DatasetVersionRow.dataset_id == dataset_id))
    return (highest or 1) + 1


def publish(dataset: Dataset, version: DatasetVersion, *, fresh: bool = False) -> None:
    """Store a version and the data set's row that tells of it, in one transaction.

    fresh: the data set begins anew, without any version that it had before.
    """
    with database.write() as session:
        session.merge(DatasetRow(**asdict(dataset)))
        session.flush()
        if fresh:
            gone = delete(DatasetVersionRow).where(DatasetVersionRow.dataset_id == dataset.id)
            session.execute(gone)
        session.merge(DatasetVersionRow(**asdict(version)))


def replace(dataset: Dataset, versions: list[DatasetVersion]) -> None:
    """Store a data set's row and the versions that were changed after the fact, all at once."""
    with database.write() as session:
        session.merge(DatasetRow(**asdict(dataset)))
        session.flush()
        for version in versions:
            session.merge(DatasetVersionRow(**asdict(version)))


def set_sha256(dataset_id: str, number: int, sha256: str) -> None:
    """Keep a sum that had not been reckoned yet."""
    with database.write() as session:
        session.execute(
            update(DatasetVersionRow)
            .where(DatasetVersionRow.dataset_id == dataset_id, DatasetVersionRow.number == number)
            .values(sha256=sha256)
        )
