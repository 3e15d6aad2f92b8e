"""What the user can give to a model: by the task's kind of input, or an example of the test."""

from collections.abc import Callable

import streamlit as st

from backend.datasets import get_dataset
from backend.errors import TrainroomError
from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example
from pages.components.wording import escape
from pages.use.items_input import items_input
from pages.use.picture_input import pair_input, picture_input
from pages.use.sound_input import sound_input
from pages.use.text_input import text_input

SHOWN = 8
FIELDS: dict[str, Callable[[Run, Task], Example | None]] = {
    "text": text_input,
    "image": picture_input,
    "two-images": pair_input,
    "audio": sound_input,
    "items": items_input,
}
"""The fields for each kind of input (backend.tasks.base.InputKind)."""


def own_input(run: Run, task: Task) -> Example | None:
    """The fields for the task's kind of input; something only when it is new."""
    return FIELDS[task.input_kind](run, task)


def examples_to_click(run: Run, task: Task) -> Example | None:
    """Examples that the model has never seen, to click; the clicked one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Or an example it has never seen", width="stretch")
        if st.button("Others", icon=":material/shuffle:", type="tertiary", key="play_others"):
            st.session_state["play_seed"] = st.session_state.get("play_seed", 0) + 1
    seed = st.session_state.get("play_seed", 0)
    try:
        examples = _examples(run.task, run.dataset_id, run.dataset_version, seed)
    except TrainroomError:
        st.caption("The data set is gone, so there are no examples to show.")
        return None
    return PICKERS.get(task.input_kind, _texts)(examples, seed)


@st.cache_data(max_entries=200, show_spinner=False)
def _examples(task: str, dataset_id: str, version: int, seed: int) -> list[Example]:
    """Examples to try, of the data that the run learned from; a version never changes."""
    from backend.tasks import get_task

    return get_task(task).examples(get_dataset(dataset_id, version), limit=SHOWN, seed=seed)


def _texts(examples: list[Example], seed: int) -> Example | None:
    picked = None
    for number, example in enumerate(examples[:5]):
        words = escape(example.title, 90)
        key = f"play_{seed}_{number}"
        if st.button(words, key=key, type="tertiary", icon=":material/play_arrow:"):
            picked = example
    return picked


def _pictures(examples: list[Example], seed: int) -> Example | None:
    picked = None
    grid = st.grid(SHOWN // 2, min_column_width=58, gap="small", key="samples_playground")
    for number, example in enumerate(examples):
        with grid.container(gap="xsmall", horizontal_alignment="center"):
            alt = f"Example of {example.truth}" if example.truth else "Example"
            st.image(example.value, width=56, alt=alt)
            if st.button("Try", key=f"play_{seed}_{number}", width="stretch"):
                picked = example
    return picked


def _pairs(examples: list[Example], seed: int) -> Example | None:
    picked = None
    grid = st.grid(SHOWN // 4, min_column_width=130, gap="small", key="samples_playground")
    for number, example in enumerate(examples[:6]):
        with grid.container(gap="xsmall", horizontal_alignment="center"):
            with st.container(horizontal=True, gap="xsmall", width="content"):
                for picture in example.value:
                    st.image(picture, width=56, alt="One of two pictures")
            if st.button("Try", key=f"play_{seed}_{number}", width=120):
                picked = example
    return picked


def _sounds(examples: list[Example], seed: int) -> Example | None:
    picked = None
    for number, example in enumerate(examples[:4]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.audio(example.value, format="audio/wav", width="stretch")
            if st.button("Try", key=f"play_{seed}_{number}"):
                picked = example
    return picked


PICKERS: dict[str, Callable[[list[Example], int], Example | None]] = {
    "image": _pictures,
    "two-images": _pairs,
    "audio": _sounds,
}
"""How examples are offered, by the kind of input; by their titles where nothing else is said."""
