"""All runs as a table: filter, search, sort, open, continue, move, rename, copy, delete."""

import streamlit as st

from backend.queue_order import waits_for
from backend.resuming import can_resume
from backend.runs import Run, RunStatus, list_runs
from backend.tasks import list_tasks
from pages.components import links
from pages.components.layout import card, empty_state, page_header
from pages.components.queue_buttons import queue_buttons, queue_list
from pages.components.run_actions import further_dialog, go_on_all, problems_of_going_on
from pages.components.run_dialogs import delete_dialog, rename_dialog
from pages.components.wording import escape, plural
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
    problems_of_going_on()
    queue_list()
    chosen = selected_runs(runs)
    with card("runs_actions", horizontal=True, vertical_alignment="center"):
        _buttons(chosen)


def _buttons(chosen: list[Run]) -> None:
    one = chosen[0] if len(chosen) == 1 else None
    words = (
        f"{plural(len(chosen), 'run')} selected"
        if chosen
        else ":gray[Tick runs at the left to compare, continue, rename, copy or delete them.]"
    )
    if one is not None and one.status is RunStatus.QUEUED:
        words = escape(waits_for(one), 300)
    st.markdown(words, width="stretch")
    _moves(chosen)
    if one is not None and st.button("Rename", icon=":material/edit:"):
        rename_dialog(one)
    if one is not None and st.button("Train again", icon=":material/content_copy:"):
        st.switch_page(links.NEW_RUN, query_params={"clone": str(one.id)})
    if len(chosen) > 1 and st.button("Compare", icon=":material/stacked_line_chart:"):
        picked = ",".join(str(run.id) for run in chosen)
        st.switch_page(links.COMPARE, query_params={"runs": picked})
    busy = any(run.is_active for run in chosen)
    if chosen and st.button(
        "Delete", icon=":material/delete:", disabled=busy,
        help="Stop a run before you delete it." if busy else None,
    ):  # fmt: skip
        delete_dialog(chosen)


def _moves(chosen: list[Run]) -> None:
    """Continue what has ended, hold or let go what waits; only what applies is drawn."""
    ended = [run for run in chosen if can_resume(run)]
    if ended and st.button(
        "Continue", icon=":material/play_arrow:", key="runs_continue", type="primary",
        help="Goes on from what was saved last.",
    ):  # fmt: skip
        go_on_all(ended)
        st.rerun()
    if len(chosen) == 1 and chosen[0].status is RunStatus.FINISHED and st.button(
        "Train further", icon=":material/fast_forward:", key="runs_further",
        help="More epochs, from where it ended.",
    ):  # fmt: skip
        further_dialog(chosen[0])
    waiting = [run for run in chosen if run.status is RunStatus.QUEUED]
    if waiting:
        queue_buttons(waiting)


main()
