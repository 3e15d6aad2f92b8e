"""Classes and parts of a data set: rename and merge the ones, divide the others anew."""

import streamlit as st

from backend import datasets
from backend.datasets import Dataset, edits
from backend.datasets.shares import Shares, change_shares, shares_of
from backend.errors import TrainroomError
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.wording import plural
from pages.data.dataset_words import SPLITS, change_and_rerun, copy_hint

HEIGHT, ROW = 420, 35


def classes_and_parts(dataset: Dataset) -> None:
    copy_hint(dataset, "classes")
    left, right = st.columns([3, 2], gap="medium")
    if dataset.classes:
        with left, card("classes"):
            st.markdown("#### Classes")
            _classes(dataset)
    with right if dataset.classes else left, card("shares"):
        st.markdown("#### Training, validation and test part")
        _shares(dataset)


def _classes(dataset: Dataset) -> None:
    counts = datasets.class_counts(dataset)
    rows = [
        {"Class": name, **{SPLITS[part]: number for part, number in counts[name].items()}}
        for name in dataset.classes
    ]
    picked = st.dataframe(
        rows, hide_index=True, height=min(HEIGHT, 38 + ROW * len(rows)), key=_key(dataset),
        on_select="ignore" if dataset.bundled else "rerun", selection_mode="multi-row",
        alt="The classes and how many examples each part has of them",
    )  # fmt: skip
    if dataset.bundled:
        return
    chosen = [dataset.classes[row] for row in picked.selection.rows]
    if not chosen:
        st.caption("Choose a class to rename it, or several to make them one.")
        return
    with st.form("class_form", border=False):
        word = "Its new name" if len(chosen) == 1 else "The name of the one class"
        name = st.text_input(word, chosen[0], max_chars=200)
        renames = st.form_submit_button(
            "Rename" if len(chosen) == 1 else f"Merge {plural(len(chosen), 'class', 'classes')}",
            type="primary",
        )
    if renames:
        change_and_rerun(lambda: edits.merge_classes(dataset, chosen, name))
    if len(chosen) == 1 and st.button("Leave this class out", icon=":material/remove_circle:"):
        change_and_rerun(lambda: edits.drop_class(dataset, chosen[0]))


def _key(dataset: Dataset) -> str:
    return f"class_table_{dataset.id}_{dataset.version}"


def _shares(dataset: Dataset) -> None:
    now = shares_of(list(dataset.splits.values()))
    st.caption(
        "The model learns from the training part, the validation part tells which of its states is "
        "best, and the test part, which it never sees, tells how good that one is. Copies stay "
        "together, and each class is in each part in the same proportion."
    )
    with st.form("shares", border=False):
        columns = st.columns(3)
        parts = [
            column.number_input(
                f"{SPLITS[name]} %", 1, 98, share,
                key=f"share_{name}_{dataset.id}_{dataset.version}", disabled=dataset.bundled,
            )
            for column, name, share in zip(columns, dataset.splits, now, strict=True)
        ]  # fmt: skip
        seed = st.number_input(
            "Seed", 0, 2**31 - 1, 0, disabled=dataset.bundled,
            help="The same seed divides in the same way; another one in another.",
        )  # fmt: skip
        keep = st.checkbox(
            "Keep the test part as it is",
            disabled=dataset.bundled,
            help="Then scores can be compared with those of earlier runs.",
        )
        pressed = st.form_submit_button("Divide anew", type="primary", disabled=dataset.bundled)
    if not pressed:
        return
    try:
        shares = Shares(*(int(part) for part in parts))
    except TrainroomError as error:
        explain_error(error, "These shares do not fit")
        return
    change_and_rerun(lambda: change_shares(dataset, shares, seed=int(seed), keep_test=keep))
