"""Queries on data sets: what is stored, under which name."""

from dataclasses import asdict

from sqlalchemy import delete, select

from storage import database
from storage.records import Dataset
from storage.schema import DatasetRow


def _record(row: DatasetRow) -> Dataset:
    return Dataset(
        **{column.name: getattr(row, column.name) for column in DatasetRow.__table__.columns}
    )


def create_dataset(dataset: Dataset) -> None:
    """Store a data set's row, replacing one with the same id; names are unique."""
    with database.write() as session:
        session.merge(DatasetRow(**asdict(dataset)))


def get_dataset(key: str) -> Dataset | None:
    """A data set by id or by name."""
    with database.read() as session:
        row = session.get(DatasetRow, key) or session.scalar(
            select(DatasetRow).where(DatasetRow.name == key)
        )
        return _record(row) if row else None


def list_datasets() -> list[Dataset]:
    """All data sets: bundled ones first, then the newest."""
    query = select(DatasetRow).order_by(DatasetRow.bundled.desc(), DatasetRow.created_at.desc())
    with database.read() as session:
        return [_record(row) for row in session.scalars(query)]


def delete_dataset(dataset_id: str) -> bool:
    with database.write() as session:
        return database.changed(session, delete(DatasetRow).where(DatasetRow.id == dataset_id))
