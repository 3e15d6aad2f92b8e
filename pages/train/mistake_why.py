"""Why a run gave its wrong answer to one test example: a dialog on the page of mistakes."""

import streamlit as st

from backend import corrections, inference
from backend.corrections import Tested
from pages.components.errors import explain_error
from pages.components.explanation import explanation
from pages.components.wording import escape


@st.dialog("Why this answer", width="large", icon=":material/psychology_alt:")
def why_dialog(tested: Tested, number: int, said: str) -> None:
    """Asks the model again, once per example and session."""
    key = f"mistake_why_{tested.run.id}_{number}"
    if key not in st.session_state:
        try:
            with st.spinner("Looking into it …"):
                value = corrections.value_of(tested, number)
                found = inference.explain_answer(tested.run.id, value)
            st.session_state[key] = (value, found)
        except Exception as error:
            explain_error(error, "There is no explanation")
            return
    value, found = st.session_state[key]
    if isinstance(value, str):
        st.markdown(f"> {escape(value, 600)}")
    st.markdown(f"The model said **{escape(said, 60)}**.")
    explanation(tested.run, found)
