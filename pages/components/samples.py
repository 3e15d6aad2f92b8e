"""A few examples of a data set, small: pictures in a row or sentences in quotes."""

import streamlit as st

from backend import datasets
from backend.box_drawing import NO_LETTERS
from backend.datasets import Dataset, Example
from backend.datasets.formats import get_format
from pages.components.boxed_picture import boxed_example
from pages.components.wording import escape, plural


def known_datasets(task: str = "") -> list[Dataset]:
    """Own data first, newest on top; then the bundled sets, those to begin with first.

    task: only what it can learn from; its own bundled sets come before those of other tasks.
    """
    # A spinner shows itself after half a second: on a home whose bundled sets are still packed.
    with st.spinner("Unpacking the data that comes with Trainroom. This happens once …"):
        found = datasets.list_datasets(task or None)
    return sorted(
        found,
        key=lambda item: (
            item.bundled,
            item.bundled and item.task != task,
            item.details.get("order", 0) if item.bundled else -item.created_at,
        ),
    )


@st.cache_data(max_entries=200, show_spinner=False)
def some_examples(dataset_id: str, version: int, split: str, limit: int) -> list[Example]:
    """Examples of a split; a version of a data set never changes, so they are kept."""
    return datasets.list_examples(datasets.get_dataset(dataset_id, version), split, limit=limit)


def size_words(dataset: Dataset) -> str:
    """How much there is: 5,000 pictures · 10 classes."""
    unit = get_format(dataset.format).unit
    words = plural(dataset.rows, unit)
    if dataset.classes:
        words += f" · {plural(len(dataset.classes), 'class', 'classes')}"
    return words


def samples_row(dataset: Dataset, limit: int = 6) -> None:
    """What the data looks like, at a glance."""
    try:
        examples = some_examples(dataset.id, dataset.version, "train", limit)
    except Exception:
        st.caption("The examples of this data set cannot be read.")
        return
    pictures = [example for example in examples if example.png is not None]
    with st.container(key=f"samples_{dataset.id}", gap="xsmall"):
        if pictures:
            row = st.container(horizontal=True, gap="xsmall")
            boxed = any(example.boxes for example in pictures)
            for example in pictures:
                if boxed:
                    with row:
                        boxed_example(example, 56, NO_LETTERS)
                    continue
                row.image(example.png, width=36, alt=f"An example of {example.label}")
            return
        if any(example.wav is not None for example in examples):
            heard = dict.fromkeys(escape(example.label, 30) for example in examples)
            st.caption(f":material/graphic_eq: Recordings of {', '.join(heard)} …")
            return
        for example in examples[:2]:
            words = f"“{escape(example.title, 70)}”"
            truth = f" → **{escape(example.truth, 40)}**" if example.truth else ""
            st.caption(words + truth)
