"""One page of mistakes: each example with its label, the answer, and a box to tick."""

import streamlit as st

from backend import corrections
from backend.corrections import Tested
from backend.datasets.browse import Shown
from backend.errors import TrainroomError
from backend.scores.mistakes import Rows
from pages.components.example_row import TINY, example_image, read_shown
from pages.components.wording import escape, percent


def tick_key(run_id: int, number: int) -> str:
    return f"mistake_{run_id}_{number}"


def mistake_cards(tested: Tested, rows: Rows) -> None:
    """Pictures and recordings in a grid, texts as lines."""
    numbers = tuple(int(number) for number in tested.answers.examples[rows])
    try:
        shown = read_shown(tested.dataset.id, tested.dataset.version, numbers)
        now = corrections.labels_now(tested.run, numbers)
    except TrainroomError:
        st.caption("The data set is gone, so the examples cannot be shown.")
        return
    if shown and shown[0].example.text is not None:
        for row, one in zip(rows.tolist(), shown, strict=True):
            st.checkbox(
                f"“{escape(one.example.text or '', 300)}”  \n{_words(tested, row, one, now)}",
                key=tick_key(tested.run.id, one.example.index),
            )
        return
    sound = bool(shown) and shown[0].example.wav is not None
    tiny = all(len(one.example.png or b"") < TINY for one in shown)
    grid = st.grid(
        3 if sound else 6, min_column_width=230 if sound else 118, gap="small",
        key=f"{'samples' if tiny else 'photos'}_mistakes",
    )  # fmt: skip
    for row, one in zip(rows.tolist(), shown, strict=True):
        with grid.container(gap="xxsmall"):
            example_image(one, 96)
            st.checkbox(
                _words(tested, row, one, now), key=tick_key(tested.run.id, one.example.index)
            )


def _words(tested: Tested, row: int, one: Shown, now: dict[int, str]) -> str:
    """What the label says, what the model said and how surely, and what was corrected since."""
    answers = tested.answers
    label = answers.classes[answers.truth[row]]
    said, share = answers.classes[answers.answer[row]], float(answers.share[row])
    colour = "green" if label == said else "red"
    words = f"{escape(label, 40)} :{colour}[→ {escape(said, 40)} {percent(share)}]"
    current = now.get(one.example.index, label)
    if current != label:
        words += f"  \n:material/edit: :blue[now {escape(current, 40)}]"
    return words
