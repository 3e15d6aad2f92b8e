"""A run as a card, with its curve in small; used by the home page."""

import streamlit as st

from backend.charts import sparkline, sparkline_svg
from backend.runs import Run, RunStatus, read_metrics, run_seconds, time_left
from backend.wording import duration
from pages.components import links
from pages.components.layout import card
from pages.components.status import score_title, score_words, status_badge
from pages.components.wording import ago, amount, escape


@st.cache_data(max_entries=500, show_spinner=False)
def _curve(run_id: int, created_at: float, step: int) -> str:
    """The training loss in small; kept until the run has gone on."""
    series = read_metrics(run_id, ["train/loss"]).get("train/loss")
    return sparkline_svg(sparkline(series.values)) if series is not None else ""


def run_card(run: Run) -> None:
    """Name, status, score, curve, progress and the way in."""
    with card(f"run_{run.id}", height="stretch", gap="small"):
        with st.container(horizontal=True, vertical_alignment="top", gap="small"):
            with st.container(gap="xxsmall", width="stretch"):
                st.markdown(f"**{escape(run.name, 60)}**")
                st.caption(f"#{run.id} · {escape(run.model, 30)} · {escape(run.dataset_name, 40)}")
            status_badge(run)
        _numbers(run)
        _state(run)
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_when(run), width="stretch")
            st.page_link(
                links.RUN,
                label="Open",
                icon=":material/arrow_forward:",
                icon_position="right",
                query_params={"run": str(run.id)},
            )


def _numbers(run: Run) -> None:
    if run.status is RunStatus.QUEUED:
        what = f"goes on from {run.progress:.0%}" if run.step else "starts"
        when = "when you let it go" if run.held else "by itself as soon as the computer is free"
        st.markdown(f":gray[{'Held back. ' if run.held else ''}It {what} {when}.]")
        return
    left, right = st.columns(2, gap="small", wrap=False)
    loss = run.metrics.get("train/loss")
    left.metric(score_title(run), score_words(run))
    right.metric("Training loss", "–" if loss is None else amount(loss, 3))
    curve = _curve(run.id, run.created_at, run.step)
    if curve:
        st.image(curve, width="stretch", alt="The training loss over time")


def _state(run: Run) -> None:
    if run.is_active:
        left = time_left(run)
        words = f"{run.progress:.0%}" + (f" · {duration(left)} left" if left is not None else "")
        st.progress(run.progress, text=words)
    elif run.status is RunStatus.FAILED or run.status is RunStatus.LOST:
        st.markdown(f":red[{escape(run.message or 'It ended unexpectedly.', 120)}]")


def _when(run: Run) -> str:
    if run.has_ended:
        return f"{ago(run.ended_at)} · took {duration(run_seconds(run))}"
    if run.status is RunStatus.QUEUED and run.started_at:
        return f"trained {duration(run_seconds(run))} so far"
    if run.started_at is None:
        return f"waiting since {ago(run.created_at)}"
    return f"started {ago(run.started_at)}"
