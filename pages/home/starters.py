"""Ready-made first runs, one per task: a bundled data set with the task's first model."""

import streamlit as st

from backend import datasets, runs
from backend.datasets import Dataset
from backend.tasks import Task, list_tasks
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.wording import escape, plural


def starters() -> list[tuple[Task, Dataset]]:
    """Each task with the bundled data set to begin with."""
    found = []
    for task in list_tasks():
        bundled = [dataset for dataset in datasets.list_datasets(task.name) if dataset.bundled]
        if bundled and task.models:
            # They are made in the order in which they are best met.
            found.append((task, min(bundled, key=lambda dataset: dataset.created_at)))
    return found


def starter_cards() -> None:
    """One card per starter, and one for own data; Start begins training right away."""
    grid = st.grid(3, min_column_width=250, gap="medium")
    for task, dataset in starters():
        with grid, card(f"starter_{task.name}", height="stretch"):
            _starter(task, dataset)
    with grid, card("starter_own", height="stretch"):
        st.markdown("## :material/folder_open:")
        st.markdown("#### Bring your own data")
        st.markdown(
            ":gray[A table with texts and labels, or a zip with one folder of pictures per class. "
            "Nothing is uploaded anywhere.]"
        )
        st.space("stretch")
        if st.button("Add data", key="starter_add", icon=":material/upload:", width="stretch"):
            st.switch_page(links.IMPORT)


def _starter(task: Task, dataset: Dataset) -> None:
    title = str(dataset.details.get("title") or dataset.name)
    st.markdown(f"## :material/{task.icon}:")
    st.markdown(f"#### {escape(title)}")
    st.markdown(
        f":gray[{escape(str(dataset.details.get('description') or task.description), 200)}]"
    )
    st.caption(
        f"{plural(dataset.rows, 'example')} · {plural(len(dataset.classes), 'class', 'classes')} · "
        f"{escape(task.models[0].title)}"
    )
    st.space("stretch")
    if st.button(
        "Start training",
        key=f"start_{task.name}",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        help="Starts at once with settings that suit it, and shows you the curve live.",
    ):
        _start(task, dataset)


def _start(task: Task, dataset: Dataset) -> None:
    try:
        run = runs.start_run(task=task.name, dataset=dataset.id, model=task.models[0].name)
    except Exception as error:
        explain_error(error, "The training could not start")
    else:
        st.switch_page(links.RUN, query_params={"run": str(run.id)})
