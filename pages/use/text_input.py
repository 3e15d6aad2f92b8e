"""The playground's field for a text; used by inputs.py."""

import streamlit as st

from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example


def text_input(run: Run, task: Task) -> Example | None:
    """A text to answer, once it was sent."""
    with st.form(f"play_text_{run.id}", border=False):
        text = st.text_area("Your text", height=110, max_chars=20_000, placeholder=task.input_hint)
        sent = st.form_submit_button("Ask", type="primary", icon=":material/send:")
    if not sent:
        return None
    if not text.strip():
        st.warning("Type a sentence first.", icon=":material/edit:")
        return None
    return Example(text, text)
