"""Asking the model and showing what it says, by the kind of answer; what was tried before."""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from backend.inference import Answer, predict
from backend.inference.wording import answer_confidence, answer_words
from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example
from pages.components.errors import error_box, explain_error
from pages.components.layout import card
from pages.components.wording import ago, escape
from pages.use.boxes_answer import boxes_answer
from pages.use.growing_answer import growing_answer
from pages.use.items_answer import items_answer
from pages.use.label_answer import label_answer
from pages.use.match_answer import match_answer
from pages.use.neighbours_answer import neighbours_answer
from pages.use.pin_answer import pin_answer
from pages.use.text_answer import text_answer
from pages.use.why_answer import why_answer

KEPT = 50
FOLLOWING = {"boxes"}
"""Kinds of answers that follow the options at once: nothing in them is left to chance."""
SHOWERS: dict[str, Callable[[Example, dict[str, Any]], None]] = {
    "boxes": boxes_answer,
    "label": label_answer,
    "neighbours": neighbours_answer,
    "text": text_answer,
    "match": match_answer,
    "items": items_answer,
}
"""What draws each kind of answer (backend.tasks.base.AnswerKind): from the input and the answer."""


def to_ask_again(run: Run, task: Task, options: dict[str, Any]) -> Example | None:
    """The input whose answer is shown, where the options have changed since."""
    answer = st.session_state.get("play_answer")
    if task.answer_kind not in FOLLOWING or not answer or answer["run"] != run.id:
        return None
    given: Example = answer["given"]
    return given if answer["options"] != options else None


def ask(run: Run, task: Task, given: Example, options: dict[str, Any]) -> None:
    """Send the input to the model's own process and keep the answer for this page."""
    before = st.session_state.pop("play_answer", None)
    tries = st.session_state.setdefault("play_history", [])
    own: dict[str, Any] = {"run": run.id, "given": given, "time": time.time()}

    def keep(answer: Answer, *, complete: bool) -> None:
        prediction = answer.predictions[0]
        if "prediction" not in own:
            if tries and before and before["given"] is given:  # asked with other options: one line
                tries.pop(0)
            tries.insert(0, own)
            del tries[KEPT:]
        own["prediction"] = prediction
        st.session_state["play_answer"] = {
            "run": run.id, "given": given, "prediction": prediction, "step": answer.step,
            "seconds": answer.seconds, "device": answer.device, "notes": answer.notes,
            "complete": complete, "options": options,
        }  # fmt: skip

    try:
        if task.streams:
            growing_answer(run, given, options, keep)
            return
        with st.spinner("Asking the model …"):
            keep(predict(run.id, [given.value], options=options), complete=True)
    except Exception as error:
        explain_error(error, "There is no answer")


def show_answer(run: Run, task: Task) -> None:
    """The newest answer of this run, if there is one."""
    answer = st.session_state.get("play_answer")
    if not answer or answer["run"] != run.id:
        return
    prediction = answer["prediction"]
    if "error" in prediction:
        error_box("There is no answer", str(prediction["error"]))
        return
    with card("answer"):
        SHOWERS[task.answer_kind](answer["given"], prediction)
        stopped = [] if answer["complete"] else ["You stopped it here."]
        for hint in [*prediction.get("hints", []), *stopped, *answer["notes"]]:
            st.caption(f":material/lightbulb: {escape(str(hint), 300)}")
        st.caption(
            f"{1000 * answer['seconds']:.0f} ms on {escape(str(answer['device']))} · "
            f"model of step {answer['step']:,}"
        )
        if answer["complete"]:
            pin_answer(run, task, answer["given"])
        if task.explains and answer["complete"]:
            why_answer(run, answer)


def history_table() -> None:
    """What was tried in this browser tab, newest first."""
    tries = st.session_state.get("play_history", [])
    if not tries:
        return
    rows = [
        {
            "Given": " ".join(entry["given"].title.split())[:80],
            "Answer": answer_words(entry["prediction"])[:200],
            "Sure": answer_confidence(entry["prediction"]),
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
