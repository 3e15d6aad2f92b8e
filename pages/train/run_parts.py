"""The parts of a run's page below and above its curves: outcome, history, log, tables."""

import dataclasses
import time

import streamlit as st

from backend.datasets import get_dataset
from backend.errors import TrainroomError
from backend.runs import Reason, Run, RunStatus, list_events, read_log
from backend.tasks import get_task
from pages.components.config_form import option_words
from pages.components.layout import facts
from pages.components.run_actions import remedy_buttons
from pages.components.status import has_model, score, score_words
from pages.components.wording import amount, escape, megabytes, parameters, plural

EVENT_ICONS = {
    "queued": "schedule", "starting": "hourglass_top", "running": "play_circle",
    "stopping": "stop_circle", "finished": "check_circle", "failed": "error",
    "stopped": "stop_circle", "lost": "link_off", "saved": "save", "best": "star",
    "held": "pause_circle", "checkpoint_skipped": "warning", "early_stop": "flag",
    "epoch": "flag", "warning": "warning", "evaluated": "grading", "evaluation": "grading",
}  # fmt: skip
SHOWN_EVENTS = 40


def outcome(run: Run) -> None:
    """One clear box once it has ended: how, what was kept and what to do."""
    if run.status is RunStatus.FINISHED and score(run):
        st.success(
            f"{score_words(run)} right answers on examples the model had never seen. "
            "Try it with your own.",
            title="Finished", icon=":material/check_circle:",
        )  # fmt: skip
    elif run.status in (RunStatus.FAILED, RunStatus.LOST):
        kept = (
            "Its best model so far was kept: you can try it."
            if has_model(run)
            else "No model was saved before that."
        )
        words = escape(run.message or "It ended unexpectedly; the log has the details.", 900)
        title = "The training failed" if run.status is RunStatus.FAILED else "The run was lost"
        st.error(f"{words}  \n{kept}", title=title, icon=":material/error:")
        remedy_buttons(run)
    elif run.status is RunStatus.STOPPED:
        kept = "The best model so far was kept." if has_model(run) else "No model was saved yet."
        who = (
            "You stopped it." if run.reason is Reason.USER_STOP else escape(run.message or "", 400)
        )
        st.info(
            f"{who} {kept} You can continue any time.", title="Paused",
            icon=":material/pause_circle:",
        )  # fmt: skip


def timeline(run: Run) -> None:
    """The run's events, newest first, in words."""

    def body() -> None:
        events = list_events(run.id)
        lines = []
        for event in reversed(events[-SHOWN_EVENTS:]):
            icon = EVENT_ICONS.get(event.kind, "circle")
            clock = time.strftime("%H:%M:%S", time.localtime(event.time))
            words = escape(event.message, 300) or escape(event.kind.capitalize())
            lines.append(f":gray[{clock}] :material/{icon}: {words}")
        if len(events) > SHOWN_EVENTS:
            lines.append(f":gray[and {len(events) - SHOWN_EVENTS} earlier]")
        st.markdown("  \n".join(lines) or ":gray[Nothing yet.]")

    st.fragment(body, run_every=None if run.has_ended else 3)()


def log_tail(run: Run) -> None:
    """The last lines of the log, refreshed while the run is active."""

    def body() -> None:
        st.markdown("#### Log :gray[· the last lines]")
        text = read_log(run.id, 200)
        long = text.count("\n") > 12
        with st.container(height=260 if long else "content", autoscroll=long, border=False):
            st.code(text.strip() or "Nothing has been written yet.", language=None, wrap_lines=True)

    st.fragment(body, run_every=None if run.has_ended else 2)()


def settings_table(run: Run) -> None:
    """The configuration in the form's own words: what was chosen first, the rest folded in."""
    try:
        fields = {field.name: field for field in dataclasses.fields(get_task(run.task).config)}
    except TrainroomError:
        fields = {}
    shown, rest = {}, {}
    for name, value in run.config.items():
        field = fields.get(name)
        label = escape(field.metadata["label"] if field else name)
        chosen = field is None or not field.metadata["advanced"] or value != field.default
        (shown if chosen else rest)[label] = _value(value)
    facts(shown)
    if rest:
        with st.expander("The others, left as they were"):
            facts(rest)


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return amount(value)
    return escape(option_words(value), 80)


def source_table(run: Run) -> None:
    """Which data and model the run used."""
    pairs = {"Data": escape(run.dataset_name), "Model": escape(run.model)}
    try:
        dataset = get_dataset(run.dataset_id)
        counts = " / ".join(f"{count:,}" for count in dataset.splits.values())
        pairs["Classes"] = plural(len(dataset.classes), "class", "classes")
        pairs["Train / validation / test"] = counts
        pairs["Licence of the data"] = escape(dataset.licence, 120)
    except TrainroomError:
        pairs["Data"] += " (deleted since)"
    try:
        task = get_task(run.task)
        spec = task.get_model(run.model)
        pairs["Task"] = escape(task.title)
        pairs["Model"] = escape(spec.title)
        if spec.parameters:
            pairs["Weights"] = parameters(spec.parameters)
        pairs["Memory it needs"] = f"about {megabytes(spec.memory_mb)}"
    except TrainroomError:
        pass
    facts(pairs)
