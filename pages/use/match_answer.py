"""How the answer to two pictures is shown: the same or not, how sure, what looks like them."""

import base64
from typing import Any

import streamlit as st

from backend.tasks.base import Example
from pages.components.wording import escape, percent

PLACES = ("first", "second")
WORDS = {True: "The same", False: "Not the same"}


def match_answer(given: Example, prediction: dict[str, Any]) -> None:
    """Both pictures at the left, the verdict at the right, the training's most alike below."""
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(horizontal=True, gap="small", key="samples_pair"):
        for place, seen in zip(PLACES, prediction["seen"], strict=True):
            st.image(base64.b64decode(seen), width=100, alt=f"The {place} picture as it was seen")
    with right:
        _verdict(given, prediction)
    if not any(prediction["alike"]):
        return
    st.markdown("##### Most alike in the training pictures")
    for place, found in zip(PLACES, prediction["alike"], strict=True):
        st.caption(f"To the {place} picture")
        with st.container(horizontal=True, gap="small", key=f"samples_alike_{place}"):
            for one in found:
                label = str(one["label"])
                st.image(
                    base64.b64decode(one["picture"]), escape(label, 16), width=74,
                    alt=f"A training picture of {label}",
                )  # fmt: skip


def _verdict(given: Example, prediction: dict[str, Any]) -> None:
    match, sameness = bool(prediction["match"]), float(prediction["score"])
    sure = sameness if match else 1 - sameness
    word = WORDS[match]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {word}", width="content")
        st.badge(f"{percent(sure)} sure", color="green" if sure > 0.75 else "orange")
        if given.truth is not None:
            right = given.truth.casefold() == word.casefold()
            st.badge(
                "right" if right else f"they are {escape(given.truth, 40)}",
                icon=":material/check:" if right else ":material/close:",
                color="green" if right else "red",
            )
    distance, threshold = float(prediction["distance"]), float(prediction["threshold"])
    st.caption(
        f"The pictures are {distance:.2f} apart (0 is equal); up to {threshold:.2f} it takes two "
        "pictures for the same."
    )
    if given.truth is not None:
        st.caption(f"The example: {escape(given.title, 100)}")
