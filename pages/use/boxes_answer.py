"""How an answer that is boxes in a picture is shown; used by answers.py."""

from typing import Any

import streamlit as st

from backend.box_drawing import DrawnBox, drawn_boxes
from backend.datasets.picture_view import shown_picture
from backend.errors import explain
from backend.tasks.base import Example
from pages.components.boxed_picture import boxed_picture
from pages.components.wording import escape, percent, plural

SHOWN_ROWS = 200


def boxes_answer(given: Example, prediction: dict[str, Any]) -> None:
    """The picture with its boxes at the left, a list of them at the right."""
    rows = prediction["boxes"]
    left, right = st.columns([3, 2], gap="medium")
    with right:
        _list(rows, given)
        show_truth = bool(given.boxes) and st.toggle("Show what is there", key="play_truth")
    with left:
        _picture(given, rows, show_truth)


def _picture(given: Example, rows: list[dict[str, Any]], show_truth: bool) -> None:
    assert isinstance(given.value, bytes)
    try:
        picture, height, width = _shown(given.value)
    except Exception as error:
        st.caption(explain(error)[1])
        return
    truth = [DrawnBox(box.label, box.corners, truth=True) for box in given.boxes]
    boxed_picture(picture, height, width, [*(truth if show_truth else ()), *drawn_boxes(rows)])


@st.cache_data(max_entries=20, show_spinner=False)
def _shown(data: bytes) -> tuple[bytes, int, int]:
    """The same picture is drawn again whenever a slider is moved."""
    return shown_picture(data)


def _list(rows: list[dict[str, Any]], given: Example) -> None:
    if rows:
        st.markdown(f"## {plural(len(rows), 'box', 'boxes')}")
    else:
        st.markdown("## Nothing found")
        st.caption("Nothing that it is sure enough of. Lower the bar to see what it considers.")
    if given.truth is not None:
        st.caption(f"There is: {escape(given.truth, 300)}")
    if not rows:
        return
    st.dataframe(
        [
            {
                "Class": str(row["label"]),
                "Sure": row["score"],
                "Left, top, right, bottom": ", ".join(f"{value:.0f}" for value in row["box"]),
            }
            for row in rows[:SHOWN_ROWS]
        ],
        hide_index=True, height=min(320, 38 + 35 * len(rows)),
        alt="The boxes: " + ", ".join(f"{row['label']} {percent(row['score'])}" for row in rows),
        column_config={
            "Class": st.column_config.TextColumn(width=70),
            "Sure": st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1, width=100
            ),
        },
    )  # fmt: skip
