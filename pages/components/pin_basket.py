"""Examples that wait in this browser tab for the next run; filled and emptied by several pages."""

import streamlit as st

from backend.pins import MOST, NewPin, check_pin
from backend.tasks import Task

BASKET = "new_pins"
"""In the session's state: examples by the kind of what a task takes."""


def waiting_for(task: Task) -> list[NewPin]:
    """What waits for a run of this task."""
    basket: dict[str, list[NewPin]] = st.session_state.setdefault(BASKET, {})
    return basket.setdefault(task.input_kind, [])


def put(task: Task, new: NewPin) -> bool:
    """Let one wait; False where there are MOST already. Raises what check_pin raises."""
    check_pin(task, new)
    waiting = waiting_for(task)
    if len(waiting) >= MOST:
        return False
    if all(one.value != new.value for one in waiting):
        waiting.append(new)
    return True
