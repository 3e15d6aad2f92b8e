"""What was downloaded, with its size, and a button that deletes each; part of the page Storage."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from backend import disk
from backend.disk import Download
from pages.components.layout import card
from pages.components.wording import escape, megabytes

MB = 2**20
Ask = Callable[[str, Sequence[Callable[[], object]]], None]
"""Asks once more, with these words, and then does it."""


def downloads_card(size: int, ask: Ask) -> None:
    """All downloads together, and each by itself; size: their bytes."""
    with card("downloads"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**Downloaded models and data** take {megabytes(size / MB)}. They come again from "
                "the internet when they are needed.", width="stretch",
            )  # fmt: skip
            if st.button("Delete downloads", icon=":material/delete:", key="delete_downloads"):
                ask("Everything that was downloaded will be gone; your own data and runs stay.",
                    [disk.delete_downloads])  # fmt: skip
        for download in disk.list_downloads():
            _row(download, ask)


def _row(download: Download, ask: Ask) -> None:
    name = escape(download.name, 80)
    half = "" if download.is_whole else " :orange-badge[not complete: goes on from there]"
    layout = {"horizontal": True, "vertical_alignment": "center", "wrap": False}
    with st.container(**layout, key=f"download_{download.path.name}"):
        st.markdown(f"{name} :gray[{megabytes(download.bytes / MB)}]{half}", width="stretch")
        pressed = st.button(
            "Delete", icon=":material/delete:", type="tertiary",
            key=f"delete_download_{download.path.name}",
        )  # fmt: skip
    if pressed:
        ask(f"**{name}** will be gone. Runs that were trained from it stay whole.",
            [partial(disk.delete_download, download)])  # fmt: skip
