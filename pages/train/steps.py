"""The steps of a new run: one is open at most, the others are folded to a line each."""

import streamlit as st

from pages.components.layout import card
from pages.components.wording import escape

ORDER = ("task", "dataset", "model")
"""Steps that fold; how it trains is always seen."""
STATE = "new_open"


def step_title(number: int, question: str) -> None:
    st.markdown(f"### :gray-badge[{number}] {question}", anchors=False)


def is_open(step: str) -> bool:
    """Whether a step shows its cards now; at first the first one does."""
    return bool(st.session_state.setdefault(STATE, ORDER[0]) == step)


def open_step(step: str | None) -> None:
    """Show the cards of this step and fold the others; None folds all."""
    st.session_state[STATE] = step


def open_next(step: str) -> None:
    """What a choice does: its step folds, the next one opens."""
    place = ORDER.index(step) + 1
    open_step(ORDER[place] if place < len(ORDER) else None)


def folded(step: str, number: int, question: str, title: str, words: str, icon: str = "") -> None:
    """A step in one line: what was chosen, and the way to change it."""
    layout = {"horizontal": True, "wrap": False, "vertical_alignment": "center", "gap": "small"}
    with card(f"folded_{step}", **layout):
        mark = f":material/{icon}: " if icon else ""
        st.markdown(
            f":gray-badge[{number}] :gray[{question}]  \n{mark}**{escape(title, 60)}** "
            f":gray[{escape(words, 120)}]",
            width="stretch",
        )
        st.button(
            "Change", key=f"change_{step}", icon=":material/edit:", type="tertiary",
            on_click=open_step, args=(step,),
        )  # fmt: skip
