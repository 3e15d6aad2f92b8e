"""Steps 2 and 3 of a new run: cards of the data sets and of the models that fit the task."""

from functools import partial

import streamlit as st

from backend import datasets
from backend.datasets import Dataset
from backend.errors import TrainroomError
from backend.models.spec import ModelSpec, Weights
from backend.tasks import Task
from pages.components import links
from pages.components.choice_cards import Choice, choice_cards
from pages.components.errors import explain_error
from pages.components.layout import empty_state
from pages.components.samples import in_order, samples_row
from pages.components.wording import megabytes, parameters, plural

OTHER = "another-model"


def choose_dataset(task: Task) -> Dataset | None:
    """Cards of the data sets for this task; None where there are none."""
    found = in_order(datasets.list_datasets(task.name))
    if not found:
        place = empty_state("database", "No data yet", "Bring your own to begin.")
        place.page_link(links.IMPORT, label="Add data", icon=":material/upload:")
        return None
    choices = [
        Choice(
            dataset.id,
            str(dataset.details.get("title") or dataset.name),
            str(dataset.details.get("description") or ""),
            badges=(
                (plural(dataset.rows, "example"), "gray"),
                (plural(len(dataset.classes), "class", "classes"), "gray"),
                *(() if dataset.bundled else (("your own", "green"),)),
            ),
            draw=partial(samples_row, dataset),
        )
        for dataset in found
    ]
    chosen = choice_cards("new_dataset", choices)
    st.page_link(links.IMPORT, label="Use your own data instead", icon=":material/upload:")
    return next(dataset for dataset in found if dataset.id == chosen)


def choose_model(task: Task) -> ModelSpec | None:
    """Cards of the task's models, and a field for others where the task takes any."""
    choices = [
        Choice(spec.name, spec.title, spec.description, badges=model_badges(task, spec))
        for spec in task.models
    ]
    known = {spec.name for spec in task.models}
    asked = st.session_state.get("new_model")
    if type(task).get_model is not Task.get_model:  # it takes names beyond its own list
        if asked and asked not in known and asked != OTHER:
            # A copied run that used a model from elsewhere.
            st.session_state["new_other_model"] = asked
            st.session_state["new_model"] = OTHER
        choices.append(
            Choice(
                OTHER, "Another model",
                "One from the Hugging Face Hub by its name, or a folder on this computer.",
                badges=(("for experts", "gray"),),
            )
        )  # fmt: skip
    chosen = choice_cards("new_model", choices)
    if chosen != OTHER:
        return task.get_model(chosen)
    return _other_model(task)


def _other_model(task: Task) -> ModelSpec | None:
    name = st.text_input(
        "Name on the Hub, or folder", key="new_other_model", max_chars=300,
        placeholder="organisation/model-name",
        help="Weights are read as safetensors only, and no code from the model is ever run.",
    ).strip()  # fmt: skip
    if not name:
        st.caption("Type a name to go on, for example one that you found on the Hub.")
        return None
    try:
        return task.get_model(name)
    except TrainroomError as error:
        explain_error(error, "This model cannot be used")
        return None


def model_badges(task: Task, spec: ModelSpec) -> tuple[tuple[str, str], ...]:
    """Size, where its weights are, licence."""
    weights = task.weights(spec)
    where = {
        Weights.HERE: ("pretrained, weights here", "green"),
        Weights.DOWNLOAD: (f"pretrained, download {megabytes(spec.download_mb)}", "orange"),
        Weights.SCRATCH: ("starts from zero", "gray"),
    }[weights]
    size = ((f"{parameters(spec.parameters)} weights", "gray"),) if spec.parameters else ()
    return (*size, where, (spec.licence, "gray"))
