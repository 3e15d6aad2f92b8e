"""What can be done with chosen examples: another class, another part, leave out, erase."""

from collections.abc import Sequence

import streamlit as st

from backend.datasets import Dataset, edits
from backend.datasets.erasing import erase
from backend.datasets.formats import get_format
from backend.datasets.preview import read_example
from backend.datasets.store import Store
from backend.errors import TrainroomError
from backend.pins import MOST, NewPin
from backend.tasks import get_task
from pages.components.errors import explain_error
from pages.components.pin_basket import put
from pages.components.wording import plural
from pages.data.dataset_dialogs import erase_dialog
from pages.data.dataset_words import SPLITS, change_and_rerun

NEW = "A new class …"


def chosen_bar(dataset: Dataset, chosen: list[int], keys: Sequence[str]) -> None:
    """Buttons for the chosen examples, by their numbers; keys: of the boxes on this page."""
    if dataset.bundled:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="chosen_bar"):
        if keys:
            every = bool(keys) and all(st.session_state.get(key) for key in keys)
            st.button(
                "None of these" if every else "All on this page", type="tertiary",
                icon=":material/select_check_box:", on_click=_tick_all, args=(keys, not every),
                key="tick_all",
            )  # fmt: skip
        if not chosen:
            st.caption("Tick examples to change them." if keys else "Choose rows to change them.")
            return
        st.markdown(f"**{plural(len(chosen), 'example')} chosen**")
        if get_format(dataset.format).target == "class":
            with st.popover("Set the class", icon=":material/label:"):
                _set_class(dataset, chosen)
        with st.popover("Move", icon=":material/move_down:"):
            for split in dataset.splits:
                if st.button(f"Into the {SPLITS[split].lower()} part", key=f"move_{split}",
                             type="tertiary"):  # fmt: skip
                    change_and_rerun(lambda split=split: edits.move(dataset, chosen, split))
        if st.button("Pin", icon=":material/keep:", key="chosen_pin",
                     help="The next run answers them at every evaluation."):  # fmt: skip
            _pin(dataset, chosen)
        if st.button("Leave out", icon=":material/remove_circle:", key="chosen_drop",
                     help="They stay in earlier versions and can be brought back."):  # fmt: skip
            change_and_rerun(lambda: edits.drop(dataset, chosen))
        if st.button("Erase", icon=":material/delete_forever:", key="chosen_erase",
                     type="tertiary", help="For good, from all versions."):  # fmt: skip
            erase_dialog(
                f"{plural(len(chosen), 'example')} will be erased from the disk and from all "
                "versions. Nothing brings them back.",
                lambda: erase(dataset, chosen),
            )


def _set_class(dataset: Dataset, chosen: list[int]) -> None:
    label = st.selectbox("Class", [*dataset.classes, NEW], key="chosen_label")
    if label == NEW:
        label = st.text_input("Its name", key="chosen_new_label", max_chars=200)
    if st.button("Set it", type="primary", key="chosen_set", disabled=not label):
        change_and_rerun(lambda: edits.set_label(dataset, chosen, label))


def _pin(dataset: Dataset, chosen: Sequence[int]) -> None:
    """Let the examples wait for the next run, as far as there is room."""
    task, store = get_task(dataset.task), Store.open(dataset)
    try:
        count = sum(
            put(task, NewPin(one.value, one.title, one.truth))
            for one in (read_example(dataset, store, number) for number in chosen[:MOST])
        )
    except TrainroomError as error:
        explain_error(error, "They were not pinned")
        return
    if count < len(chosen):
        st.toast(f"{count:,} pinned: at most {MOST} can wait for a run.", icon=":material/keep:")
    else:
        st.toast(f"{plural(count, 'example')} pinned for your next run.", icon=":material/keep:")


def _tick_all(keys: Sequence[str], value: bool) -> None:
    for key in keys:
        st.session_state[key] = value
