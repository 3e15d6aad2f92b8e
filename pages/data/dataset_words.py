"""Words and small steps that the parts of a data set's page share."""

from collections.abc import Callable

import streamlit as st

from backend.datasets import Dataset
from backend.errors import TrainroomError
from pages.components.errors import explain_error
from pages.components.wording import escape

VIEW = "dataset_view"
"""The widget that says which part of the page is shown."""
FINDING = "dataset_finding"
"""Which finding's examples are shown, in the session's state: data set's id and kind."""
SPLITS = {"train": "Training", "validation": "Validation", "test": "Test", "left out": "Left out"}
KEEPS = "This data set came with Trainroom and stays as it is."


def make_version(change: Callable[[], Dataset]) -> bool:
    """Carry out a change and tell of the version that it made; returns whether it worked."""
    try:
        with st.spinner("Making a new version …"):
            made = change()
    except TrainroomError as error:
        explain_error(error, "Nothing was changed")
        return False
    st.toast(f"Done. This is version {made.version} now; the history has the way back.")
    return True


def change_and_rerun(change: Callable[[], Dataset]) -> None:
    """The same, and the page shows the new version."""
    if make_version(change):
        st.rerun()


def copy_hint(dataset: Dataset, where: str) -> None:
    """A line with the way to a copy that can be changed, where this one cannot.

    where: keeps several of them on one page apart.
    """
    from pages.data.dataset_dialogs import copy_dialog

    if dataset.bundled:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":gray[:material/lock: {KEEPS} Make a copy to change it.]", width="stretch"
            )
            if st.button("Make a copy", icon=":material/content_copy:", key=f"copy_{where}"):
                copy_dialog(dataset)


def show_finding(dataset_id: str, kind: str) -> None:
    """Callback: show the examples that a finding is about."""
    st.session_state[VIEW] = "examples"
    st.session_state[FINDING] = (dataset_id, kind)


def show_overview() -> None:
    """Callback: show the overview, with all that the doctor found."""
    st.session_state[VIEW] = "overview"


def split_word(name: str) -> str:
    return SPLITS.get(name, escape(name))
