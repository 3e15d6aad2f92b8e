"""Several runs side by side: curves, scores, what differs, and whether that is more than chance."""

import streamlit as st

from backend.comparing import MOST_RUNS, Comparison, compare
from backend.errors import TrainroomError
from backend.runs import Run, list_runs
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card, empty_state, page_header
from pages.train.compare_curves import curves_card
from pages.train.compare_parts import (
    differing_table,
    history,
    scores_table,
    settings_chart,
    verdicts,
)
from pages.train.compare_view import View, read_view, write_view


def main() -> None:
    page_header(
        "Compare runs",
        "Their curves over each other, what differs, and whether a better score is more than luck.",
    )
    known = {run.id: run for run in list_runs()}
    if len(known) < 2:
        place = empty_state(
            "stacked_line_chart", "Nothing to compare yet", "Two runs are needed for that."
        )
        place.page_link(links.NEW_RUN, label="Start one", icon=":material/add:")
        return
    view = read_view(known)
    chosen = _choose(known)
    if not chosen:
        st.info(
            "Choose two or more runs above, or tick them in the list of all runs.",
            icon=":material/stacked_line_chart:",
        )
        write_view(View(runs=()))
        return
    view = curves_card(chosen, view)
    write_view(view)
    if len(chosen) < 2:
        st.info("Choose at least one more run.", icon=":material/add:")
        return
    try:
        found = _compared(tuple(run.id for run in chosen), _state(chosen))
    except TrainroomError as error:
        explain_error(error, "These runs cannot be compared")
        return
    _told(found)


@st.cache_data(max_entries=30, show_spinner=False)
def _compared(numbers: tuple[int, ...], state: str) -> Comparison:
    """The comparison, kept while nothing about the runs has changed: resampling takes a moment."""
    return compare(numbers)


def _state(chosen: list[Run]) -> str:
    """All that a comparison depends on; changes whenever one of the runs has gone on."""
    return repr([(run.name, run.status, run.attempt, run.step, run.metrics) for run in chosen])


def _choose(known: dict[int, Run]) -> list[Run]:
    """The field with the runs, in the order in which they were chosen."""
    row = st.container(horizontal=True, vertical_alignment="center")
    picked = row.multiselect(
        "Runs", [str(number) for number in known], key="compare_runs", max_selections=MOST_RUNS,
        format_func=lambda number: f"#{number} {known[int(number)].name}",
        placeholder="Choose runs", label_visibility="collapsed",
    )  # fmt: skip
    chosen = [known[int(number)] for number in picked]
    if any(not run.has_ended for run in chosen):
        row.button(
            "Refresh", icon=":material/refresh:", key="compare_refresh",
            help="Some of these runs are still training: draw what they have reached by now.",
        )  # fmt: skip
    return chosen


def _told(found: Comparison) -> None:
    verdicts(found)
    left, right = st.columns(2, gap="medium")
    with left, card("compare_scores"):
        scores_table(found)
    with right, card("compare_differs"):
        differing_table(found)
    settings_chart(found)
    history(found)


main()
