"""Rename, delete and stop a run, with a question where something is lost; for all pages."""

from collections.abc import Sequence

import streamlit as st

from backend import runs
from backend.errors import TrainroomError
from backend.runs import Run
from pages.components.errors import explain_error
from pages.components.wording import escape, plural


@st.dialog("Rename this run", icon=":material/edit:")
def rename_dialog(run: Run) -> None:
    """Ask for another name."""
    with st.form("rename_run", border=False):
        name = st.text_input("Name", run.name, max_chars=100)
        if st.form_submit_button("Save", type="primary", width="stretch"):
            try:
                runs.rename_run(run.id, name.strip())
            except TrainroomError as error:
                explain_error(error)
            else:
                st.rerun()


@st.dialog("Delete for good?", icon=":material/delete:")
def delete_dialog(chosen: Sequence[Run], then: str | None = None) -> None:
    """Ask, delete with all files, and go to the page `then`."""
    names = ", ".join(escape(run.name, 50) for run in chosen[:5])
    more = f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""
    st.markdown(
        f"**{names}**{more}: the trained {'model' if len(chosen) == 1 else 'models'}, curves and "
        "log will be gone. The data set stays."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep"):
            st.rerun()
        if st.button("Delete", type="primary", icon=":material/delete:", key="delete_confirmed"):
            _delete(chosen, then)


def _delete(chosen: Sequence[Run], then: str | None) -> None:
    deleted = 0
    for run in chosen:
        try:
            runs.delete_run(run.id)
            deleted += 1
        except TrainroomError as error:
            explain_error(error, f"{escape(run.name, 50)} could not be deleted")
    if deleted == len(chosen):
        st.toast(f"{plural(deleted, 'run')} deleted", icon=":material/delete:")
        if then:
            st.switch_page(then)
        st.rerun()


def stop(run: Run) -> None:
    """Stop a run; what it learned so far is kept."""
    try:
        runs.stop_run(run.id)
    except TrainroomError as error:
        explain_error(error, "The run could not be stopped")
    else:
        st.rerun()
