"""Examples of what would be brought in: rows of a table, pictures with boxes, recordings, texts."""

import streamlit as st

from backend.datasets import errands
from backend.datasets.formats import DataFormat
from backend.datasets.incoming.look import Look, LookExample
from backend.errors import TrainroomError
from backend.jobs.errands import Errand
from pages.components.layout import card
from pages.components.wording import escape

ROWS = 8
SOUNDS = 6


def show_examples(errand: Errand, look: Look, data_format: DataFormat) -> None:
    """A card with some examples as they will be stored, and below it the table as it stands."""
    if look.examples:
        with card("look_examples"):
            st.markdown("#### This is how it will be learned from")
            if data_format.item == "image":
                _pictures(errand, look)
            elif data_format.item == "audio":
                _sounds(errand, look)
            else:
                _texts(look, data_format)
    if look.table and look.table["rows"] and not data_format.is_files:
        with st.expander("The table as it stands", icon=":material/table:"):
            columns = look.table["columns"]
            rows = [dict(zip(columns, row, strict=False)) for row in look.table["rows"][:ROWS]]
            st.dataframe(rows, hide_index=True, alt="The first rows of the table")


def _pictures(errand: Errand, look: Look) -> None:
    boxes = look.form in ("coco", "yolo", "voc")
    with st.container(horizontal=True, gap="small", key="look_gallery"):
        for example in look.examples:
            data = _file(errand, example)
            if data:
                st.image(
                    data, caption=escape(example.label, 40 if boxes else 18),
                    width=158 if boxes else 92, alt=f"Example of {example.label or 'no class'}",
                )  # fmt: skip


def _sounds(errand: Errand, look: Look) -> None:
    grid = st.grid(3, min_column_width=220, gap="small")
    for example in look.examples[:SOUNDS]:
        data = _file(errand, example)
        if data:
            with grid, st.container(gap="xxsmall"):
                st.caption(escape(example.label, 40))
                st.audio(data)


def _texts(look: Look, data_format: DataFormat) -> None:
    titles = {
        "class": ("Text", "Label"), "text": ("Goes in", "Comes out"), "none": ("Text", ""),
    }[data_format.target]  # fmt: skip
    if data_format.item == "rating":
        titles = ("Person and thing", "Rating")
    rows = []
    for example in look.examples:
        row = {titles[0]: example.text}
        if titles[1]:
            row[titles[1]] = example.target or example.label
        if look.split_by:
            row["Split"] = example.split
        rows.append(row)
    wide = {titles[0]: st.column_config.TextColumn(width="large")}
    st.dataframe(
        rows, hide_index=True, column_config=wide,
        alt="Examples as they will be stored",
    )  # fmt: skip


def _file(errand: Errand, example: LookExample) -> bytes | None:
    try:
        return errands.look_file(errand, example.file)
    except TrainroomError:
        return None
