"""The examples of a data set by the page, with filters; what is chosen there can be changed."""

import streamlit as st

from backend.datasets import Dataset, doctor, get_dataset, versions
from backend.datasets.browse import LEFT_OUT, Wanted, find_examples
from backend.datasets.doctor.finding import Finding
from backend.datasets.formats import get_format
from backend.errors import TrainroomError
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.wording import escape, plural
from pages.data.dataset_words import FINDING, SPLITS, copy_hint
from pages.data.example_cards import picture_page, sound_page
from pages.data.example_table import table_page
from pages.data.finding_examples import read_examples

PAGE = {"image": 36, "audio": 12, "text": 50, "rating": 50}
PAGE_BOXED = 12
EVERYTHING = ""


@st.fragment
def examples_view(dataset: Dataset) -> None:
    with card("examples"):
        try:
            finding = _finding(dataset)
            wanted = _filters(dataset)
            kind = finding.kind if finding is not None else EVERYTHING
            found = _found(dataset.id, dataset.version, wanted, kind)
        except TrainroomError as error:
            explain_error(error, "The examples cannot be shown")
            return
        if not len(found):
            st.caption("There are none of these.")
            return
        item = get_format(dataset.format).item
        size = PAGE_BOXED if get_format(dataset.format).target == "boxes" else PAGE[item]
        pages = -(-len(found) // size)
        key = f"page_{dataset.id}_{dataset.version}_{hash((wanted, kind))}"
        page = st.session_state.get(key, 1)
        _say(dataset, len(found), size, page)
        copy_hint(dataset, "examples")
        numbers = tuple(found[(page - 1) * size : page * size].tolist())
        shown = read_examples(dataset.id, dataset.version, numbers)
        {"image": picture_page, "audio": sound_page}.get(item, table_page)(dataset, shown)
        if pages > 1:
            with st.container(horizontal_alignment="center"):
                st.pagination(pages, key=key)


def _finding(dataset: Dataset) -> Finding | None:
    """The finding whose examples are asked for, with a button that lifts the filter."""
    asked = st.session_state.get(FINDING)
    if not asked or asked[0] != dataset.id:
        return None
    report = doctor.get_report(dataset)
    finding = report.find(asked[1]) if report else None
    if finding is None:  # cured, or not looked at since
        st.session_state.pop(FINDING, None)
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/filter_alt: Only what this is about: {escape(finding.sentence, 200)}",
            width="stretch",
        )
        st.button(
            "Show everything", icon=":material/close:", type="tertiary", key="finding_off",
            on_click=lambda: st.session_state.pop(FINDING, None),
        )  # fmt: skip
    return finding


def _filters(dataset: Dataset) -> Wanted:
    """The row of filters; each fits the data."""
    base = f"filter_{dataset.id}"
    newest = versions.list_versions(dataset)[0].details
    kind = get_format(dataset.format).item
    parts = list(dataset.splits) + ([LEFT_OUT] if newest.get("dropped") else [])
    with st.container(horizontal=True, vertical_alignment="bottom", key="example_filters"):
        words = ""
        if kind in ("text", "rating"):
            words = st.text_input(
                "Search", key=f"{base}_words", max_chars=200, width=240, type="search",
                placeholder="Words that it holds",
            )  # fmt: skip
        label = None
        if dataset.classes:
            label = st.selectbox(
                "Class", ["", *dataset.classes], key=f"{base}_label", width=200,
                format_func=lambda name: name or "All classes",
            )  # fmt: skip
        split = st.selectbox(
            "Part", ["", *parts], key=f"{base}_split", width=160,
            format_func=lambda name: SPLITS.get(name, name) or "All parts",
        )  # fmt: skip
        edited = bool(newest.get("edited") or newest.get("relabelled")) and st.toggle(
            "Only changed ones", key=f"{base}_edited"
        )
    return Wanted(label or None, split or None, words, bool(edited))


@st.cache_data(max_entries=12, show_spinner="Looking …")
def _found(dataset_id: str, version: int, wanted: Wanted, kind: str) -> object:
    """The numbers that fit; kept, because turning the page asks again."""
    dataset = get_dataset(dataset_id, version)
    report = doctor.get_report(dataset) if kind else None
    return find_examples(dataset, wanted, report.find(kind) if report else None)


def _say(dataset: Dataset, count: int, size: int, page: int) -> None:
    first, last = (page - 1) * size + 1, min(count, page * size)
    unit = plural(count, get_format(dataset.format).unit)
    of = unit if last - first + 1 == count else f"{first:,} to {last:,} of {unit}"
    st.caption(of)
