"""How a model answered a few texts at one evaluation, beside what was right; for snapshots.py."""

from typing import Any

import streamlit as st

from pages.components.wording import escape, escape_lines

LONGEST = 400


def text_snapshot(content: dict[str, Any]) -> None:
    """Items of {"given", "answer", "truth"}, two beside each other; truth may be None.

    A "note" beside the items is a sentence that goes below them.
    """
    grid = st.grid(2, min_column_width=320, gap="medium")
    for item in content.get("items", []):
        with grid:
            st.markdown(_words(item))
    if content.get("note"):
        st.caption(escape(str(content["note"]), LONGEST))


def _words(item: dict[str, Any]) -> str:
    """What was given, what came, and whether that was right, a line each.

    Without a truth the answer goes on from what was given, so it stands right behind it.
    """
    given, answer = str(item["given"]), str(item["answer"])
    if item.get("truth") is None:
        begun = f":gray[{escape_lines(given)}]" if given.strip() else ""
        return begun + escape_lines(answer)
    lines = [f":gray[{escape(given, LONGEST)}]"] if given.strip() else []
    shown = f"**{escape(answer, LONGEST)}**" if answer.strip() else ":gray[nothing]"
    truth = str(item["truth"])
    if answer.strip() == truth.strip():
        return "  \n".join([*lines, f":green[:material/check:] {shown}"])
    wanted = f":gray[it should be] {escape(truth, LONGEST)}"
    return "  \n".join([*lines, f":orange[:material/close:] {shown}", wanted])
