"""A picture with boxes drawn on it; for the playground, the samples and a run's snapshots."""

import streamlit as st

from backend.box_drawing import LETTERS, DrawnBox, boxed_svg
from backend.datasets import Example


def boxed_picture(
    picture: bytes,
    height: float,
    width: float,
    boxes: list[DrawnBox],
    *,
    shown_width: int | str = "stretch",
    letters: float = LETTERS,
    alt: str | None = None,
) -> None:
    """Draw it; height and width are the picture's in the unit of the boxes."""
    svg = boxed_svg(picture, height, width, boxes, letters)
    st.image(svg, width=shown_width, alt=alt or boxes_words(boxes))


def boxes_words(boxes: list[DrawnBox]) -> str:
    """What is in a picture, for those who do not see it."""
    found = ", ".join(box.words for box in boxes if not box.truth)
    truth = ", ".join(box.words for box in boxes if box.truth)
    parts = [f"found: {found}" if found else "", f"there is: {truth}" if truth else ""]
    return "Picture with boxes; " + ("; ".join(part for part in parts if part) or "none")


def boxed_example(example: Example, shown_width: int | str, letters: float) -> None:
    """A picture of a data set with its own boxes."""
    if example.png is None:
        return
    boxes = [DrawnBox(box.label, box.corners) for box in example.boxes]
    # A PNG file tells its size in its header: four bytes each.
    width, height = (int.from_bytes(example.png[at : at + 4]) for at in (16, 20))
    boxed_picture(example.png, height, width, boxes, shown_width=shown_width, letters=letters,
                  alt=f"Example with {example.truth or 'nothing in it'}")  # fmt: skip
