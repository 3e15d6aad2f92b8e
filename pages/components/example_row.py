"""A few examples of a data set side by side, each with words below; on several pages."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from backend.box_drawing import NO_LETTERS
from backend.datasets import get_dataset
from backend.datasets.browse import Shown, read_page
from backend.errors import TrainroomError
from pages.components.boxed_picture import boxed_example
from pages.components.wording import escape

TINY = 3000
"""Bytes of a picture that is enlarged without smoothing: it has few pixels."""
LONGEST = 180


def example_row(
    dataset_id: str, version: int, numbers: Sequence[int], below: Sequence[str], key: str
) -> None:
    """Draw them; below: what stands under each, as Markdown that is escaped already."""
    try:
        shown = read_shown(dataset_id, version, tuple(numbers))
    except TrainroomError:
        st.caption("The data set is gone, so the examples cannot be shown.")
        return
    if not shown:
        return
    if shown[0].example.text is not None:
        st.markdown(
            "  \n".join(
                f"{words} “{escape(one.example.text or '', LONGEST)}”"
                for one, words in zip(shown, below, strict=True)
            )
        )
        return
    tiny = all(len(one.example.png or b"") < TINY for one in shown)
    with st.container(horizontal=True, gap="small", key=f"{'samples' if tiny else 'photos'}_{key}"):
        for one, words in zip(shown, below, strict=True):
            with st.container(width=104, gap="xxsmall"):
                example_image(one)
                st.caption(words)


def example_image(one: Shown, width: int = 96) -> None:
    """One picture or recording in small."""
    example = one.example
    if example.wav is not None:
        st.audio(example.wav, format="audio/wav")
    elif example.boxes:
        boxed_example(example, width, NO_LETTERS)
    else:
        st.image(example.png or b"", width=width, alt=f"Example {example.index}")


@st.cache_data(max_entries=300, show_spinner=False)
def read_shown(dataset_id: str, version: int, numbers: tuple[int, ...]) -> list[Shown]:
    """Examples as they are shown; a version never changes."""
    return read_page(get_dataset(dataset_id, version), np.array(numbers, np.int64))
