"""What the user can give to a model: a text, a picture, the camera, or an example of the test."""

from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend.runs import Run
from pages.components.draw_pad import draw_pad
from pages.components.samples import some_examples
from pages.components.wording import escape

SHOWN = 8
WAYS = {
    "Upload": ":material/upload:",
    "Draw": ":material/draw:",
    "Camera": ":material/photo_camera:",
}
PICTURES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]


@dataclass(frozen=True)
class Given:
    """Something to answer: a text or a picture's bytes, what to call it, and the truth if known."""

    value: str | bytes
    name: str
    truth: str | None = None


def own_input(kind: str, run_id: int) -> Given | None:
    """The fields for the task's kind of input; something only when it is new."""
    if kind == "text":
        return _text(run_id)
    return _picture(run_id)


def _text(run_id: int) -> Given | None:
    with st.form(f"play_text_{run_id}", border=False):
        text = st.text_area(
            "Your text", height=110, max_chars=20_000, placeholder="Type a sentence …"
        )
        sent = st.form_submit_button("Ask", type="primary", icon=":material/send:")
    if not sent:
        return None
    if not text.strip():
        st.warning("Type a sentence first.", icon=":material/edit:")
        return None
    return Given(text, text)


def _picture(run_id: int) -> Given | None:
    # The browser asks for the camera as soon as the field is drawn: only on request.
    way = st.segmented_control(
        "Your picture", list(WAYS), default="Upload", required=True, key="play_way",
        format_func=lambda name: f"{WAYS[name]} {name}",
    )  # fmt: skip
    if way == "Draw":
        drawn = draw_pad("play_drawing")
        return Given(drawn, "drawing") if drawn else None
    if way == "Camera":
        return _new(run_id, "photo", st.camera_input("Take a picture", key="play_photo"))
    upload = st.file_uploader(
        "Upload a picture", PICTURES, max_upload_size=50, key="play_upload",
        label_visibility="collapsed",
    )  # fmt: skip
    return _new(run_id, "upload", upload)


def _new(run_id: int, name: str, file: UploadedFile | None) -> Given | None:
    """The file if this model was not asked yet: every rerun brings the same one again."""
    seen = (run_id, file.file_id) if file else None
    if file is None or st.session_state.get(f"play_seen_{name}") == seen:
        return None
    st.session_state[f"play_seen_{name}"] = seen
    return Given(file.getvalue(), file.name)


def examples_to_click(run: Run, kind: str) -> Given | None:
    """Examples that the model has never seen, to click; the clicked one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Or an example it has never seen", width="stretch")
        if st.button("Others", icon=":material/shuffle:", type="tertiary", key="play_others"):
            st.session_state["play_seed"] = st.session_state.get("play_seed", 0) + 1
    seed = st.session_state.get("play_seed", 0)
    try:
        examples = some_examples(run.dataset_id, "test", SHOWN, seed)
    except Exception:
        st.caption("The data set is gone, so there are no examples to show.")
        return None
    picked = None
    if kind == "text":
        for example in examples[:5]:
            words = escape(example.text or "", 90)
            key = f"play_{seed}_{example.index}"
            if st.button(words, key=key, type="tertiary", icon=":material/play_arrow:"):
                picked = Given(example.text or "", example.text or "", example.label)
        return picked
    grid = st.grid(SHOWN // 2, min_column_width=58, gap="small", key="samples_playground")
    for example in examples:
        with grid.container(gap="xsmall", horizontal_alignment="center"):
            st.image(example.png, width=56, alt=f"Example of {example.label}")
            if st.button("Try", key=f"play_{seed}_{example.index}", width="stretch"):
                name = f"example {example.index}"
                picked = Given(example.png or b"", name, example.label)
    return picked
