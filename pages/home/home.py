"""Home: a welcome with ready-made first runs, or the newest runs at a glance."""

import time

import streamlit as st

from backend.runs import ACTIVE, Run, RunStatus, list_runs, run_seconds
from backend.wording import duration
from pages.components import links
from pages.components.layout import card, page_header
from pages.components.run_card import run_card
from pages.components.status import has_model, score
from pages.components.tour import tour_card
from pages.components.wording import ago, escape, plural
from pages.home.interrupted import interrupted_banner
from pages.home.starters import starter_cards

SHOWN = 6
FEW = 3
WEEK = 7 * 24 * 3600


def main() -> None:
    active = bool(list_runs([*ACTIVE, RunStatus.QUEUED]))
    # The timer runs only while something can change; _overview ends it with a full rerun.
    st.fragment(_overview, run_every=2 if active else None)(active)


def _welcome() -> None:
    page_header(
        "Welcome to Trainroom",
        "Train a model, watch it learn, and try it out. No programming, no account, no internet.",
    )
    led = tour_card()
    st.space("small")
    st.markdown("#### Or begin right away" if led else "#### Where do you want to begin?")
    starter_cards()
    if led:
        return
    st.space("medium")
    steps = (
        ("play_circle", "1. Press Start", "Training begins on this computer, in the background."),
        ("show_chart", "2. Watch it learn", "The curve falls live. Closing the tab stops nothing."),
        ("science", "3. Try it", "Draw, upload or type something and see what the model answers."),
    )  # fmt: skip
    for column, (icon, title, words) in zip(st.columns(3, gap="medium"), steps, strict=True):
        column.markdown(f":material/{icon}: **{title}**  \n:gray[{words}]")


def _overview(was_active: bool) -> None:
    runs = list_runs()
    if not runs:
        _welcome()
        return
    waiting = [run for run in runs if run.status is RunStatus.QUEUED]
    active = [run for run in runs if run.is_active]
    if was_active and not active and not waiting:
        st.rerun()
    actions = page_header("Home", _summary(runs, active, waiting))
    if actions.button("Add data", icon=":material/upload:"):
        st.switch_page(links.IMPORT)
    if actions.button("New run", icon=":material/add:", type="primary"):
        st.switch_page(links.NEW_RUN)
    interrupted_banner()
    tour_card()
    if active:
        _banner(active[0])
    _figures(runs, active, waiting)
    st.markdown("#### Newest runs")
    grid = st.grid(3, min_column_width=290, gap="medium")
    for run in runs[:SHOWN]:
        with grid:
            run_card(run)
    if len(runs) <= FEW:
        st.markdown("#### Something new")
        starter_cards()
    if len(runs) > SHOWN:
        st.page_link(links.RUNS, label=f"All {len(runs):,} runs", icon=":material/table_rows:")


def _summary(runs: list[Run], active: list[Run], waiting: list[Run]) -> str:
    parts = []
    if active:
        parts.append(f"{plural(len(active), 'run')} training")
    if waiting:
        parts.append(f"{len(waiting)} waiting")
    ended = max((run.ended_at or 0 for run in runs), default=0)
    if ended:
        parts.append(f"last one ended {ago(ended)}")
    words = " · ".join(parts)
    return words[:1].upper() + words[1:]


def _banner(run: Run) -> None:
    with card("banner", horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/play_circle: **{escape(run.name, 60)}** is training: "
            f"{run.progress:.0%} done.",
            width="stretch",
        )
        st.page_link(
            links.RUN,
            label="Back to the training",
            icon=":material/arrow_forward:",
            icon_position="right",
            query_params={"run": str(run.id)},
        )


def _figures(runs: list[Run], active: list[Run], waiting: list[Run]) -> None:
    usable = [run for run in runs if has_model(run)]
    scored = [(found, run) for run in usable if (found := score(run)) and found.metric.percent]
    best = max(scored, key=lambda pair: pair[0].value, default=None)
    recent = [run for run in runs if run.created_at > time.time() - WEEK]
    grid = st.grid(4, min_column_width=155, gap="small")
    now = f"{len(active)} training" if active else "Idle"
    grid.metric("Right now", now, delta=f"{len(waiting)} waiting", delta_color="off",
                delta_arrow="off", border=True, height="stretch")  # fmt: skip
    grid.metric("Ready to try", plural(len(usable), "model"), delta="in the playground",
                delta_color="off", delta_arrow="off", border=True, height="stretch")  # fmt: skip
    grid.metric(
        "Best score", best[0].words if best else "–",
        delta=best[1].name[:28] if best else "nothing measured yet", delta_color="off",
        delta_arrow="off", border=True, height="stretch",
        help=best[0].metric.title if best else None,
    )  # fmt: skip
    grid.metric("Trained this week", duration(sum(run_seconds(run) for run in recent)),
                delta=plural(len(recent), "run"), delta_color="off", delta_arrow="off",
                border=True, height="stretch")  # fmt: skip


main()
