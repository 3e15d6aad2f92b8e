"""Letting a run go on: after a stop, after a failure, beyond its end; for the run pages."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from backend.errors import TrainroomError
from backend.remedies import Remedy, remedies
from backend.resuming import epochs_done, resume_all, resume_run
from backend.runs import Run, run_seconds
from backend.wording import about
from pages.components import links
from pages.components.errors import error_box, explain_error
from pages.components.run_dialogs import stop
from pages.components.wording import escape, plural

MOST_EPOCHS = 1000


def go_on(run: Run, **changes: Any) -> None:
    """Queue the run again and show it; a refusal becomes its sentence."""
    try:
        resume_run(run.id, changes)
    except TrainroomError as error:
        explain_error(error, "It cannot go on")
    else:
        st.rerun()


def go_on_all(runs: Sequence[Run]) -> None:
    """Queue several runs again; what cannot go on is told by problems_of_going_on."""
    try:
        going, problems = resume_all(run.id for run in runs)
    except TrainroomError as error:  # a full disk stops them all
        going, problems = [], [str(error)]
    st.session_state["going_on_problems"] = problems
    if going:
        st.toast(f"{plural(len(going), 'run')} will go on", icon=":material/play_arrow:")


def problems_of_going_on() -> None:
    """Why runs could not go on, until it is put away: the page may draw itself anew any second."""
    problems = st.session_state.get("going_on_problems", [])
    for problem in problems:
        error_box("It cannot go on", problem)
    if problems and st.button("Understood", key="going_on_understood"):
        st.session_state["going_on_problems"] = []
        st.rerun()


@st.dialog("Train further", icon=":material/fast_forward:")
def further_dialog(run: Run) -> None:
    """Ask for more epochs; the run goes on from where it ended."""
    done, planned = epochs_done(run), int(run.config.get("epochs", 1))
    early = done < planned
    st.markdown(
        f"**{escape(run.name, 60)}** has seen all examples {done:,} times"
        + (f" of {planned:,}, and stopped because it no longer got better" if early else "")
        + f". It goes on from there and keeps its curve.{_pace(run, done)}"
    )
    if done >= MOST_EPOCHS:
        st.info("That is as often as a run can see them. Start a new run to train a larger model.")
        return
    with st.form("train_further", border=False):
        st.number_input(
            "Epochs in all", done + 1, MOST_EPOCHS, min(MOST_EPOCHS, max(planned, 2 * done)),
            step=1, key="further_epochs",
            help="How many times it has seen all examples at the new end.",
        )  # fmt: skip
        with st.expander("More settings, for those who know them", icon=":material/tune:"):
            st.number_input(
                "Learning rate", 1e-8, 10.0, float(run.config.get("learning_rate", 1e-3)),
                format="%.6g", key="further_rate", help="How large each correction is.",
            )  # fmt: skip
        pressed = st.form_submit_button(
            "Continue", type="primary", width="stretch", on_click=_further, args=(run, early)
        )
    error = st.session_state.pop("further_error", None)
    if error is not None:
        explain_error(error, "It cannot go on")
    elif pressed:
        st.rerun()


def _pace(run: Run, done: int) -> str:
    """What one more epoch will take, by those before: the best pre-flight there is."""
    return f" One epoch has taken {about(run_seconds(run) / done)}." if done else ""


def _further(run: Run, early: bool) -> None:
    """What the dialog's button does, before the page is drawn again."""
    state = st.session_state
    changes = {"epochs": int(state["further_epochs"])}
    if early:  # or it would stop again after an epoch
        changes["early_stopping"] = 0
    if state["further_rate"] != run.config.get("learning_rate"):
        changes["learning_rate"] = state["further_rate"]
    try:
        resume_run(run.id, changes)
    except TrainroomError as error:
        state["further_error"] = error


def remedy_buttons(run: Run) -> None:
    """One button per way on after a failure, the best first."""
    ways = remedies(run)
    if not ways:
        return
    with st.container(horizontal=True):
        for number, remedy in enumerate(ways):
            if st.button(
                remedy.label, key=f"remedy_{number}", help=remedy.help,
                type="primary" if number == 0 else "secondary", icon=_icon(remedy),
            ):  # fmt: skip
                take(run, remedy)


def _icon(remedy: Remedy) -> str:
    return {
        "resume": ":material/play_arrow:", "again": ":material/content_copy:",
        "data": ":material/database:", "storage": ":material/hard_drive:",
        "stop": ":material/stop_circle:",
    }[remedy.action]  # fmt: skip


def take(run: Run, remedy: Remedy) -> None:
    """Do what a remedy's button offers."""
    if remedy.action == "resume":
        go_on(run, **remedy.config)
    elif remedy.action == "stop":
        stop(run)
    elif remedy.action == "again":
        changes = {name: str(value) for name, value in remedy.config.items()}
        changes |= {"model": remedy.model} if remedy.model else {}
        st.switch_page(links.NEW_RUN, query_params={"clone": str(run.id), **changes})
    else:
        st.switch_page(links.DATASETS if remedy.action == "data" else links.STORAGE)
