"""What can be done with ticked examples on the page of mistakes: correct, leave out, ask why."""

from collections.abc import Callable

import streamlit as st

from backend import corrections
from backend.corrections import Tested
from backend.errors import TrainroomError
from backend.scores.mistakes import Rows
from pages.components.errors import explain_error
from pages.train.mistake_cards import tick_key
from pages.train.mistake_why import why_dialog

NEW = "Another class …"


def act(tested: Tested, rows: Rows, as_said: str) -> None:
    """What can be done with the ticked examples; as_said: the words for the answers' own labels."""
    run, answers = tested.run, tested.answers
    keys = [tick_key(run.id, number) for number in answers.examples[rows].tolist()]
    said = {
        int(answers.examples[row]): answers.classes[answers.answer[row]]
        for row in rows
        if st.session_state.get(tick_key(run.id, int(answers.examples[row])))
    }
    with st.container(horizontal=True, vertical_alignment="bottom", key="mistakes_act"):
        label = st.selectbox(
            "New label of the ticked ones", [as_said, *answers.classes, NEW], width=220,
            key=f"mistakes_label_{as_said}",
        )  # fmt: skip
        if label == NEW:
            label = st.text_input("Its name", key="mistakes_new", max_chars=200, width=160)
        if st.button("Relabel", icon=":material/label:", key="mistakes_relabel",
                     disabled=not said or not label):  # fmt: skip
            labels = said if label == as_said else dict.fromkeys(said, label)
            _change(lambda: corrections.relabel(run, labels), said, run.id)
        if st.button("Leave out", icon=":material/remove_circle:", key="mistakes_drop",
                     disabled=not said, help="They stay in earlier versions."):  # fmt: skip
            _change(lambda: corrections.leave_out(run, list(said)), said, run.id)
        st.button(
            "Tick all", icon=":material/done_all:", key="mistakes_all", on_click=_tick,
            args=(keys,), disabled=len(said) == len(keys), help="All that are shown here.",
        )  # fmt: skip
        if len(said) == 1 and st.button(
            "Why?", icon=":material/psychology_alt:", key="mistakes_why",
            help="What in this example made the model say so.",
        ):  # fmt: skip
            why_dialog(tested, *next(iter(said.items())))
    if tested.dataset.bundled:
        st.caption(
            "This data set came with Trainroom and stays as it is: corrections go into a copy."
        )


def _tick(keys: list[str]) -> None:
    """Callback: all examples of the page."""
    for key in keys:
        st.session_state[key] = True


def _change(change: Callable[[], object], ticked: dict[int, str], run_id: int) -> None:
    """Carry it out in a new version, untick, and draw the page anew."""
    try:
        with st.spinner("Making a new version …"):
            change()
    except TrainroomError as error:
        explain_error(error, "Nothing was changed")
        return
    for number in ticked:
        st.session_state[tick_key(run_id, number)] = False
    st.toast("Done: the data has a new version. Train on it when you are ready.")
    st.rerun()
