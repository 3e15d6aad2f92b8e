"""The parts of a run's page below and above its curves: outcome and tables."""

import dataclasses

import streamlit as st

from backend.datasets import get_dataset
from backend.disk import run_bytes
from backend.errors import TrainroomError
from backend.runs import Reason, Run, RunStatus
from backend.tasks import get_task
from pages.components.config_form import option_words
from pages.components.layout import facts
from pages.components.run_actions import remedy_buttons
from pages.components.samples import size_words
from pages.components.status import has_model, score, score_title, score_words
from pages.components.wording import amount, escape, megabytes, parameters
from pages.train.score_parts import is_no_better, what_it_is_worth


def outcome(run: Run) -> None:
    """One clear box once it has ended: how, what was kept and what to do."""
    if run.status is RunStatus.FINISHED and score(run):
        said = f"{escape(score_title(run))}: {score_words(run)}, on examples that the model had "
        said += f"never seen.{what_it_is_worth(run)} Try it with your own."
        if is_no_better(run):
            st.warning(said, title="Finished, but no better than a guess", icon=":material/casino:")
        else:
            st.success(said, title="Finished", icon=":material/check_circle:")
    elif run.status in (RunStatus.FAILED, RunStatus.LOST):
        words = run.message or "It ended unexpectedly; the log has the details."
        title = "The training failed"
        if run.status is RunStatus.LOST or run.reason is Reason.KILLED:
            title = "The training was interrupted"
        st.error(f"{escape(words, 900)}{_kept(run, words)}", title=title, icon=":material/error:")
        remedy_buttons(run)
    elif run.status is RunStatus.STOPPED:
        by_hand = run.reason is Reason.USER_STOP
        kept = "The best model so far was kept." if has_model(run) else "No model was saved yet."
        words = f"You stopped it. {kept}" if by_hand else escape(run.message or "", 400)
        title = "Paused" if by_hand else "The training was interrupted"
        st.info(f"{words} You can continue any time.", title=title, icon=":material/pause_circle:")


def _kept(run: Run, said: str) -> str:
    """Whether there is a model, where the words about the end do not say it already."""
    if "The model is saved" in said or "No model had been saved" in said:
        return ""
    return "  \n" + (
        "Its best model so far was kept: you can try it."
        if has_model(run)
        else "No model was saved before that."
    )


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
        dataset = get_dataset(run.dataset_id, run.dataset_version)
        newest = get_dataset(run.dataset_id).version
        since = f" (there is {newest} by now)" if newest != run.dataset_version else ""
        pairs["Version of the data"] = f"{run.dataset_version}{since}"
        counts = " / ".join(f"{count:,}" for count in dataset.splits.values())
        pairs["Size"] = size_words(dataset)
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
    pairs["On the disk"] = megabytes(run_bytes(run.id) / 2**20)
    facts(pairs)
