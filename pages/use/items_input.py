"""The playground's field for things that somebody likes: a list to search; used by inputs.py."""

import streamlit as st

from backend import datasets
from backend.errors import TrainroomError
from backend.runs import Run
from backend.tasks import Task
from backend.tasks.base import Example

WHOLE = 2_000
"""A list up to this long is sent to the browser at once; a longer one is searched first."""
MOST_MATCHES, MOST_PICKED = 100, 100


def items_input(run: Run, task: Task) -> Example | None:
    """Things that are liked, once the button was pressed."""
    try:
        names = _names(run.dataset_id)
    except TrainroomError:
        st.caption("The data set is gone, so there is no list to pick from.")
        return None
    key = f"play_items_{run.id}"
    offered = names
    if len(names) > WHOLE:
        words = st.text_input(
            f"Search among {len(names):,}", key=f"{key}_search", placeholder="A part of the name"
        )
        picked_before = st.session_state.get(key, [])
        offered = [*picked_before, *_matches(names, words, without=set(picked_before))]
    with st.form(f"{key}_form", border=False):
        picked = st.multiselect(
            "What do you like?", offered, key=key, max_selections=MOST_PICKED,
            placeholder="Type to search, pick one or more",
            format_func=lambda name: name[:80],
        )  # fmt: skip
        asked = st.form_submit_button("Suggest", type="primary", icon=":material/recommend:")
    if not asked:
        return None
    if not picked:
        st.warning("Pick at least one thing that you like.", icon=":material/touch_app:")
        return None
    return Example(picked, ", ".join(picked))


@st.cache_data(max_entries=4, show_spinner=False)
def _names(dataset_id: str) -> list[str]:
    """The names of everything in a data set of ratings; it never changes, so they are kept."""
    return datasets.list_items(datasets.get_dataset(dataset_id))


def _matches(names: list[str], words: str, without: set[str]) -> list[str]:
    """The first names that hold what was typed, whatever the case."""
    wanted, found = words.casefold().strip(), []
    for name in names:
        if wanted in name.casefold() and name not in without:
            found.append(name)
            if len(found) == MOST_MATCHES:
                break
    return found
