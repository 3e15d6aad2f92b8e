"""How an answer that is one of several classes is shown; used by answers.py."""

import base64
from typing import Any

import streamlit as st

from backend.charts import probabilities_figure
from backend.datasets import is_sound
from backend.errors import explain
from backend.glossary import meaning
from backend.tasks.base import Example
from pages.components.wording import escape, percent

UNSURE = 0.5


def label_answer(given: Example, prediction: dict[str, Any]) -> None:
    """What was given at the left, label and probabilities at the right."""
    left, right = st.columns([1, 2], gap="medium")
    with left:
        what_it_was(given, prediction)
    with right:
        _what_it_says(prediction, given)


def what_it_was(given: Example, prediction: dict[str, Any]) -> None:
    """The text, picture or recording that was given, and what the model saw of it."""
    if isinstance(given.value, str):
        st.markdown(f"> {escape(given.value, 600)}")
        return
    if isinstance(given.value, bytes) and is_sound(given.value):
        _what_was_heard(given.value, prediction)
        return
    with st.container(key="samples_given"):
        try:
            st.image(given.value, width=150, alt="The picture that you gave")
        except Exception as error:
            st.caption(explain(error)[1])
        if prediction.get("seen"):
            seen = base64.b64decode(prediction["seen"])
            st.image(seen, "What the model saw", width=96, alt="The picture as the model got it")


def _what_was_heard(sound: bytes, prediction: dict[str, Any]) -> None:
    st.audio(sound)
    if prediction.get("seen"):
        seen = base64.b64decode(prediction["seen"])
        with st.container(key="samples_given"):
            st.image(seen, "What the model heard: time to the right, pitch upwards",
                     width="stretch", alt="The spectrogram of the recording")  # fmt: skip


def _what_it_says(prediction: dict[str, Any], given: Example) -> None:
    probabilities: dict[str, float] = prediction.get("probabilities", {})
    label = str(prediction["label"])
    share = probabilities.get(label, 0.0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {escape(label, 60)}", width="content")
        st.badge(
            percent(share), color="green" if share > UNSURE else "orange",
            help=meaning("Probability"),
        )  # fmt: skip
        if given.truth is not None:
            right = given.truth == label
            st.badge(
                "right" if right else f"it is {escape(given.truth, 40)}",
                icon=":material/check:" if right else ":material/close:",
                color="green" if right else "red",
            )
    if share <= UNSURE:
        st.caption("It is not sure: no answer got more than half.")
    st.plotly_chart(
        probabilities_figure(probabilities), config={"displayModeBar": False}, key="play_chart",
        alt=f"Probabilities: {label} {percent(share)}",
    )  # fmt: skip
