"""Which classes are taken for which: a table to click on the page of mistakes."""

import streamlit as st

from backend.confusion_chart import confusion_figure
from backend.corrections import Tested
from backend.scores.mistakes import confusion
from pages.components.layout import card

PAIR = "mistakes_pair"
"""Which pair is looked at, in the session's state: run, class, answer."""
SHOW = "mistakes_show"
"""The widget that says which list is shown."""
OF_PAIR = "A pair of classes"


def confusion_part(tested: Tested) -> None:
    """The table; a click on a cell shows its examples."""
    table = confusion(tested.answers)
    with card("confusion"):
        st.markdown("#### What it takes for what")
        figure = confusion_figure(tested.answers.classes, table)
        if figure is None:
            st.caption("There are too many classes to draw them all. Choose a pair beside.")
            return
        key = f"confusion_{tested.run.id}"
        st.plotly_chart(
            figure, config={"displayModeBar": False}, key=key, selection_mode="points",
            on_select=lambda: _clicked(tested, key),
            alt="Table of the classes (rows) and what the model answered (columns)",
        )  # fmt: skip
        st.caption(
            "Rows: what it is. Columns: what the model said. Right answers stand on the diagonal; "
            "click another cell to see its examples."
        )


def _clicked(tested: Tested, key: str) -> None:
    """Callback: remember the cell, and show the list of pairs."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        cell = (int(points[0]["y"]), int(points[0]["x"]))
        st.session_state[PAIR] = (tested.run.id, *cell)
        st.session_state[SHOW] = OF_PAIR
        for name, number in zip(("truth", "answer"), cell, strict=True):
            st.session_state[f"mistakes_{name}_{tested.run.id}"] = number
