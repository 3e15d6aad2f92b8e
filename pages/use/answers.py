"""Asking the model and showing what it says: label, probabilities, time, what it saw, history."""

import base64
import time
from typing import Any

import streamlit as st

from backend.charts import probabilities_figure
from backend.errors import explain
from backend.inference import predict
from backend.runs import Run
from pages.components.errors import error_box, explain_error
from pages.components.layout import card
from pages.components.wording import ago, escape, percent
from pages.use.inputs import Given

KEPT = 50
UNSURE = 0.5


def ask(run: Run, given: Given) -> None:
    """Send the input to the model's own process and keep the answer for this page."""
    try:
        with st.spinner("Asking the model …"):
            answer = predict(run.id, [given.value])
    except Exception as error:
        explain_error(error, "There is no answer")
        st.session_state.pop("play_answer", None)
        return
    prediction = answer.predictions[0]
    st.session_state["play_answer"] = {
        "run": run.id, "given": given, "prediction": prediction, "step": answer.step,
        "seconds": answer.seconds, "device": answer.device, "notes": getattr(answer, "notes", []),
    }  # fmt: skip
    tries = st.session_state.setdefault("play_history", [])
    tries.insert(0, {"run": run.id, "given": given, "prediction": prediction, "time": time.time()})
    del tries[KEPT:]


def show_answer(run: Run) -> None:
    """The newest answer of this run, if there is one."""
    answer = st.session_state.get("play_answer")
    if not answer or answer["run"] != run.id:
        return
    prediction, given = answer["prediction"], answer["given"]
    if "error" in prediction:
        error_box("There is no answer", str(prediction["error"]))
        return
    with card("answer"):
        left, right = st.columns([1, 2], gap="medium")
        with left:
            _what_it_was(given, prediction)
        with right:
            _what_it_says(answer, prediction, given)


def _what_it_was(given: Given, prediction: dict[str, Any]) -> None:
    if isinstance(given.value, str):
        st.markdown(f"> {escape(given.value, 600)}")
        return
    with st.container(key="samples_given"):
        try:
            st.image(given.value, width=150, alt="The picture that you gave")
        except Exception as error:
            st.caption(explain(error)[1])
        if prediction.get("seen"):
            seen = base64.b64decode(prediction["seen"])
            st.image(seen, "What the model saw", width=96, alt="The picture as the model got it")


def _what_it_says(answer: dict[str, Any], prediction: dict[str, Any], given: Given) -> None:
    probabilities: dict[str, float] = prediction.get("probabilities", {})
    label = str(prediction["label"])
    share = probabilities.get(label, 0.0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {escape(label, 60)}", width="content")
        st.badge(percent(share), color="green" if share > UNSURE else "orange")
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
    for hint in [*prediction.get("hints", []), *answer["notes"]]:
        st.caption(f":material/lightbulb: {escape(str(hint), 300)}")
    st.caption(
        f"{1000 * answer['seconds']:.0f} ms on {escape(str(answer['device']))} · "
        f"model of step {answer['step']:,}"
    )


def history_table() -> None:
    """What was tried in this browser tab, newest first."""
    tries = st.session_state.get("play_history", [])
    if not tries:
        return
    rows = [
        {
            "Given": " ".join(entry["given"].name.split())[:80],
            "Answer": entry["prediction"].get("label", "–"),
            "Sure": max(entry["prediction"].get("probabilities", {"": 0.0}).values()),
            "Run": f"#{entry['run']}",
            "When": ago(entry["time"]),
        }
        for entry in tries
    ]
    with card("history"):
        st.markdown("#### What you tried")
        st.dataframe(
            rows, hide_index=True, alt="Earlier tries with their answers",
            column_config={
                "Sure": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
            },
        )  # fmt: skip
