"""The user's own examples on a run's page: what it says of each, replayed by a slider."""

from typing import Any

import streamlit as st

from backend import opinions, pins
from backend.errors import TrainroomError
from backend.inference.wording import answer_confidence
from backend.opinions import Opinion
from backend.pins import MOST, Pin
from backend.runs import Run
from backend.tasks import Task, get_task
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.pin_fields import can_be_pinned, pin_fields, pin_value
from pages.components.snapshots import choose_moment
from pages.components.wording import escape, percent

LATER = "It has not been asked yet: the run answers it at its next evaluation."
ENDED = "This run has ended. It answers them when it is trained further, and so does a copy of it."


def own_examples(run: Run) -> None:
    """A card with the pinned examples; new answers appear while it trains."""
    try:
        task = get_task(run.task)
    except TrainroomError:  # of a task file that has gone since
        return
    pinned = pins.list_pins(run.id)
    if not pinned and (run.has_ended or not can_be_pinned(task)):
        return

    def body() -> None:
        with card("own_examples"):
            st.markdown("#### Your own examples")
            found = pins.list_pins(run.id)
            if found:
                _answers(run, found)
            _more(run, task, len(found))

    more_come = bool(pinned) and not run.has_ended
    st.fragment(body, run_every=3 if more_come else None)()


def _answers(run: Run, pinned: list[Pin]) -> None:
    moments = opinions.moments_of(run)
    now: dict[int, dict[str, Any]] = {}
    said: dict[int, list[Opinion]] = {}
    if moments:
        moment = choose_moment(f"own_examples_{run.id}", moments)
        now = opinions.answers_at(moment)
        said = opinions.opinions([one for one in moments if one.step <= moment.step])
    else:
        st.caption(ENDED if run.has_ended else LATER)
    grid = st.grid(2, min_column_width=320, gap="medium", key="own_examples_grid")
    for pin in pinned:
        with grid.container(border=True, gap="xsmall"):
            _one(pin, now.get(pin.id), said.get(pin.id, []), bool(moments))


def _one(pin: Pin, answer: dict[str, Any] | None, said: list[Opinion], asked: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        try:
            value: Any = pins.read_value(pin)
        except TrainroomError as error:
            value = str(error)
        with st.container(width="stretch"):
            pin_value(value, pin.title)
        st.button(
            "Remove", icon=":material/close:", type="tertiary", key=f"unpin_{pin.id}",
            on_click=pins.remove_pin, args=(pin,),
        )  # fmt: skip
    if answer is None:
        if asked:
            st.caption(LATER)
        return
    if "error" in answer:
        st.caption(escape(str(answer["error"]), 300))
        return
    words = said[-1].words if said else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape(words, 200) or 'nothing'}**", width="content")
        sure = answer_confidence(answer)
        if sure is not None:
            st.badge(percent(sure), color="green" if sure > 0.5 else "orange")
        if pin.truth is not None:
            right = " ".join(words.split()) == pin.truth
            st.badge(
                "right" if right else f"it is {escape(pin.truth, 40)}",
                icon=":material/check:" if right else ":material/close:",
                color="green" if right else "red",
            )
    changed = opinions.turns(said)[-opinions.MOST_TURNS :]
    if len(changed) > 1:
        st.caption(" → ".join(escape(one.words, 40) or "nothing" for one in changed))
    if sentence := opinions.turn_words(said):
        st.caption(escape(sentence, 300))


def _more(run: Run, task: Task, count: int) -> None:
    """The fields for one more, folded in."""
    if count >= MOST or not can_be_pinned(task):
        return
    with st.expander("Pin an example of your own", icon=":material/keep:", expanded=False):
        st.caption(
            f"Up to {MOST}. The run answers them at every evaluation, and a slider replays how its "
            "opinion changed."
        )
        new = pin_fields(task, f"run_{run.id}")
        if new is None:
            return
        try:
            pins.add_pin(run.id, task, new)
        except TrainroomError as error:
            explain_error(error, "It was not pinned")
        else:
            st.rerun()
