"""Steps 1 and 2 of a new run: what to learn, and from which data."""

from functools import partial
from itertools import groupby

import streamlit as st

from backend.datasets import Dataset
from backend.datasets.formats import get_format
from backend.tasks import Task, get_task, list_tasks
from pages.components import links
from pages.components.choice_cards import Choice, draw_cards, many_choice_cards, settle
from pages.components.layout import empty_state
from pages.components.samples import known_datasets, samples_row, size_words
from pages.train.steps import folded, is_open, open_next, step_title

KINDS = (
    ("With pictures", ("image",)),
    ("With texts", ("text",)),
    ("With sound or ratings", ("audio", "rating")),
)
"""Groups of tasks, by what the examples of their data are."""


def choose_task() -> Task:
    """Cards of the tasks, grouped by what their data is made of."""
    question = "What should it learn?"
    tasks = sorted(list_tasks(), key=_kind)
    choices = {
        task.name: Choice(task.name, task.title, task.description, icon=task.icon) for task in tasks
    }
    settle("new_task", [choices[task.name] for task in list_tasks()])
    chosen = get_task(st.session_state["new_task"])
    if not is_open("task"):
        folded("task", 1, question, chosen.title, chosen.description, chosen.icon)
        return chosen
    step_title(1, question)
    for kind, group in groupby(tasks, key=_kind):
        st.caption(KINDS[kind][0])
        draw_cards(
            "new_task", [choices[task.name] for task in group], on_choose=partial(open_next, "task")
        )
    return chosen


def _kind(task: Task) -> int:
    item = get_format(task.formats[0]).item
    places = [place for place, (_, items) in enumerate(KINDS) if item in items]
    return places[0] if places else len(KINDS) - 1


def choose_dataset(task: Task) -> Dataset | None:
    """Cards of the data sets for this task; None where there are none."""
    question = "Which data should it learn from?"
    found = known_datasets(task.name)
    if not found:
        step_title(2, question)
        place = empty_state("database", "No data yet", "Bring your own to begin.")
        place.page_link(links.IMPORT, label="Add data", icon=":material/upload:")
        return None
    choices = [_dataset_choice(dataset) for dataset in found]
    name = settle("new_dataset", choices)
    chosen = next(dataset for dataset in found if dataset.id == name)
    if not is_open("dataset"):
        folded("dataset", 2, question, _title(chosen), size_words(chosen))
        return chosen
    step_title(2, question)
    many_choice_cards(
        "new_dataset", choices, what="data sets", on_choose=partial(open_next, "dataset")
    )
    st.page_link(links.IMPORT, label="Use your own data instead", icon=":material/upload:")
    return chosen


def _title(dataset: Dataset) -> str:
    return str(dataset.details.get("title") or dataset.name)


def _dataset_choice(dataset: Dataset) -> Choice:
    sizes = tuple((part, "gray") for part in size_words(dataset).split(" · "))
    return Choice(
        dataset.id,
        _title(dataset),
        str(dataset.details.get("description") or ""),
        badges=(*sizes, *(() if dataset.bundled else (("your own", "green"),))),
        draw=partial(samples_row, dataset),
    )
