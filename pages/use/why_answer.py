"""Why the model answered so: asked for with a button below the answer; used by answers.py."""

from typing import Any

import streamlit as st

from backend import inference
from backend.runs import Run
from pages.components.errors import explain_error
from pages.components.explanation import explanation

KEPT = "play_why"


def why_answer(run: Run, answer: dict[str, Any]) -> None:
    """The button; once pressed, the explanation of this answer."""
    known = st.session_state.get(KEPT)
    if known is None or known[0] is not answer["prediction"]:
        place = st.empty()
        if not place.button(
            "Why this answer?", icon=":material/psychology_alt:", key="play_why_ask",
            help="What in it mattered, which training examples are alike, what would change it.",
        ):  # fmt: skip
            return
        try:
            with place, st.spinner("Looking into it …"):
                found = inference.explain_answer(run.id, answer["given"].value)
            known = (answer["prediction"], found)
        except Exception as error:
            explain_error(error, "There is no explanation")
            return
        place.empty()
        st.session_state[KEPT] = known
    st.markdown("#### Why this answer")
    explanation(run, known[1])
