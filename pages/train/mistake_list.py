"""The lists of examples behind the mistakes, on the page of mistakes."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from backend.corrections import Tested
from backend.scores.mistakes import (
    Answers,
    Rows,
    confusion,
    likely_wrong_labels,
    of_pair,
    surest_mistakes,
)
from backend.scores.votes import outvoted
from pages.components.layout import card
from pages.train.confusion_part import OF_PAIR, SHOW
from pages.train.learned_labels import LEARNED, learned_labels
from pages.train.mistake_actions import act
from pages.train.mistake_cards import mistake_cards

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
AS_SAID, AS_ALIKE = "What the model said", "What those alike say"


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
        act(tested, shown, AS_ALIKE if chosen == LEARNED else AS_SAID)
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
