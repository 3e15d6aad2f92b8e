"""Fields to pin an example of one's own: for the run's page and the new run's form."""

from typing import Any

import streamlit as st

from backend.pins import NewPin
from backend.tasks import Task
from backend.tasks.base import INPUT_TYPES
from pages.components.wording import escape

FILES: dict[str, list[str]] = {
    "image": ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"],
    "audio": ["wav", "flac", "ogg", "mp3"],
}
LONGEST = 10_000


def can_be_pinned(task: Task) -> bool:
    """Whether there are fields for what this task takes."""
    return task.input_kind == "text" or task.input_kind in FILES


def pin_fields(task: Task, key: str) -> NewPin | None:
    """What is to be pinned, once its button was pressed."""
    with st.form(f"pin_form_{key}", clear_on_submit=True, border=False):
        if task.input_kind == "text":
            text = st.text_area(
                "A text of your own", key=f"pin_text_{key}", max_chars=LONGEST, height=80,
                placeholder=task.input_hint,
            )  # fmt: skip
            uploaded: Any = None
        else:
            text = ""
            uploaded = st.file_uploader(
                f"One of your {INPUT_TYPES[task.input_kind][1]}", FILES[task.input_kind],
                key=f"pin_file_{key}", max_upload_size=20,
            )  # fmt: skip
        truth = st.text_input(
            "The right answer", key=f"pin_truth_{key}", max_chars=200,
            help="Optional: then you see at a glance whether it is right.",
        )  # fmt: skip
        if not st.form_submit_button("Pin it", icon=":material/keep:"):
            return None
    value = uploaded.getvalue() if uploaded is not None else text.strip()
    if not value:
        st.caption("There is nothing to pin yet.")
        return None
    title = uploaded.name if uploaded is not None else text.strip()
    return NewPin(value, title, truth.strip() or None)


def pin_value(value: Any, title: str) -> None:
    """The example itself, in small."""
    if isinstance(value, bytes):
        if value[:4] in (b"RIFF", b"fLaC", b"OggS"):
            st.audio(value)
        else:
            st.image(value, width=72, alt=escape(title, 60))
    elif isinstance(value, str):
        st.markdown(f"“{escape(value, 160)}”")
    else:
        st.markdown(escape(title, 160))
