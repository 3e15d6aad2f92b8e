"""A few of the examples that a finding is about, in small."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from backend.box_drawing import NO_LETTERS
from backend.datasets import Dataset, get_dataset
from backend.datasets.browse import Shown, read_page
from backend.datasets.doctor.finding import Finding
from backend.errors import TrainroomError
from pages.components.boxed_picture import boxed_example
from pages.components.wording import escape
from pages.data.dataset_words import split_word

PICTURES, TEXTS, ROWS, FILES = 8, 2, 8, 2
TINY = 3000
"""Bytes of a picture that is enlarged without smoothing: it has few pixels."""


def finding_examples(dataset: Dataset, finding: Finding) -> None:
    """Pictures in a row, texts as lines; classes or files where it is about those."""
    if not len(finding.flagged) or (finding.rows and finding.kind.startswith("labels")):
        _rows(finding)
        return
    numbers = tuple(finding.flagged[:PICTURES].tolist())
    try:
        shown = read_examples(dataset.id, dataset.version, numbers)
    except TrainroomError:
        st.caption("The examples cannot be read.")
        return
    if shown and shown[0].example.png is not None:
        _pictures(shown, finding.kind)
    elif shown and shown[0].example.wav is not None:
        for one in shown[:TEXTS]:
            st.audio(one.example.wav, format="audio/wav", width=280)
    else:
        st.markdown("  \n".join(f":gray[{_line(one)}]" for one in shown[:TEXTS]))


@st.cache_data(max_entries=300, show_spinner=False)
def read_examples(dataset_id: str, version: int, numbers: tuple[int, ...]) -> list[Shown]:
    """Examples as they are shown; a version never changes."""
    return read_page(get_dataset(dataset_id, version), np.array(numbers, np.int64))


def _pictures(shown: list[Shown], kind: str) -> None:
    tiny = all(len(one.example.png or b"") < TINY for one in shown)
    key = f"{'samples' if tiny else 'photos'}_of_{kind}"
    with st.container(horizontal=True, gap="small", key=key):
        for one in shown:
            with st.container(width=86, gap="xxsmall"):
                if one.example.boxes:
                    boxed_example(one.example, 86, NO_LETTERS)
                else:
                    st.image(one.example.png or b"", width=72, alt=_alt(one))
                st.caption(escape(one.example.label, 14) or split_word(one.split))


def _line(one: Shown) -> str:
    example = one.example
    words = f"“{escape(example.text or '', 150)}”"
    if example.target is not None:
        words += f" → “{escape(example.target, 80)}”"
    elif example.label:
        words += f" → {escape(example.label, 40)}"
    return f"{words} · {split_word(one.split)}"


def _alt(one: Shown) -> str:
    label = f" of {one.example.label}" if one.example.label else ""
    return f"Example {one.example.index}{label}, {one.split} part"


def _rows(finding: Finding) -> None:
    """Classes with their counts side by side, or files with the reason."""
    if finding.rows and "class" in finding.rows[0]:
        words = [
            f":gray-badge[{escape(str(row['class']), 40)}{_count(row)}]"
            for row in finding.rows[:ROWS]
        ]
        more = len(finding.rows) - ROWS
        st.markdown(" ".join(words) + (f" :gray[and {more} more]" if more > 0 else ""))
        return
    lines = [
        f":gray[{' · '.join(escape(str(value), 120) for value in row.values())}]"
        for row in finding.rows[:FILES]
    ]
    if lines:
        st.markdown("  \n".join(lines))


def _count(row: Mapping[str, Any]) -> str:
    """What a class has: how many, or which word gives it away."""
    other = row.get("count", row.get("word", row.get("value", "")))
    words = f"{other:,}" if isinstance(other, int) else escape(str(other), 40)
    return f" · {words}" if words else ""
