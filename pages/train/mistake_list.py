"""The examples behind the mistakes, to tick, relabel or leave out; on the page of mistakes."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from backend import corrections
from backend.corrections import Tested
from backend.errors import TrainroomError
from backend.scores.mistakes import (
    Answers,
    Rows,
    confusion,
    likely_wrong_labels,
    of_pair,
    surest_mistakes,
)
from backend.scores.votes import outvoted
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.train.confusion_part import OF_PAIR, SHOW
from pages.train.learned_labels import LEARNED, learned_labels
from pages.train.mistake_cards import mistake_cards, tick_key
from pages.train.mistake_why import why_dialog

LISTS: dict[str, Callable[[Answers], Rows]] = {
    "Surest mistakes": surest_mistakes,
    "Likely wrong labels": likely_wrong_labels,
}
HINTS = {
    "Surest mistakes": "Wrong answers, those of which the model was surest first. Often these are "
    "hard examples, sometimes wrong labels.",
    "Likely wrong labels": "Examples where the model is as sure of another class as it usually is "
    "when that class is right (confident learning), in the test part, which it never learned "
    "from. Correcting these makes the score truer.",
    LEARNED: "Examples that the model learned from, where most of the ten that it finds most "
    "alike carry another label, the clearest first. Correcting those that are wrong makes the "
    "next model better.",
    OF_PAIR: "All test examples of one class that got one answer.",
}
PAGE = 18
AS_SAID, NEW = "What the model said", "Another class …"


def mistake_list(tested: Tested) -> None:
    answers, run = tested.answers, tested.run
    with card("mistake_list"):
        st.session_state.setdefault(SHOW, "Surest mistakes")
        chosen = st.segmented_control(
            "Show",
            [*LISTS, LEARNED, OF_PAIR],
            key=SHOW,
            label_visibility="collapsed",
            required=True,
        )
        st.caption(HINTS[chosen])
        if chosen == LEARNED:
            found = learned_labels(tested)
            if found is None:
                return
            tested, answers = found, found.answers
            rows = outvoted(answers)
        else:
            rows = _pair(tested) if chosen == OF_PAIR else LISTS[chosen](answers)
        if not len(rows):
            st.markdown(":material/check: There are none.")
            return
        pages = -(-len(rows) // PAGE)
        page = 1
        if pages > 1:
            page = st.session_state.get(f"mistakes_page_{run.id}_{chosen}", 1)
        shown = rows[(min(page, pages) - 1) * PAGE :][:PAGE]
        _act(tested, shown)
        mistake_cards(tested, shown)
        if pages > 1:
            with st.container(horizontal_alignment="center"):
                st.pagination(pages, key=f"mistakes_page_{run.id}_{chosen}")


def _pair(tested: Tested) -> Rows:
    """Two lists to choose a class and an answer from; at first the most frequent mistake."""
    classes, run = tested.answers.classes, tested.run
    table = confusion(tested.answers)
    np.fill_diagonal(table, 0)
    worst = np.unravel_index(int(table.argmax()), table.shape)
    numbers = list(range(len(classes)))
    picked = []
    for slot, name, words, first in zip(
        st.columns(2), ("truth", "answer"), ("It is", "The model said"), worst, strict=True
    ):
        key = f"mistakes_{name}_{run.id}"
        st.session_state.setdefault(key, int(first))
        picked.append(slot.selectbox(words, numbers, key=key, format_func=classes.__getitem__))
    return of_pair(tested.answers, picked[0], picked[1])


def _act(tested: Tested, rows: Rows) -> None:
    """What can be done with the ticked examples."""
    run, answers = tested.run, tested.answers
    said = {
        int(answers.examples[row]): answers.classes[answers.answer[row]]
        for row in rows
        if st.session_state.get(tick_key(run.id, int(answers.examples[row])))
    }
    with st.container(horizontal=True, vertical_alignment="bottom", key="mistakes_act"):
        label = st.selectbox(
            "New label of the ticked ones", [AS_SAID, *answers.classes, NEW], width=220,
            key="mistakes_label",
        )  # fmt: skip
        if label == NEW:
            label = st.text_input("Its name", key="mistakes_new", max_chars=200, width=160)
        if st.button("Relabel", icon=":material/label:", key="mistakes_relabel",
                     disabled=not said or not label):  # fmt: skip
            labels = said if label == AS_SAID else dict.fromkeys(said, label)
            _change(lambda: corrections.relabel(run, labels), said, run.id)
        if st.button("Leave out", icon=":material/remove_circle:", key="mistakes_drop",
                     disabled=not said, help="They stay in earlier versions."):  # fmt: skip
            _change(lambda: corrections.leave_out(run, list(said)), said, run.id)
        if len(said) == 1 and st.button(
            "Why?", icon=":material/psychology_alt:", key="mistakes_why",
            help="What in this example made the model say so.",
        ):  # fmt: skip
            why_dialog(tested, *next(iter(said.items())))
    if tested.dataset.bundled:
        st.caption(
            "This data set came with Trainroom and stays as it is: corrections go into a copy."
        )


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
