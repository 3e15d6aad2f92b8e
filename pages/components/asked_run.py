"""Which run a page's address asks for; whatever stands there, it is a number or none."""

import streamlit as st

from backend import runs
from backend.errors import TrainroomError


def as_number(text: str) -> int:
    """A run's number; 0, which no run has, where the text is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else 0


def asked_number() -> int:
    """The number that ?run= names, or 0."""
    return as_number(st.query_params.get("run", ""))


def asked_run() -> runs.Run | None:
    """The run that ?run= names; None where the number is none or unknown."""
    try:
        return runs.get_run(asked_number())
    except TrainroomError:
        return None
