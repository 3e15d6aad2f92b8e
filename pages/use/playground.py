"""Playground: choose a trained model, give it something, see its answer."""

import streamlit as st

from backend import inference
from backend.errors import TrainroomError
from backend.runs import Run, RunStatus, list_runs
from backend.tasks import get_task
from pages.components import links
from pages.components.asked_run import asked_number
from pages.components.config_form import options_form
from pages.components.layout import card, empty_state, page_header
from pages.components.status import LOOKS, has_model, score_title, score_words
from pages.components.wording import escape
from pages.use.answers import ask, history_table, show_answer, to_ask_again
from pages.use.inputs import examples_to_click, own_input


def main() -> None:
    page_header("Playground", "Give a trained model something new. Nothing leaves this computer.")
    runs = {run.id: run for run in list_runs() if has_model(run)}
    if not runs:
        place = empty_state(
            "science", "No trained model yet", "Train one first; it takes about a minute."
        )
        place.page_link(links.HOME, label="Start a training", icon=":material/play_arrow:")
        return
    left, right = st.columns([1, 2], gap="medium")
    with left, card("choose_model"):
        run = _choose(runs)
    with right:
        _try(run)


def _choose(runs: dict[int, Run]) -> Run:
    """Pick the model; the address keeps the choice, so that it can be shared."""
    ids = list(runs)
    wanted = asked_number() if asked_number() in runs else ids[0]
    number = st.selectbox(
        "Model", ids, ids.index(wanted), key=f"play_run_{wanted}",
        format_func=lambda key: f"#{key} {runs[key].name}" if key in runs else str(key),
    )  # fmt: skip
    if number != wanted:
        st.query_params["run"] = str(number)
    run = runs[number]
    look = LOOKS[run.status]
    st.badge(look.word, icon=look.icon, color=look.color)
    st.metric(score_title(run), score_words(run))
    so_far = " so far" if run.status is RunStatus.RUNNING else ""
    st.caption(
        f"{escape(run.model, 40)} · learned from {escape(run.dataset_name, 50)} · "
        f"best copy{so_far} from step {run.best_step or 0:,}"
    )
    st.page_link(
        links.RUN, label="How it was trained", icon=":material/show_chart:",
        query_params={"run": str(run.id)},
    )  # fmt: skip
    return run


def _try(run: Run) -> None:
    try:
        task = get_task(run.task)
    except TrainroomError as error:
        st.error(escape(str(error)))
        return
    _warm(run.id)
    with card("input"):
        options = options_form(task.options(), key=f"play_{run.id}")
        own, examples = st.columns(2, gap="medium")
        with own:
            given = own_input(run, task)
        with examples:
            given = examples_to_click(run, task) or given
        given = given or to_ask_again(run, task, options)
    if given is not None:
        ask(run, task, given, options)
    show_answer(run, task)
    history_table()


def _warm(run_id: int) -> None:
    """Start the process that answers while the user still thinks of a question."""
    if st.session_state.get("play_warmed") != run_id:
        st.session_state["play_warmed"] = run_id
        inference.warm()


main()
