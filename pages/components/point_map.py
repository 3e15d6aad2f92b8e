"""A map of words or texts that moves from one evaluation to the next; for snapshots.py."""

from typing import Any

import streamlit as st

from backend.runs import Moment, Run, read_snapshot
from pages.components.browser_module import loader, version

MOST_FRAMES = 40
"""More evaluations than this are replayed in larger steps."""

_component = st.components.v2.component(
    "point_map",
    html='<div class="pm-root" style="min-height: 33rem">\n</div>',
    js=loader("point_map"),
    isolate_styles=False,  # Plotly puts its styles into the document's head
)


def point_map(run: Run, moments: list[Moment]) -> None:
    """The map of each evaluation, with a slider of its own: the points move in the browser."""
    frames, texts = _frames(moments)
    if not frames:
        st.caption("There is no map yet.")
        return
    _component(
        key=f"point_map_{run.id}",
        data={
            "key": f"{run.id} {moments[0].snapshot}",
            "frames": frames,
            "texts": texts,
            "version": version("point_map.js", "point_map.css"),
        },
    )


def _frames(moments: list[Moment]) -> tuple[list[dict[str, Any]], list[str]]:
    """The maps as columns of numbers, and the texts, which are the same in all of them."""
    frames: list[dict[str, Any]] = []
    texts: list[str] = []
    for moment in _spread(moments)[::-1]:
        content = _read(moment.snapshot, moment)
        points = content.get("points", [])
        names = [str(point["text"]) for point in points]
        texts = texts or names
        if not points or names != texts:
            continue
        groups = [str(name) for name in content.get("groups", [])]
        number = {name: place for place, name in enumerate(groups)}
        frames.insert(0, {
            "epoch": moment.epoch,
            "x": [point["x"] for point in points],
            "y": [point["y"] for point in points],
            "groups": [number.get(str(point["group"]), 0) for point in points],
            "names": groups,
        })  # fmt: skip
    return frames, texts


def _spread(moments: list[Moment]) -> list[Moment]:
    if len(moments) <= MOST_FRAMES:
        return moments
    last = len(moments) - 1
    return [moments[round(place * last / (MOST_FRAMES - 1))] for place in range(MOST_FRAMES)]


@st.cache_data(max_entries=400, show_spinner=False)
def _read(snapshot: int, _moment: Moment) -> dict[str, Any]:
    """A snapshot never changes, so it is kept; its number says which it is."""
    return read_snapshot(_moment)
