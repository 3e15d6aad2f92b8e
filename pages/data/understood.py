"""What was understood of something given: shown, corrected, and brought in when it is right."""

from pathlib import Path

import streamlit as st

from backend.datasets import errands
from backend.datasets.formats import DataFormat
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.given import Given
from backend.datasets.incoming.look import Look
from backend.errors import TrainroomError
from backend.jobs.errands import Errand
from backend.tasks import tasks_for
from pages.components.errand_progress import follow_errand
from pages.components.errors import error_box, explain_error
from pages.components.layout import card
from pages.components.wording import escape, plural
from pages.data.corrections import correct, read_differently
from pages.data.import_result import skipped_by_look
from pages.data.look_examples import show_examples

PATIENCE = 3.0
"""Seconds that the page waits by itself before it shows a bar."""
CLASSES = 40
SPLITS = {"": "to be divided", "train": "training", "validation": "validation", "test": "test"}


def understood(given: Given, data_format: DataFormat) -> None:
    """Look at what was given, as the corrections so far say; show it; let it be brought in."""
    key = f"{given.id}_{data_format.name}"
    choices: Choices = st.session_state.get(f"choices_{key}", Choices())
    errand = _look(given, data_format, choices, key)
    if errand.is_running:
        with card("looking"):
            if follow_errand(errand.id):
                del st.query_params["given"]
                st.rerun()
        return
    try:
        look = errands.look_result(errand)
    except TrainroomError as error:
        explain_error(error, "That cannot be brought in")
        changed = read_differently(data_format, choices, key)
        if changed != choices:
            st.session_state[f"choices_{key}"] = changed
            st.rerun()
        return
    with card("understood"):
        _summary(look, data_format)
        changed = correct(look, data_format, choices, key)
    if changed != choices:
        st.session_state[f"choices_{key}"] = changed
        st.rerun()
    show_examples(errand, look, data_format)
    _bring_in(given, data_format, choices, look)
    skipped_by_look(look, given.title)


def _look(given: Given, data_format: DataFormat, choices: Choices, key: str) -> Errand:
    """The look at it that fits the choices; begun if there is none, and waited for a little."""
    wanted = (choices, [file.number for file in given.files])
    known = st.session_state.get(f"look_{key}")
    errand: Errand | None = None
    if known is not None and known[0] == wanted:
        try:
            errand = errands.find_errand(known[1])
        except TrainroomError:
            errand = None
    if errand is None:
        if known is not None:
            errands.end_errand(known[1])
        errand = errands.start_look(given, data_format.name, choices)
        st.session_state[f"look_{key}"] = (wanted, errand.id)
    with st.spinner("Looking at it …"):
        return errands.wait_for_errand(errand.id, PATIENCE)


def _summary(look: Look, data_format: DataFormat) -> None:
    """What it is, how much, which classes and splits; and why not, where it cannot be used."""
    st.markdown(f"#### {escape(look.sentence, 200)}", anchors=False)
    about = "" if look.exact else "about "
    with st.container(horizontal=True, gap="xsmall"):
        st.badge(f"{about}{plural(look.count, data_format.unit)}", color="green")
        if look.classes and data_format.target in ("class", "boxes"):
            st.badge(plural(len(look.classes), "class", "classes"), color="blue")
        for split, count in look.splits.items():
            if split:
                st.badge(f"{count:,} {SPLITS[split]}", color="violet")
        left_out = sum(look.skipped_kinds.values())
        if left_out:
            st.badge(f"{left_out:,} left out, see below", color="orange")
    if look.classes and data_format.target in ("class", "boxes"):
        shown = [
            f"{escape(name, 30)} ({count:,})"
            for name, count in list(look.classes.items())[:CLASSES]
        ]
        more = " …" if len(look.classes) > CLASSES else ""
        first = "" if look.exact else "Among the first rows: "
        st.markdown(f":gray[{first}{' · '.join(shown)}{more}]")
    for note in look.notes:
        st.info(escape(note, 300), icon=":material/info:")
    if look.problem:
        error_box("It cannot be brought in like this", look.problem)


def _bring_in(given: Given, data_format: DataFormat, choices: Choices, look: Look) -> None:
    with card("bring_in"), st.container(horizontal=True, vertical_alignment="bottom"):
        title = given.title.split("/")[-1]
        name = st.text_input(
            "Name of the data set", Path(title).stem[:100] or title[:100], max_chars=100,
            key=f"import_name_{given.id}",
        )  # fmt: skip
        if not st.button(
            "Bring it in", type="primary", icon=":material/download_done:",
            disabled=bool(look.problem), key="bring_in",
        ):  # fmt: skip
            return
    try:
        errand = errands.start_import(
            given, data_format.name, choices, name=name, task=tasks_for(data_format.name)[0].name
        )
    except TrainroomError as error:
        explain_error(error, "The data could not be brought in")
        return
    with st.spinner("Bringing it in …"):
        errands.wait_for_errand(errand.id, PATIENCE)
    st.query_params["errand"] = errand.id
    st.rerun()
