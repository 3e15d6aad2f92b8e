"""Step 3 of a new run: cards of the task's models, and a field for others where it takes any."""

from functools import partial

import streamlit as st

from backend import preflight
from backend.datasets import Dataset
from backend.errors import TrainroomError
from backend.models.spec import ModelSpec, Weights
from backend.tasks import Task
from backend.wording import about
from pages.components.choice_cards import Choice, many_choice_cards, settle
from pages.components.wording import megabytes, parameters
from pages.train.other_model import other_model
from pages.train.steps import folded, is_open, open_next, step_title

OTHER = "another-model"


def choose_model(task: Task, dataset: Dataset) -> ModelSpec | None:
    """Cards of the task's models, and a field for others where the task takes any."""
    question = "Which model?"
    specs = {spec.name: spec for spec in task.suitable_models(dataset)}
    takes_any = task.takes_any
    asked = st.session_state.get("new_model", OTHER)
    if takes_any and asked not in specs and asked != OTHER and _exists(task, asked):
        # A copied run that used a model from elsewhere.
        st.session_state["new_other_model"] = asked
        st.session_state["new_model"] = OTHER
    opened = is_open("model")
    times = preflight.model_seconds(task, dataset) if opened else {}
    choices = [_model_choice(task, spec, times.get(spec.name)) for spec in specs.values()]
    other = [Choice(OTHER, "Another model", "One from the Hub, or a folder on this computer.")]
    name = settle("new_model", [*choices, *(other if takes_any else [])])
    if not opened and name != OTHER:
        spec = specs[name]
        words = " · ".join(text for text, _ in model_badges(task, spec))
        folded("model", 3, question, spec.title, words)
        return spec
    step_title(3, question)
    many_choice_cards("new_model", choices, what="models", on_choose=partial(open_next, "model"))
    if takes_any and name != OTHER:
        st.button(
            "Another model, from the Hub or a folder", key=OTHER,
            type="tertiary", icon=":material/travel_explore:", on_click=_take_another,
        )  # fmt: skip
    return other_model(task) if name == OTHER else specs[name]


def _exists(task: Task, name: str) -> bool:
    try:
        task.get_model(name)
    except TrainroomError:
        return False
    return True


def _take_another() -> None:
    st.session_state["new_model"] = OTHER


def _model_choice(task: Task, spec: ModelSpec, seconds: float | None) -> Choice:
    badges = model_badges(task, spec)
    if seconds is not None:
        badges = (*badges, (f"{about(seconds)} here", "blue"))
    return Choice(spec.name, spec.title, spec.description, badges=badges)


def model_badges(task: Task, spec: ModelSpec) -> tuple[tuple[str, str], ...]:
    """Its size, and where its weights are."""
    where = {
        Weights.HERE: ("pretrained, weights here", "green"),
        Weights.DOWNLOAD: (f"pretrained, download {megabytes(spec.download_mb)}", "orange"),
        Weights.SCRATCH: ("starts from zero", "gray"),
    }[task.weights(spec)]
    size = ((f"{parameters(spec.parameters)} weights", "gray"),) if spec.parameters else ()
    return (*size, where)
