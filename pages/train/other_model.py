"""A model beyond the task's own list: searched on the Hub, or from a folder of this computer."""

from dataclasses import replace

import streamlit as st

from backend.datasets.incoming.server_folders import allowed_folders, inside, list_items
from backend.errors import TrainroomError
from backend.jobs.machine import free_memory_mb
from backend.models.hub import list_downloaded
from backend.models.hub_search import HubModel, search_models
from backend.models.spec import ModelSpec
from backend.tasks import Task
from pages.components.errors import explain_error, told
from pages.components.layout import card
from pages.components.wording import escape, megabytes

NAME, FOUND = "new_other_model", "new_hub_found"
HERE = "\0here"


def other_model(task: Task) -> ModelSpec | None:
    """A field for its name, and two ways to find one; None where none is named or it cannot be."""
    name = st.text_input(
        "Name on the Hub, or folder", key=NAME, max_chars=300,
        placeholder="organisation/model-name",
        help="Weights are read as safetensors only, and no code from the model is ever run.",
    ).strip()  # fmt: skip
    with st.expander("Search the Hugging Face Hub", icon=":material/travel_explore:"):
        _search(task)
    with st.expander("Choose one on this computer", icon=":material/folder_open:"):
        _on_this_computer()
    if not name:
        st.caption("Type a name, or find one in one of the two ways, to go on.")
        return None
    try:
        return _with_sizes(task.get_model(name), st.session_state.get(FOUND, (None, []))[1])
    except TrainroomError as error:
        explain_error(error, "This model cannot be used")
        return None


def _with_sizes(spec: ModelSpec, found: list[HubModel]) -> ModelSpec:
    """What the Hub said of a model that is not here yet."""
    known = next((one for one in found if one.id == spec.name), None)
    if known is None or spec.parameters or not known.parameters:
        return spec
    return replace(
        spec, parameters=known.parameters, download_mb=known.megabytes, licence=known.licence,
        memory_mb=known.memory_mb,
    )  # fmt: skip


def _take(name: str) -> None:
    st.session_state[NAME] = name


def _search(task: Task) -> None:
    """Asks only when somebody presses the button; what was found stays."""
    with st.form("hub_models", border=False):
        row = st.container(horizontal=True, vertical_alignment="bottom")
        words = row.text_input("Words in its name", placeholder="vit, bert, multilingual …")
        asked = row.form_submit_button("Search", icon=":material/search:")
    st.caption("This needs the internet. Your words go to huggingface.co, and nothing else.")
    if asked:
        st.session_state.pop(FOUND, None)
        with told("Nothing could be searched"), st.spinner("Asking the Hub …"):
            listed = search_models(words.strip(), (task.name, *task.hub_tags), task.hub_kinds)
            st.session_state[FOUND] = (task.name, listed)
    searched, found = st.session_state.get(FOUND, (None, []))
    if searched != task.name:
        return
    if not found:
        st.caption("The Hub has no model with these words that fits and is safe to load.")
    for model in found:
        _row(model)


def _row(model: HubModel) -> None:
    facts = [f"{model.downloads:,} downloads a month", f"licence {escape(model.licence, 40)}"]
    if model.megabytes:
        facts.insert(0, megabytes(model.megabytes))
    badges = ":green-badge[here already]" if model.is_here else ""
    if model.memory_mb > free_memory_mb():
        need = megabytes(model.memory_mb)
        badges = f":orange-badge[to train all of it takes {need}, more than is free]"
    layout = {"horizontal": True, "vertical_alignment": "center", "gap": "small"}
    with card(f"hub_{model.id}", **layout):
        st.markdown(
            f"**{escape(model.id, 80)}** {badges}  \n:gray[{' · '.join(facts)}]", width="stretch"
        )
        st.button("Take it", key=f"take_{model.id}", on_click=_take, args=(model.id,))


def _on_this_computer() -> None:
    """Models that were downloaded before, and folders that may be looked into."""
    for name, size in list_downloaded():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(name, 80)}** :gray[{megabytes(size / 1e6)}]", width="stretch")
            st.button("Take it", key=f"take_here_{name}", on_click=_take, args=(name,))
    roots = allowed_folders()
    if not roots:
        st.caption(
            "Type the whole path of a folder above. To choose from a list instead, name the "
            "folders that may be looked into in the setting TRAINROOM_DATA_FOLDERS."
        )
        return
    with told("That folder cannot be taken"):
        root = st.selectbox(
            "Folder", range(len(roots)), format_func=lambda number: roots[number],
            key="model_root",
        )  # fmt: skip
        path = str(inside(root, _walk(root)))
        st.button(
            "Take this folder", key="take_folder", icon=":material/folder_open:",
            on_click=_take, args=(path,),
        )  # fmt: skip


def _walk(root: int) -> list[str]:
    """A list of folders for each level, until one stays where it is."""
    parts: list[str] = []
    while names := [item.name for item in list_items(root, parts, ()) if item.is_folder]:
        chosen = st.selectbox(
            f"In {'/'.join(parts) or 'it'}", [HERE, *names],
            key=f"model_folder_{root}_{'/'.join(parts)}",
            format_func=lambda name: "This folder" if name == HERE else name,
        )  # fmt: skip
        if chosen == HERE:
            break
        parts.append(chosen)
    return parts
