"""Queries on preferences: what the people of this home have chosen, by name."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from storage import database
from storage.schema import PreferenceRow


def read_preferences() -> dict[str, Any]:
    """Every stored preference; those never set are missing."""
    with database.read() as session:
        return {row.name: row.value for row in session.scalars(select(PreferenceRow))}


def write_preferences(values: Mapping[str, Any]) -> None:
    """Set these, all or none; others stay."""
    with database.write() as session:
        for name, value in values.items():
            session.merge(PreferenceRow(name=name, value=value))
