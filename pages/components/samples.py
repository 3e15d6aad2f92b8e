"""A few examples of a data set, small: pictures in a row or sentences in quotes."""

from collections.abc import Iterable

import streamlit as st

from backend import datasets
from backend.datasets import Dataset, Example
from pages.components.wording import escape


def in_order(found: Iterable[Dataset]) -> list[Dataset]:
    """Own data first, newest on top; then the bundled sets in the order in which they were made."""
    return sorted(
        found,
        key=lambda item: (item.bundled, item.created_at if item.bundled else -item.created_at),
    )


@st.cache_data(max_entries=200, show_spinner=False)
def some_examples(
    dataset_id: str, split: str, limit: int, seed: int = 0, label: str | None = None
) -> list[Example]:
    """Examples of a split; a data set never changes, so they are kept."""
    return datasets.list_examples(
        datasets.get_dataset(dataset_id), split, limit=limit, seed=seed, label=label
    )


def samples_row(dataset: Dataset, limit: int = 6) -> None:
    """What the data looks like, at a glance."""
    try:
        examples = some_examples(dataset.id, "train", limit)
    except Exception:
        st.caption("The examples of this data set cannot be read.")
        return
    pictures = [example for example in examples if example.png is not None]
    with st.container(key=f"samples_{dataset.id}", gap="xsmall"):
        if pictures:
            row = st.container(horizontal=True, gap="xsmall")
            for example in pictures:
                row.image(example.png, width=36, alt=f"An example of {example.label}")
            return
        for example in examples[:2]:
            st.caption(f"“{escape(example.text or '', 70)}” → **{escape(example.label, 24)}**")
