"""The new run's form: examples of one's own that it is to answer while it learns."""

import streamlit as st

from backend.errors import TrainroomError
from backend.pins import MOST, NewPin
from backend.tasks import Task
from pages.components.errors import explain_error
from pages.components.pin_basket import put, waiting_for
from pages.components.pin_fields import can_be_pinned, pin_fields, pin_value


def pins_step(task: Task, copied: list[NewPin], asked: object) -> None:
    """An expander with what is pinned, and fields for more.

    copied: the examples of the run that is copied, taken over once per address (asked).
    """
    waiting = waiting_for(task)
    if copied and st.session_state.get("new_pins_of") != asked:
        st.session_state["new_pins_of"] = asked
        known = {one.title for one in waiting}
        waiting += [one for one in copied if one.title not in known][: MOST - len(waiting)]
    if not can_be_pinned(task):
        return
    # Its words stay the same: with others it would be another one, and closed again.
    with st.expander("Your own examples", icon=":material/keep:", key="new_pins_expander"):
        st.caption(
            f"Pin up to {MOST} texts or files: the run answers them at every evaluation, so that "
            "you see how its opinion changes while it learns."
        )
        for place, one in enumerate(waiting):
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container(width="stretch"):
                    pin_value(one.value, one.title)
                st.button(
                    "Remove", icon=":material/close:", type="tertiary", key=f"new_unpin_{place}",
                    on_click=waiting.remove, args=(one,),
                )  # fmt: skip
        if len(waiting) >= MOST:
            return
        new = pin_fields(task, f"new_{task.input_kind}")
        if new is None:
            return
        try:
            put(task, new)
        except TrainroomError as error:
            explain_error(error, "It was not pinned")
        else:
            st.rerun()
