"""A page of pictures or recordings, each with a box to tick, and what can be done with these."""

import streamlit as st

from backend.box_drawing import LETTERS
from backend.datasets import Dataset
from backend.datasets.browse import Shown
from pages.components.boxed_picture import boxed_example
from pages.components.wording import escape
from pages.data.chosen_examples import chosen_bar
from pages.data.dataset_words import split_word

SMALL = 64
"""Bytes of a PNG's header tell its width: pictures up to here are enlarged without smoothing."""


def picture_page(dataset: Dataset, shown: list[Shown]) -> None:
    """Pictures side by side."""
    chosen_bar(dataset, _ticked(dataset, shown), [_key(dataset, one) for one in shown])
    boxed = any(one.example.boxes for one in shown) or dataset.format.endswith("boxes")
    tiny = all(_width(one) <= SMALL for one in shown)
    grid = st.grid(
        4 if boxed else 9, min_column_width=210 if boxed else 104, gap="small",
        key="samples_gallery" if tiny else "photo_gallery",
    )  # fmt: skip
    for one in shown:
        with grid.container(gap="xxsmall"):
            if boxed:
                boxed_example(one.example, 220, LETTERS)
            else:
                alt = f"Example {one.example.index} of {one.example.label}"
                st.image(one.example.png or b"", width="stretch", alt=alt)
            _tick(dataset, one)


def sound_page(dataset: Dataset, shown: list[Shown]) -> None:
    """Players in a grid."""
    chosen_bar(dataset, _ticked(dataset, shown), [_key(dataset, one) for one in shown])
    grid = st.grid(3, min_column_width=230, gap="medium")
    for one in shown:
        with grid.container(gap="xxsmall", border=True):
            st.audio(one.example.wav or b"", format="audio/wav")
            _tick(dataset, one)


def _tick(dataset: Dataset, one: Shown) -> None:
    """The example's class and part, as the words of its box."""
    changed = " :material/edit:" if one.edited else ""
    words = escape(one.example.label, 20) or f"#{one.example.index}"
    part = f" :gray[{split_word(one.split).lower()}]"
    if dataset.bundled:
        st.caption(f"{words}{part}")
    else:
        st.checkbox(f"{words}{changed}{part}", key=_key(dataset, one))


def _key(dataset: Dataset, one: Shown) -> str:
    return f"tick_{dataset.id}_{dataset.version}_{one.example.index}"


def _ticked(dataset: Dataset, shown: list[Shown]) -> list[int]:
    return [one.example.index for one in shown if st.session_state.get(_key(dataset, one))]


def _width(one: Shown) -> int:
    """Of a PNG, from its header; other files are of larger pictures."""
    data = one.example.png or b""
    return int.from_bytes(data[16:20]) if data[1:4] == b"PNG" else SMALL + 1
