"""The playground's fields for a picture, or two: upload, draw or take them; used by inputs.py."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example
from pages.components.draw_pad import draw_pad
from pages.components.wording import escape

WAYS = {
    "Upload": ":material/upload:",
    "Draw": ":material/draw:",
    "Camera": ":material/photo_camera:",
}
PICTURES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
PLACES = {"first": "First picture", "second": "Second picture"}


def picture_input(run: Run, task: Task) -> Example | None:
    """A picture to answer, once."""
    return _picture(run, "Your picture", "")


def pair_input(run: Run, task: Task) -> Example | None:
    """Two pictures to compare, once both are there and the button was pressed."""
    held: dict[str, Example] = st.session_state.setdefault(f"play_pair_{run.id}", {})
    for place, title in PLACES.items():
        if given := _picture(run, title, f"{place}_"):
            held[place] = given
        if place in held:
            with st.container(
                horizontal=True, vertical_alignment="center", key=f"play_held_{place}"
            ):
                _small(held[place], title)
    ready = len(held) == len(PLACES)
    if not st.button(
        "Compare", key="play_compare", type="primary", icon=":material/compare:",
        disabled=not ready, help=None if ready else "Give both pictures first.",
    ):  # fmt: skip
        return None
    pair = [held[place] for place in PLACES]
    return Example([one.value for one in pair], " and ".join(one.title for one in pair))


def _small(given: Example, title: str) -> None:
    try:
        st.image(given.value, width=64, alt=title)
        st.caption(escape(given.title, 60))
    except Exception:  # what cannot be shown cannot be compared either: the answer says why
        st.caption(f"{escape(given.title, 60)} cannot be shown.")


def _picture(run: Run, title: str, place: str) -> Example | None:
    """One picture by one of the ways, when it is new; place keeps the fields of two apart."""
    # The browser asks for the camera as soon as the field is drawn: only on request.
    way = st.segmented_control(
        title, list(WAYS), default="Upload", required=True, key=f"play_{place}way",
        format_func=lambda name: f"{WAYS[name]} {name}",
    )  # fmt: skip
    if way == "Draw":
        drawn = draw_pad(f"play_{place}drawing", "Use" if place else "Ask")
        return Example(drawn, "drawing") if drawn else None
    if way == "Camera":
        photo = st.camera_input("Take a picture", key=f"play_{place}photo")
        return new_file(run.id, f"{place}photo", photo)
    upload = st.file_uploader(
        "Upload a picture", PICTURES, max_upload_size=50, key=f"play_{place}upload",
        label_visibility="collapsed",
    )  # fmt: skip
    return new_file(run.id, f"{place}upload", upload)


def new_file(run_id: int, name: str, file: UploadedFile | None) -> Example | None:
    """The file if this model was not asked yet: every rerun brings the same one again."""
    seen = (run_id, file.file_id) if file else None
    if file is None or st.session_state.get(f"play_seen_{name}") == seen:
        return None
    st.session_state[f"play_seen_{name}"] = seen
    return Example(file.getvalue(), file.name)
