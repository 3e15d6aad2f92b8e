"""One data set: what the doctor says of it, figures, examples to change, classes, history."""

import streamlit as st

from backend import datasets
from backend.datasets import Dataset
from backend.errors import TrainroomError
from pages.components import links
from pages.components.layout import empty_state, page_header
from pages.components.wording import escape
from pages.data.dataset_classes import classes_and_parts
from pages.data.dataset_dialogs import copy_dialog, delete_dialog, export_dialog, rename_dialog
from pages.data.dataset_doctor import doctor_card
from pages.data.dataset_examples import examples_view
from pages.data.dataset_history import history
from pages.data.dataset_overview import overview
from pages.data.dataset_words import VIEW

VIEWS = {
    "overview": ("Overview", overview),
    "examples": ("Examples", examples_view),
    "classes": ("Classes and parts", classes_and_parts),
    "history": ("History", history),
}


def main() -> None:
    try:
        dataset = datasets.get_dataset(st.query_params.get("data", "")[:200])
    except TrainroomError:
        page_header("Data set")
        place = empty_state(
            "search_off", "There is no such data set", "It may have been deleted or renamed."
        )
        place.page_link(links.DATASETS, label="See all data sets", icon=":material/database:")
        return
    _header(dataset)
    if st.session_state.get(VIEW) not in VIEWS:
        asked = st.query_params.get("view", "")
        st.session_state[VIEW] = asked if asked in VIEWS else "overview"
    view = st.session_state[VIEW]
    doctor_card(dataset, whole=view == "overview")
    chosen = st.segmented_control(
        "What to look at", list(VIEWS), required=True, key=VIEW, label_visibility="collapsed",
        format_func=lambda name: VIEWS[name][0],
    )  # fmt: skip
    VIEWS[chosen or view][1](dataset)


def _header(dataset: Dataset) -> None:
    title = escape(str(dataset.details.get("title") or dataset.name), 80)
    words = escape(str(dataset.details.get("description") or ""), 300)
    actions = page_header(title, words, lambda: _version_badge(dataset))
    with actions:
        if st.button("Train on it", icon=":material/rocket_launch:", type="primary"):
            st.switch_page(links.NEW_RUN, query_params={"data": dataset.id})
        with st.popover("More", icon=":material/more_horiz:"):
            if st.button("Export", icon=":material/download:", type="tertiary"):
                export_dialog(dataset)
            if st.button("Make a copy", icon=":material/content_copy:", type="tertiary"):
                copy_dialog(dataset)
            if not dataset.bundled:
                if st.button("Rename", icon=":material/edit:", type="tertiary"):
                    rename_dialog(dataset)
                if st.button("Delete", icon=":material/delete:", type="tertiary"):
                    delete_dialog(dataset)


def _version_badge(dataset: Dataset) -> None:
    if dataset.version > 1:
        st.badge(f"version {dataset.version}", icon=":material/history:", color="gray")


main()
