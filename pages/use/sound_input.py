"""The playground's fields for a recording: speak into the microphone or upload; for inputs.py."""

import streamlit as st

from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example
from pages.use.picture_input import new_file

WAYS = {"Microphone": ":material/mic:", "Upload": ":material/upload:"}
SOUNDS = ["wav", "mp3", "flac", "ogg"]


def sound_input(run: Run, task: Task) -> Example | None:
    """A recording to answer, once."""
    way = st.segmented_control(
        "Your recording", list(WAYS), default="Microphone", required=True, key="play_way",
        format_func=lambda name: f"{WAYS[name]} {name}",
    )  # fmt: skip
    if way == "Microphone":
        spoken = st.audio_input(
            "Press, speak, press again", sample_rate=16_000, key=f"play_voice_{run.id}"
        )
        return new_file(run.id, "voice", spoken)
    upload = st.file_uploader(
        "Upload a recording", SOUNDS, max_upload_size=50, key="play_upload",
        label_visibility="collapsed",
    )  # fmt: skip
    return new_file(run.id, "upload", upload)
