"""What a model found in a few pictures at one evaluation, beside the truth; for snapshots.py."""

import base64
from typing import Any

import streamlit as st

from backend.box_drawing import drawn_boxes
from pages.components.boxed_picture import boxed_picture


def boxes_snapshot(content: dict[str, Any]) -> None:
    """Pictures of {"picture", "height", "width", "truth", "found"} side by side."""
    st.caption("Coloured: what it finds, and how sure it is. White and dashed: what is there.")
    grid = st.grid(3, min_column_width=200, gap="small")
    for item in content.get("pictures", []):
        boxes = [*drawn_boxes(item["truth"], truth=True), *drawn_boxes(item["found"])]
        with grid:
            boxed_picture(base64.b64decode(item["picture"]), item["height"], item["width"], boxes)
