"""What a run showed at its evaluations, with a slider that replays them; on the run's page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from backend.errors import TrainroomError
from backend.runs import Moment, Run, list_moments, list_snapshot_kinds, read_snapshot
from backend.tasks import Task, get_task
from pages.components.boxes_snapshot import boxes_snapshot
from pages.components.layout import card
from pages.components.point_map import point_map
from pages.components.text_snapshot import text_snapshot
from pages.components.wording import amount


@dataclass(frozen=True)
class Renderer:
    """How snapshots of a kind are shown: their card's title, and what draws one.

    replay: instead of draw, where all of them are drawn at once, with a slider of its own.
    """

    title: str
    draw: Callable[[dict[str, Any]], None] = lambda content: None
    replay: Callable[[Run, list[Moment]], None] | None = None


RENDERERS: dict[str, Renderer] = {
    "boxes": Renderer("What it finds while it learns", boxes_snapshot),
    "texts": Renderer("What it answers while it learns", text_snapshot),
    "map": Renderer("The map while it learns", replay=point_map),
}
"""By the "kind" that a task's snapshot() gives (backend.tasks.base.Task)."""


def snapshot_cards(run: Run) -> None:
    """A card for each kind of snapshot that the run has; new ones appear while it trains."""

    def body() -> None:
        for kind in list_snapshot_kinds(run.id):
            moments = list_moments(run.id, kind)
            if kind in RENDERERS and moments:
                _card(run, kind, moments)

    more_come = not run.has_ended and _makes_snapshots(run)
    st.fragment(body, run_every=3 if more_come else None)()


def _makes_snapshots(run: Run) -> bool:
    """Whether the run's task keeps any; for all others a timer would run the page for nothing."""
    try:
        return type(get_task(run.task)).snapshot is not Task.snapshot
    except TrainroomError:  # of a task file that has gone since
        return False


def _card(run: Run, kind: str, moments: list[Moment]) -> None:
    renderer = RENDERERS[kind]
    with card(f"snapshot_{kind}"):
        st.markdown(f"#### {renderer.title}")
        if renderer.replay is not None:
            renderer.replay(run, moments)
            return
        moment = choose_moment(f"snapshot_{kind}_{run.id}", moments)
        renderer.draw(read_snapshot(moment))


def choose_moment(key: str, moments: list[Moment]) -> Moment:
    """The evaluation that the slider stands at; it follows the newest until it is moved back."""
    by_words = {f"epoch {amount(one.epoch)} · step {one.step:,}": one for one in moments}
    words = list(by_words)
    newest = f"{key}_newest"
    stands = st.session_state.get(key)
    # A later attempt may have gone back behind the evaluation that was looked at.
    if stands == st.session_state.get(newest) or stands not in by_words:
        st.session_state[key] = words[-1]
    st.session_state[newest] = words[-1]
    if len(words) == 1:
        st.caption(f"After {words[0]}; more will follow.")
        return moments[0]
    chosen = st.select_slider("After", words, key=key, help="Move it to see how it learned.")
    return by_words[chosen]
