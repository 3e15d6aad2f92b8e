"""Choosing a file or folder of this computer among those that the operator allows."""

import streamlit as st

from backend.datasets.formats import DataFormat
from backend.datasets.incoming.server_folders import (
    Item,
    allowed_folders,
    give_from_server,
    list_items,
)
from backend.errors import TrainroomError
from pages.components.errors import explain_error
from pages.components.wording import megabytes
from pages.data.steps import go_on

HERE = "\0here"


def from_server(data_format: DataFormat) -> None:
    """Walk down the allowed folders, a list for each level, and take a file or a folder."""
    roots = allowed_folders()
    folder = 0
    if len(roots) > 1:
        folder = st.selectbox(
            "Folder", range(len(roots)), format_func=lambda n: roots[n], key="server_root"
        )
    parts: list[str] = []
    item: Item | None = None
    try:
        while True:
            found = {one.name: one for one in list_items(folder, parts, data_format.extensions)}
            chosen = st.selectbox(
                f"In {'/'.join([roots[folder], *parts])}", [HERE, *found],
                key=f"server_{folder}_{'/'.join(parts)}",
                format_func=lambda name, found=found: _words(found.get(name)),
            )  # fmt: skip
            item = found.get(chosen)
            if item is None:
                break
            parts.append(item.name)
            if not item.is_folder:
                break
        st.caption("It is read where it lies, and copied into the data set. Nothing is changed.")
        if st.button("Look at it", type="primary", icon=":material/search:", key="server_take"):
            go_on(give_from_server(folder, parts))
    except TrainroomError as error:
        explain_error(error, "That cannot be taken")


def _words(item: Item | None) -> str:
    if item is None:
        return "This whole folder"
    if item.is_folder:
        return f"{item.name}/"
    return f"{item.name} ({megabytes(item.size / 2**20)})"
