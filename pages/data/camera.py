"""Photographing (or recording) classes: a few of each, seen at once, and taken back again."""

import streamlit as st

from backend.datasets.formats import DataFormat
from backend.datasets.incoming.given import (
    Given,
    GivenFile,
    add_file,
    find_given,
    give,
    read_file,
    remove_file,
)
from backend.errors import TrainroomError
from pages.components.errors import explain_error, told
from pages.components.wording import escape, plural
from pages.data.steps import go_on

LEAST = 3
"""Of each class: one to learn from, one to check with, one for the last test."""
SHOWN = 40


def record_classes(data_format: DataFormat) -> None:
    """Name a class, take several, see them, remove one, name the next class; then go on."""
    given = _begun(data_format)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("##### Which class is in front of it?")
        name = st.text_input(
            "Class", max_chars=60, key="camera_class", placeholder="cup",
            label_visibility="collapsed", help="Such as cup; then plate; then nothing.",
        )  # fmt: skip
        label = " ".join(name.replace("/", " ").replace("\\", " ").split())
        if label:
            given = _take(data_format, given, label)
        else:
            st.caption("Type its name, and the camera or microphone is switched on.")
    with right, st.container(key="camera_classes"):
        classes = _classes(given)
        for label, files in classes.items():
            _row(given, data_format, label, files)
        if not classes:
            st.caption("What you take appears here, class by class.")
        _next_step(data_format, given, classes)


def _begun(data_format: DataFormat) -> Given:
    """What was taken so far; a new, empty one at the beginning."""
    key = f"camera_{data_format.name}"
    try:
        return find_given(st.session_state[key])
    except (KeyError, TrainroomError):
        title = "photographs" if data_format.item == "image" else "recordings"
        given = give(f"my {title}", [], source=f"taken with this page ({title})")
        st.session_state[key] = given.id
        return given


def _take(data_format: DataFormat, given: Given, label: str) -> Given:
    """One more; the widget is new each time, so that the next can be taken at once."""
    number = max((file.number for file in given.files), default=-1) + 1
    key = f"camera_{given.id}_{number}"
    words = f"{escape(label)}: number {len(_classes(given).get(label, [])) + 1}"
    if data_format.item == "image":
        taken, ending = st.camera_input(words, key=key), "jpg"
    else:
        taken, ending = st.audio_input(words, key=key), "wav"
    if taken is not None:
        with told("It could not be kept"):
            add_file(given, f"{label}/{number}.{ending}", taken)
            st.rerun()
    return given


def _classes(given: Given) -> dict[str, list[GivenFile]]:
    found: dict[str, list[GivenFile]] = {}
    for file in given.files:
        found.setdefault(file.name.rpartition("/")[0], []).append(file)
    return found


def _row(given: Given, data_format: DataFormat, label: str, files: list[GivenFile]) -> None:
    """One class: its name, how many, and each with a button that takes it back."""
    unit = "photograph" if data_format.item == "image" else "recording"
    st.markdown(f"**{escape(label, 60)}** · {plural(len(files), unit)}")
    with st.container(horizontal=True, gap="small"):
        for place, file in enumerate(reversed(files[-SHOWN:])):
            with st.container(width=110, gap="xxsmall"):
                try:
                    data = read_file(given, file.number)
                except OSError as error:
                    explain_error(error)
                    continue
                if data_format.item == "image":
                    st.image(data, width=104, alt=f"{unit} {len(files) - place} of {label}")
                else:
                    st.audio(data)
                st.button(
                    "Remove", key=f"camera_remove_{file.number}", type="tertiary",
                    icon=":material/close:", on_click=_remove, args=(given.id, file.number),
                )  # fmt: skip


def _remove(given_id: str, number: int) -> None:
    with told("It could not be removed"):
        remove_file(find_given(given_id), number)


def _next_step(data_format: DataFormat, given: Given, classes: dict[str, list[GivenFile]]) -> None:
    few = [label for label, files in classes.items() if len(files) < LEAST]
    ready = len(classes) >= 2 and not few
    if not ready:
        missing = f"still {LEAST} of each" if len(classes) >= 2 else "at least two classes"
        st.caption(f"Needed: {missing}. Ten or more of each make a better model.")
    if st.button(
        "Go on with these", type="primary", icon=":material/arrow_forward:", disabled=not ready,
        key="camera_done",
    ):  # fmt: skip
        st.session_state.pop(f"camera_{data_format.name}", None)
        go_on(given)
