"""How nearest words or texts are shown: bars or a list, and where they lie; used by answers.py."""

from typing import Any

import streamlit as st

from backend.charts import map_figure, similarities_figure
from backend.tasks.base import Example
from pages.components.wording import escape

LONG = 32
"""Characters beyond which a neighbour is a text to read rather than a word."""


def neighbours_answer(given: Example, prediction: dict[str, Any]) -> None:
    """The neighbours at the left, nearest first, and a map of them at the right."""
    near = prediction["neighbours"]
    st.markdown(f"#### Nearest to {escape(str(given.value), 90)}")
    left, right = st.columns(2, gap="medium")
    with left:
        if any(len(one["text"]) > LONG for one in near):
            _texts(near)
        else:
            st.plotly_chart(
                similarities_figure([(one["text"], one["score"]) for one in near]),
                config={"displayModeBar": False}, key="play_near",
                alt="Nearest: " + ", ".join(str(one["text"]) for one in near[:5]),
            )  # fmt: skip
        st.caption("1 is the same direction, 0 has nothing to do with it.")
    points = prediction.get("map", {}).get("points", [])
    if points:
        with right:
            st.plotly_chart(
                map_figure(points), config={"displayModeBar": False}, key="play_map",
                alt="A map on which similar ones lie near each other",
            )  # fmt: skip
            st.caption("Two numbers cannot tell all: what is near in truth may lie apart here.")


def _texts(near: list[dict[str, Any]]) -> None:
    for one in near:
        st.markdown(f":gray-badge[{one['score']:.2f}] {escape(str(one['text']), 300)}")
