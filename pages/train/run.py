"""One run: live curves, what happened, its settings, and what can be done with it."""

import streamlit as st

from backend.errors import TrainroomError
from backend.runs import Run, RunStatus, get_run, read_log
from pages.components import links
from pages.components.layout import card, empty_state, page_header
from pages.components.live_run import live_run
from pages.components.queue_buttons import queue_card
from pages.components.run_actions import further_dialog, go_on
from pages.components.run_dialogs import delete_dialog, rename_dialog, stop
from pages.components.status import has_model, status_badge
from pages.components.wording import ago, escape
from pages.train.run_parts import log_tail, outcome, settings_table, source_table, timeline


def main() -> None:
    run = _asked_run()
    if run is None:
        page_header("Run")
        place = empty_state(
            "search_off", "There is no such run", "It may have been deleted, or the link is wrong."
        )
        place.page_link(links.RUNS, label="See all runs", icon=":material/table_rows:")
        return
    st.set_page_config(page_title=f"{run.name[:60]} · Trainroom")
    _header(run)
    outcome(run)
    if run.status is RunStatus.QUEUED:
        queue_card(run)
    live_run(run)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        with card("timeline"):
            st.markdown("#### What happened")
            timeline(run)
        with card("log"):
            log_tail(run)
    with right:
        with card("sources"):
            st.markdown("#### Data and model")
            source_table(run)
        with card("settings_of_run"):
            st.markdown("#### Settings")
            settings_table(run)


def _asked_run() -> Run | None:
    """The run that ?run= names, or None where the number is none or unknown."""
    asked = st.query_params.get("run", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 13):
        return None
    try:
        return get_run(int(asked))
    except TrainroomError:
        return None


def _header(run: Run) -> None:
    began = f"started {ago(run.started_at)}" if run.started_at else f"created {ago(run.created_at)}"
    words = [f"#{run.id}", escape(run.model, 40), escape(run.dataset_name, 50), began]
    actions = page_header(escape(run.name, 80), " · ".join(words), lambda: status_badge(run))
    with actions:
        _buttons(run)


def _buttons(run: Run) -> None:
    if run.status is RunStatus.STOPPED:
        if st.button("Continue", icon=":material/play_arrow:", key="run_continue", type="primary",
                     help="Goes on exactly where it was stopped."):  # fmt: skip
            go_on(run)
    elif run.status is RunStatus.FINISHED and st.button(
        "Train further", icon=":material/fast_forward:", key="run_further",
        help="More epochs, from where it ended.",
    ):  # fmt: skip
        further_dialog(run)
    if run.has_ended:
        if st.button("Train again", icon=":material/content_copy:", key="run_clone",
                     help="Opens a new run's form with the same choices."):  # fmt: skip
            st.switch_page(links.NEW_RUN, query_params={"clone": str(run.id)})
    elif run.status is not RunStatus.STOPPING and st.button(
        "Stop" if run.is_active else "Cancel", icon=":material/stop_circle:", key="run_stop",
        help="Saves what it learned. You can continue later, exactly from there."
        if run.is_active else "Takes it out of the queue. You can continue it later.",
    ):  # fmt: skip
        stop(run)
    if has_model(run) and st.button(
        "Try it", icon=":material/science:", key="run_try",
        type="primary" if run.status is RunStatus.FINISHED else "secondary",
    ):  # fmt: skip
        st.switch_page(links.PLAYGROUND, query_params={"run": str(run.id)})
    with st.popover("More", icon=":material/more_horiz:"):
        if st.button("Rename", icon=":material/edit:", type="tertiary", key="run_rename"):
            rename_dialog(run)
        st.download_button(
            "Download the log", lambda: read_log(run.id, 100_000), f"run-{run.id}.log",
            "text/plain", icon=":material/download:", type="tertiary", on_click="ignore",
        )  # fmt: skip
        if not run.is_active and st.button(
            "Delete", icon=":material/delete:", type="tertiary", key="run_delete"
        ):
            delete_dialog([run], links.RUNS)


main()
