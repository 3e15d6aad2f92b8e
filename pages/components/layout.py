"""Page header, cards and empty states: the frame that every page is built from."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def page_header(
    title: str, caption: str = "", badge: Callable[[], None] | None = None
) -> DeltaGenerator:
    """Title (a badge beside it) and a line below; returns the row at the right for buttons."""
    row = st.container(horizontal=True, vertical_alignment="center", key="page_header")
    with row.container(width="stretch", gap="xxsmall", key="page_header_words"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.title(title, anchor=False, width="content")
            if badge is not None:
                badge()
        if caption:
            st.caption(caption)
    return row.container(
        horizontal=True, horizontal_alignment="right", width="content", key="page_header_actions"
    )


def _key(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]+", "_", name)


@contextmanager
def card(name: str, *, selected: bool = False, **layout: Any) -> Iterator[DeltaGenerator]:
    """A bordered box on a background of its own; a selected one has the accent's border."""
    kind = "card_selected" if selected else "card"
    with st.container(border=True, key=f"{kind}_{_key(name)}", **layout) as box:
        yield box


def empty_state(icon: str, title: str, sentence: str) -> DeltaGenerator:
    """A calm box where there is nothing yet; returns the place for the next step's button."""
    with card("empty_" + title, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.markdown(f"# :gray[:material/{icon}:]", text_alignment="center", anchors=False)
        st.markdown(f"#### {title}", text_alignment="center", anchors=False)
        st.markdown(f":gray[{sentence}]", text_alignment="center")
        place = st.container(horizontal=True, horizontal_alignment="center")
        st.space("small")
    return place


def facts(pairs: dict[str, str]) -> None:
    """Two quiet columns of words: what, and its value (already escaped)."""
    rows = "\n".join(f"| :gray[{name}] | {value} |" for name, value in pairs.items())
    with st.container(key=_key("facts_" + "_".join(pairs)[:40])):
        st.markdown(f"| | |\n|:--|:--|\n{rows}")
