"""How an answer that is a text is shown, beside or behind what was given; used by answers.py."""

from typing import Any

import streamlit as st

from backend.charts import attention_figure
from backend.tasks.base import Example
from pages.components.wording import escape, escape_lines, percent

SHORT, EXACT = 60, 30
"""Up to so many characters an answer is a heading; up to so many it is right or wrong."""
SENTENCES = 3
"""From so many sentences on it is worth telling which of them counted."""


def text_answer(given: Example, prediction: dict[str, Any]) -> None:
    """The text beside the right one where that is known, and what the model looked at for it."""
    text, truth = str(prediction.get("text", "")), given.truth
    sentences = prediction.get("sentences", [])
    if 0 < len(text.strip()) <= SHORT and not prediction.get("continues"):
        if len(sentences) < SENTENCES:  # else the text is shown below, sentence by sentence
            st.markdown(f"> {escape(str(given.value), 1200)}")
        _heading(text, truth)
    else:
        written_text(given, prediction)
        _expected(truth)
    if "compression" in prediction:
        st.caption(f"{percent(prediction['compression'])} as long as the text.")
    if len(sentences) >= SENTENCES:
        _sentences(sentences)
    if "attention" in prediction:
        _attention(prediction["attention"])


def written_text(given: Example, prediction: dict[str, Any]) -> None:
    """The text, finished or not; one that goes on from what was given stands right behind it."""
    text, asked = str(prediction.get("text", "")), str(given.value)
    if prediction.get("continues"):
        st.markdown(f":gray[{escape_lines(asked)}]{escape_lines(text)}")
        return
    st.markdown(f"> {escape(asked, 1200)}")
    st.markdown(escape_lines(text) or ":gray[It gave no text.]")


def _heading(text: str, truth: str | None) -> None:
    """A short answer, and whether it is right."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {escape(text, SHORT)}", width="content")
        if truth is not None and text.split() == truth.split():
            st.badge("right", icon=":material/check:", color="green")
            return
        if truth is not None and len(truth) <= EXACT:
            st.badge(f"it is {escape(truth, EXACT)}", icon=":material/close:", color="red")
            return
    _expected(truth)


def _expected(truth: str | None) -> None:
    """What is right where it is known: a longer text can be good and still be another."""
    if truth is not None:
        st.caption(f"It should be: {escape(truth, 600)}")


def _sentences(sentences: list[dict[str, Any]]) -> None:
    """The text once more, with what part of the attention each sentence got."""
    fair = 1 / len(sentences)
    lines = []
    for sentence in sentences:
        share, words = float(sentence["share"]), escape(str(sentence["text"]), 400)
        looked = share > fair
        color, shown = ("green", words) if looked else ("gray", f":gray[{words}]")
        lines.append(f":{color}-badge[{percent(share)}] {shown}")
    st.markdown("#### What it looked at")
    st.markdown("  \n".join(lines))


def _attention(attention: dict[str, Any]) -> None:
    """The heat map, where there is not too much of it to be read."""
    figure = attention_figure(attention["source"], attention["target"], attention["weights"])
    if figure is None:
        return
    st.markdown("#### Where it looked while it wrote")
    st.caption(
        "Each row is a piece of the answer: the stronger the colour, the more it looked there."
    )
    st.plotly_chart(
        figure, config={"displayModeBar": False}, key="play_attention",
        alt="How much each piece of the answer looked at each piece of the text",
    )  # fmt: skip
