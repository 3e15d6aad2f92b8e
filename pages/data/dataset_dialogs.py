"""Rename, copy, export, erase and delete a data set, with a question where something is lost."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from backend import datasets
from backend.datasets import Dataset
from backend.datasets.copying import copy_dataset, free_copy_name
from backend.datasets.exports import endings, export_dataset
from backend.errors import TrainroomError
from pages.components import links
from pages.components.errors import explain_error
from pages.components.wording import escape, megabytes

MOST_DOWNLOAD_MB = 400
"""A download is made in memory; larger ones are written by the command line."""
KINDS = {
    ".csv": "Table (CSV)",
    ".jsonl": "JSON Lines",
    ".zip": "Zip archive",
}


@st.dialog("Rename this data set", icon=":material/edit:")
def rename_dialog(dataset: Dataset) -> None:
    """Ask for another name."""
    with st.form("rename_dataset", border=False):
        name = st.text_input("Name", dataset.name, max_chars=100)
        if st.form_submit_button("Save", type="primary", width="stretch"):
            try:
                datasets.rename_dataset(dataset.id, name)
            except TrainroomError as error:
                explain_error(error)
            else:
                st.rerun()


@st.dialog("Make a copy", icon=":material/content_copy:")
def copy_dialog(dataset: Dataset) -> None:
    """Ask for the copy's name, make it and go there."""
    taken = {one.name for one in datasets.list_datasets()}
    st.markdown("The copy is your own: it can be changed, and takes hardly any disk.")
    with st.form("copy_dataset", border=False):
        name = st.text_input("Name", free_copy_name(dataset, taken), max_chars=100)
        if st.form_submit_button("Make a copy", type="primary", width="stretch"):
            try:
                made = copy_dataset(dataset, name)
            except TrainroomError as error:
                explain_error(error)
            else:
                st.switch_page(links.DATASET, query_params={"data": made.id})


@st.dialog("Export", icon=":material/download:")
def export_dialog(dataset: Dataset) -> None:
    """Offer the file; what is left out of this version stays out of it."""
    try:
        kinds = endings(dataset)
    except TrainroomError as error:
        explain_error(error)
        return
    ending = kinds[0]
    if len(kinds) > 1:
        ending = st.segmented_control(
            "As", kinds, default=kinds[0], required=True, format_func=KINDS.__getitem__
        ) or kinds[0]  # fmt: skip
    size = dataset.bytes / 2**20
    words = "It can be brought in again as it is, into Trainroom or elsewhere."
    st.markdown(f"{words} About {megabytes(size)}.")
    name = dataset.name.replace("/", "_")[:60]
    if size > MOST_DOWNLOAD_MB:
        st.markdown("That is too large for a download. In a terminal:")
        st.code(f"python -m backend export {dataset.id} {name!r}{ending}", language=None)
        return
    st.download_button(
        "Download", partial(_exported, dataset, ending), f"{name}{ending}", type="primary",
        icon=":material/download:", width="stretch", on_click="ignore",
    )  # fmt: skip


def _exported(dataset: Dataset, ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export_dataset(dataset, Path(folder) / f"export{ending}").read_bytes()


@st.dialog("Erase for good?", icon=":material/delete_forever:")
def erase_dialog(words: str, erase: Callable[[], Dataset]) -> None:
    """Ask, erase from all versions, and forget what this server has kept of it."""
    st.markdown(words)
    st.caption(
        "Models that learned from it keep what they learned, and copies and exports that you made "
        "keep theirs: delete those as well."
    )
    if st.button("Erase for good", type="primary", icon=":material/delete_forever:"):
        try:
            with st.spinner("Erasing …"):
                erase()
        except TrainroomError as error:
            explain_error(error, "Nothing was erased")
        else:
            st.cache_data.clear()
            st.rerun()


@st.dialog("Delete for good?", icon=":material/delete:")
def delete_dialog(dataset: Dataset) -> None:
    """Ask, delete with all files, and go to the list."""
    st.markdown(
        f"**{escape(dataset.name)}** will be gone. Runs that learned from it keep their models."
    )
    if st.button("Delete", type="primary", icon=":material/delete:", key="delete_confirmed"):
        try:
            datasets.delete_dataset(dataset.id)
        except TrainroomError as error:
            explain_error(error)
        else:
            st.switch_page(links.DATASETS)
