"""The overview of a data set: balance, lengths or sizes, facts, what was left out."""

import streamlit as st

from backend import datasets
from backend.charts import class_balance_figure, histogram_figure, number
from backend.datasets import Dataset, get_dataset, skipped_csv
from backend.datasets.measures import Spread, measure
from backend.errors import TrainroomError
from pages.components.errors import explain_error
from pages.components.layout import card, facts
from pages.components.samples import size_words
from pages.components.wording import escape, megabytes, percent
from pages.data.dataset_words import SPLITS
from pages.data.import_result import skipped_list

NO_BAR = {"displayModeBar": False}


def overview(dataset: Dataset) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _balance(dataset)
        _spreads(dataset)
    with right, card("about"):
        st.markdown("#### About this data")
        _about(dataset)
    count = int(dataset.details.get("skipped_count", len(dataset.skipped)))
    if count:
        skipped_list(
            count, dataset.skipped, dict(dataset.details.get("skipped_kinds", {})),
            skipped_csv(dataset), dataset.name,
        )  # fmt: skip


def _balance(dataset: Dataset) -> None:
    counts = datasets.class_counts(dataset)
    if not counts:
        return
    with card("balance"):
        st.markdown("#### How many of each class")
        st.plotly_chart(
            class_balance_figure(counts, SPLITS), config=NO_BAR, key="balance_chart",
            alt="Number of examples of each class, in the training, validation and test part",
        )  # fmt: skip


@st.cache_data(max_entries=40, show_spinner=False)
def _measured(dataset_id: str, version: int) -> list[Spread]:
    return measure(get_dataset(dataset_id, version))


def _spreads(dataset: Dataset) -> None:
    try:
        found = _measured(dataset.id, dataset.version)
    except TrainroomError as error:
        explain_error(error, "The data cannot be measured")
        return
    for place, one in enumerate(found):
        with card(f"spread_{place}"):
            st.markdown(f"#### {one.title}")
            if one.least == one.most:
                st.markdown(f"All the same: {number(one.most)} {one.unit}")
                continue
            st.caption(
                f"Half of them below {number(one.middle)} {one.unit}; from {number(one.least)} to "
                f"{number(one.most)}"
            )
            st.plotly_chart(
                histogram_figure(one.edges, one.counts, one.unit, one.most), config=NO_BAR,
                key=f"spread_chart_{place}", alt=f"{one.title}: how many have which",
            )  # fmt: skip


def _about(dataset: Dataset) -> None:
    pairs = {"Size": size_words(dataset)}
    for name, count in dataset.splits.items():
        share = percent(count / max(1, dataset.rows))
        pairs[f"{SPLITS.get(name, name)} part"] = f"{count:,} ({share})"
    pairs |= {
        "Size on disk": megabytes(dataset.bytes / 2**20),
        "Source": escape(dataset.source, 200),
        "Licence": escape(dataset.licence, 200),
    }
    if dataset.details.get("copy_of"):
        pairs["Copy of"] = escape(str(dataset.details["copy_of"]), 100)
    if dataset.details.get("source_note"):
        pairs["Note"] = escape(str(dataset.details["source_note"]), 300)
    facts(pairs)
    st.caption(
        "The model learns from the training part; the validation part tells which of its states is "
        "the best; the test part, which it never sees, tells how good that one is."
    )
