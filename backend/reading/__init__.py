"""Reads a run's curves aloud: what they show, at which step, and what can be done about it."""

from backend.reading.door import findings_of
from backend.reading.findings import Finding, read_curves

__all__ = ["Finding", "findings_of", "read_curves"]
