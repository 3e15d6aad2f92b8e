"""One data set: examples of each class, how many there are, what was skipped; rename, delete."""

import streamlit as st

from backend import datasets
from backend.charts import class_balance_figure
from backend.datasets import Dataset
from backend.errors import TrainroomError
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card, empty_state, facts, page_header
from pages.components.samples import some_examples
from pages.components.wording import escape, megabytes, plural

SPLITS = {"train": "Training", "validation": "Validation", "test": "Test"}
SHOWN = 36


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
    with card("examples"):
        _examples(dataset)
    left, right = st.columns([3, 2], gap="medium")
    with left, card("balance"):
        st.markdown("#### How many of each class")
        figure = class_balance_figure(datasets.class_counts(dataset), SPLITS)
        st.plotly_chart(
            figure, config={"displayModeBar": False}, key="balance_chart",
            alt="Number of examples of each class, in the training, validation and test part",
        )  # fmt: skip
    with right:
        with card("about"):
            st.markdown("#### About this data")
            _about(dataset)
        _skipped(dataset)


def _header(dataset: Dataset) -> None:
    title = escape(str(dataset.details.get("title") or dataset.name), 80)
    actions = page_header(title, escape(str(dataset.details.get("description") or ""), 300))
    with actions:
        if st.button("Train on it", icon=":material/rocket_launch:", type="primary"):
            st.switch_page(links.NEW_RUN, query_params={"data": dataset.id})
        if not dataset.bundled:
            with st.popover("More", icon=":material/more_horiz:"):
                if st.button("Rename", icon=":material/edit:", type="tertiary"):
                    _rename(dataset)
                if st.button("Delete", icon=":material/delete:", type="tertiary"):
                    _delete(dataset)


def _examples(dataset: Dataset) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("#### Examples", width="stretch")
        label = st.selectbox(
            "Class", ["", *dataset.classes], width=220, label_visibility="collapsed",
            format_func=lambda name: name or "All classes",
        )  # fmt: skip
        split = st.segmented_control(
            "Part", list(SPLITS), default="train", required=True, label_visibility="collapsed",
            format_func=SPLITS.__getitem__,
        )  # fmt: skip
        if st.button("Others", icon=":material/shuffle:", help="Show other examples"):
            st.session_state["examples_seed"] = st.session_state.get("examples_seed", 0) + 1
    seed = st.session_state.get("examples_seed", 0)
    try:
        examples = some_examples(dataset.id, split or "train", SHOWN, seed, label or None)
    except TrainroomError as error:
        explain_error(error, "The examples cannot be shown")
        return
    if not examples:
        st.caption("There are none of this class in this part.")
    elif examples[0].png is not None:
        with st.container(horizontal=True, gap="small", key="samples_gallery"):
            for example in examples:
                st.image(example.png, caption=escape(example.label, 16), width=74,
                         alt=f"Example of {example.label}")  # fmt: skip
    else:
        rows = [{"Text": example.text, "Class": example.label} for example in examples]
        wide = {"Text": st.column_config.TextColumn(width="large")}
        st.dataframe(
            rows, hide_index=True, height=420, column_config=wide, alt="Examples of this data set"
        )


def _about(dataset: Dataset) -> None:
    pairs = {
        "Examples": f"{dataset.rows:,}",
        "Classes": plural(len(dataset.classes), "class", "classes"),
        **{SPLITS.get(name, name): f"{count:,}" for name, count in dataset.splits.items()},
        "Size on disk": megabytes(dataset.bytes / 2**20),
        "Source": escape(dataset.source, 200),
        "Licence": escape(dataset.licence, 200),
    }
    if dataset.details.get("source_note"):
        pairs["Note"] = escape(str(dataset.details["source_note"]), 300)
    facts(pairs)
    for warning in dataset.details.get("warnings", []):
        st.warning(escape(str(warning), 400), icon=":material/warning:")


def _skipped(dataset: Dataset) -> None:
    count = int(dataset.details.get("skipped_count", len(dataset.skipped)))
    if not count:
        return
    with card("skipped"):
        st.markdown(f"#### {plural(count, 'row')} left out")
        st.dataframe(dataset.skipped, hide_index=True, height=240, alt="What was left out and why")


@st.dialog("Rename this data set", icon=":material/edit:")
def _rename(dataset: Dataset) -> None:
    with st.form("rename_dataset", border=False):
        name = st.text_input("Name", dataset.name, max_chars=100)
        if st.form_submit_button("Save", type="primary", width="stretch"):
            try:
                datasets.rename_dataset(dataset.id, name)
            except TrainroomError as error:
                explain_error(error)
            else:
                st.rerun()


@st.dialog("Delete for good?", icon=":material/delete:")
def _delete(dataset: Dataset) -> None:
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


main()
