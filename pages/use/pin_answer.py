"""Pinning what was just tried, so that the run, or its next one, answers it while it learns."""

import streamlit as st

from backend import pins
from backend.errors import TrainroomError
from backend.pins import NewPin
from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example
from pages.components.errors import explain_error


def pin_answer(run: Run, task: Task, given: Example) -> None:
    """A button that keeps the input with the run."""
    if not st.button(
        "Pin this example", icon=":material/keep:", key="play_pin", type="tertiary",
        help=f"Up to {pins.MOST}: the run answers it at every further evaluation, and so does a "
        "copy of it. Its page shows how the opinion changed.",
    ):  # fmt: skip
        return
    try:
        pins.add_pin(run.id, task, NewPin(given.value, given.title, given.truth))
    except TrainroomError as error:
        explain_error(error, "It was not pinned")
    else:
        st.toast(f"Pinned to run #{run.id}.", icon=":material/keep:")
