"""One run: live curves, what happened, its settings, and what can be done with it."""

import streamlit as st

from backend.comparing import rivals
from backend.corrections import has_mistakes
from backend.glossary import meaning
from backend.reporting import report_html
from backend.runs import Run, RunStatus, read_log
from pages.components import links
from pages.components.asked_run import asked_run
from pages.components.finding_actions import take_finding
from pages.components.layout import card, empty_state, page_header
from pages.components.live_run import live_run
from pages.components.queue_buttons import queue_card
from pages.components.run_actions import further_dialog, go_on
from pages.components.run_dialogs import delete_dialog, rename_dialog, stop
from pages.components.run_story import run_story
from pages.components.snapshots import snapshot_cards
from pages.components.status import has_model, scores, status_badge
from pages.components.wording import ago, escape
from pages.train.own_examples import own_examples
from pages.train.run_parts import outcome, settings_table, source_table
from pages.train.score_parts import class_table, scores_table


def main() -> None:
    run = asked_run()
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
    pressed = live_run(run)
    if pressed is not None:
        take_finding(run, pressed)
    own_examples(run)
    snapshot_cards(run)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        run_story(run)
    with right:
        if scores(run):
            with card("scores"):
                scores_table(run)
                class_table(run)
        with card("sources"):
            st.markdown("#### Data and model", help=meaning("Version of the data"))
            source_table(run)
        with card("settings_of_run"):
            st.markdown("#### Settings", help=meaning("Setting"))
            settings_table(run)


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
    if has_mistakes(run) and st.button(
        "Its mistakes", icon=":material/rule:", key="run_mistakes",
        help="Which test examples it gets wrong, and what can be done about it.",
    ):  # fmt: skip
        st.switch_page(links.MISTAKES, query_params={"run": str(run.id)})
    if has_model(run) and st.button(
        "Try it", icon=":material/science:", key="run_try",
        type="primary" if run.status is RunStatus.FINISHED else "secondary",
    ):  # fmt: skip
        st.switch_page(links.PLAYGROUND, query_params={"run": str(run.id)})
    with st.popover("More", icon=":material/more_horiz:"):
        if st.button("Rename", icon=":material/edit:", type="tertiary", key="run_rename"):
            rename_dialog(run)
        if st.button(
            "Compare", icon=":material/stacked_line_chart:", type="tertiary", key="run_compare",
            help="With the newest other runs on the same data.",
        ):  # fmt: skip
            picked = ",".join(str(one.id) for one in [run, *rivals(run)])
            st.switch_page(links.COMPARE, query_params={"runs": picked})
        st.download_button(
            "Download the log", lambda: read_log(run.id, 100_000), f"run-{run.id}.log",
            "text/plain", icon=":material/download:", type="tertiary", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download a report", lambda: report_html(run.id), f"run-{run.id}.html", "text/html",
            icon=":material/description:", type="tertiary", on_click="ignore", key="run_report",
            help="One page with settings, data, curves and scores; it opens in any browser.",
        )  # fmt: skip
        if not run.is_active and st.button(
            "Delete", icon=":material/delete:", type="tertiary", key="run_delete"
        ):
            delete_dialog([run], links.RUNS)


main()
