"""An answer that is shown while it grows, with a button that stops it; used by answers.py."""

from contextlib import closing
from typing import Any, Protocol

import streamlit as st

from backend import inference
from backend.inference import Answer
from backend.runs import Run
from backend.tasks.base import Example
from pages.components.layout import card
from pages.use.text_answer import written_text


class Keeper(Protocol):
    """What remembers an answer for the page."""

    def __call__(self, answer: Answer, *, complete: bool) -> None: ...


def growing_answer(run: Run, given: Example, options: dict[str, Any], keep: Keeper) -> None:
    """Show the answer as it comes; what is there when somebody stops it stays.

    A press of the button ends this script at its next word and runs the page anew, as does leaving
    the page: closing the answers then ends the process that still writes.
    """
    slot = st.empty()
    with slot.container(), card("growing"):
        area = st.empty()
        with area.container():
            st.caption("It is thinking …")
        st.button("Stop", icon=":material/stop_circle:", key="play_stop", on_click=inference.warm)
    newest: Answer | None = None
    with closing(inference.predict_stream(run.id, given.value, options=options)) as answers:
        for answer in answers:
            newest = answer
            keep(answer, complete=False)
            with area.container():
                written_text(given, answer.predictions[0])
    if newest is not None:
        keep(newest, complete=True)
    slot.empty()
