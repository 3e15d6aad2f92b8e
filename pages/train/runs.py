"""All runs as a table: filter, search, sort, open, rename, copy, delete."""

import streamlit as st

from backend.runs import Run, RunStatus, list_runs
from backend.tasks import list_tasks
from pages.components import links
from pages.components.layout import card, empty_state, page_header
from pages.components.run_dialogs import delete_dialog, rename_dialog
from pages.components.wording import plural
from pages.train.runs_table import selected_runs

GROUPS: dict[str, tuple[RunStatus, ...]] = {
    "All": tuple(RunStatus),
    "Active": (RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING),
    "Finished": (RunStatus.FINISHED,),
    "Stopped": (RunStatus.STOPPED,),
    "Failed": (RunStatus.FAILED, RunStatus.LOST),
}


def main() -> None:
    runs = list_runs()
    actions = page_header("Runs", f"{plural(len(runs), 'run')} on this computer")
    if actions.button("New run", icon=":material/add:", type="primary"):
        st.switch_page(links.NEW_RUN)
    if not runs:
        place = empty_state(
            "table_rows", "No runs yet", "A run is one training: data, model, settings, result."
        )
        place.page_link(links.NEW_RUN, label="Start the first one", icon=":material/add:")
        return
    shown = _filtered(runs)
    active = any(not run.has_ended for run in shown)
    st.fragment(_table, run_every=3 if active else None)(shown)


def _filtered(runs: list[Run]) -> list[Run]:
    titles = {task.name: task.title for task in list_tasks()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.segmented_control(
            "Status", list(GROUPS), default="All", required=True, key="runs_status",
            label_visibility="collapsed", bind="query-params",
        )  # fmt: skip
        task = st.selectbox(
            "Task", ["", *titles], format_func=lambda name: titles.get(name, "All tasks"),
            key="runs_task", label_visibility="collapsed", width=220,
        )  # fmt: skip
        words = st.text_input(
            "Search", key="runs_search", type="search", live=True, width=260,
            placeholder="Search name, data, model", label_visibility="collapsed",
        )  # fmt: skip
    wanted = words.casefold().split()
    return [
        run
        for run in runs
        if run.status in GROUPS[group or "All"]
        and (not task or run.task == task)
        and all(word in _searched(run) for word in wanted)
    ]


def _searched(run: Run) -> str:
    return f"#{run.id} {run.name} {run.dataset_name} {run.model}".casefold()


def _table(runs: list[Run]) -> None:
    """The table and the buttons for what is selected in it; read again at each tick."""
    if any(not run.has_ended for run in runs):
        known = {run.id: run for run in list_runs()}
        runs = [known[run.id] for run in runs if run.id in known]
    if not runs:
        st.caption("No run fits. Choose another status, or clear the search.")
        return
    chosen = selected_runs(runs)
    with card("runs_actions", horizontal=True, vertical_alignment="center"):
        _buttons(chosen)


def _buttons(chosen: list[Run]) -> None:
    words = (
        f"{plural(len(chosen), 'run')} selected"
        if chosen
        else ":gray[Tick runs at the left to rename, copy or delete them.]"
    )
    st.markdown(words, width="stretch")
    one = chosen[0] if len(chosen) == 1 else None
    if st.button("Rename", icon=":material/edit:", disabled=one is None) and one:
        rename_dialog(one)
    if st.button("Train again", icon=":material/content_copy:", disabled=one is None) and one:
        st.switch_page(links.NEW_RUN, query_params={"clone": str(one.id)})
    busy = any(run.is_active for run in chosen)
    if st.button(
        "Delete", icon=":material/delete:", disabled=not chosen or busy,
        help="Stop a run before you delete it." if busy else None,
    ):  # fmt: skip
        delete_dialog(chosen)


main()
