"""Ready-made first runs, one per task: a bundled data set with the task's first model.

Data that is not there yet is made when its run is started, so that the first page need not wait.
"""

import streamlit as st

from backend import datasets, runs
from backend.datasets.bundled.record import Bundled
from backend.tasks import Task, list_tasks
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.wording import escape

FIRST = 3
"""So many are shown at once, the rest behind a fold."""


def starters() -> list[tuple[Task, Bundled]]:
    """Each task with the bundled data set to begin with, those to begin with first."""
    bundled = datasets.list_bundled()
    found = []
    for task in list_tasks():
        fitting = [item for item in bundled if item.format in task.formats]
        # Its own data before what it can learn from as well.
        fitting.sort(key=lambda item: item.task != task.name)
        if fitting and task.models:
            found.append((task, fitting[0]))
    return found


def starter_cards() -> None:
    """The best starters, the rest behind a fold, and the way to own data."""
    found = starters()
    _row(found[:FIRST])
    if found[FIRST:]:
        with st.expander(f"More to try: {_titles(found[FIRST:])}", icon=":material/expand_more:"):
            _row(found[FIRST:])
    with card("starter_own", horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(
            ":material/folder_open: **Bring your own data**  \n:gray[A table of texts, a zip of "
            "pictures or recordings, and more. Nothing is uploaded anywhere.]",
            width="stretch",
        )
        if st.button("Add data", key="starter_add", icon=":material/upload:"):
            st.switch_page(links.IMPORT)


def _titles(found: list[tuple[Task, Bundled]]) -> str:
    return ", ".join(task.title.lower() for task, _ in found)


def _row(found: list[tuple[Task, Bundled]]) -> None:
    grid = st.grid(FIRST, min_column_width=250, gap="medium")
    for task, data in found:
        with grid, card(f"starter_{task.name}", height="stretch", gap="small"):
            _starter(task, data)


def _starter(task: Task, data: Bundled) -> None:
    st.markdown(f":gray[:material/{task.icon}: {escape(task.title)}]  \n**{escape(data.title)}**")
    st.markdown(f":gray[{escape(data.description or task.description, 170)}]")
    st.space("stretch")
    if st.button(
        "Start training",
        key=f"start_{task.name}",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        help=f"Trains {escape(task.models[0].title)} with settings that suit it, and shows you "
        "the curve live.",
    ):
        _start(task, data)


def _start(task: Task, data: Bundled) -> None:
    try:
        run = runs.start_run(task=task.name, dataset=data.name, model=task.models[0].name)
    except Exception as error:
        explain_error(error, "The training could not start")
    else:
        st.switch_page(links.RUN, query_params={"run": str(run.id)})
