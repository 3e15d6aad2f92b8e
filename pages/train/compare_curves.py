"""The curves of the compared runs: what is drawn, how, and the ways to take them along."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

from backend.charts import curves_figure
from backend.comparing import call
from backend.comparing.curves import (
    AXES,
    Axis,
    Line,
    is_percent,
    lines,
    metric_names,
    x_title,
)
from backend.glossary import meaning
from backend.runs import Run
from pages.components.layout import card
from pages.components.wording import escape
from pages.train.compare_downloads import take_along
from pages.train.compare_view import AXIS, LOG, METRICS, SMOOTHING, View

FIRST_CURVES = 2
STRENGTHS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.97)


def curves_card(chosen: Sequence[Run], view: View) -> View:
    """One chart per metric with a line per run; returns what is looked at now."""
    titles = metric_names(chosen)
    with card("compare_curves"):
        if not titles:
            st.caption("None of these runs has a curve yet.")
            return View(runs=tuple(run.id for run in chosen))
        now = _controls(chosen, titles, view)
        found = lines(chosen, now.metrics, cast(Axis, now.axis), now.smoothing)
        charts = st.columns(2 if len(now.metrics) > 1 else 1, gap="medium")
        for place, metric in enumerate(now.metrics):
            with charts[place % len(charts)]:
                _chart(chosen, metric, titles[metric], found, now)
        take_along(chosen, {name: titles[name] for name in now.metrics}, found, now)
    return now


def _controls(chosen: Sequence[Run], titles: dict[str, str], view: View) -> View:
    state = st.session_state
    wanted = [name for name in state.get(METRICS) or view.metrics if name in titles]
    state[METRICS] = wanted or list(titles)[:FIRST_CURVES]
    if state.get(SMOOTHING) not in STRENGTHS:
        state[SMOOTHING] = min(STRENGTHS, key=lambda one: abs(one - state.get(SMOOTHING, 0.0)))
    metrics = st.pills(
        "Curves", list(titles), selection_mode="multi", key=METRICS,
        format_func=lambda name: titles.get(name, name), label_visibility="collapsed",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "Along", list(AXES), key=AXIS, required=True, format_func=lambda name: _AXIS[name],
            help="\n\n".join(f"**{word}**: {meaning(word)}" for word in ("Step", "Epoch")),
        )  # fmt: skip
        smoothing = st.select_slider(
            "Smoothing", STRENGTHS, key=SMOOTHING, width=180,
            format_func=lambda one: f"{one:.0%}" if one else "off",
            help=meaning("Smoothing"),
        )  # fmt: skip
        log = st.toggle(
            "Log scale", key=LOG,
            help=meaning("Log scale"),
        )  # fmt: skip
    return View(
        tuple(run.id for run in chosen), axis or "step", smoothing, log,
        tuple(name for name in titles if name in (metrics or ())),
    )  # fmt: skip


_AXIS = {"step": "Step", "epoch": "Epoch", "time": "Time"}


def _chart(
    chosen: Sequence[Run], metric: str, title: str, found: Sequence[Line], now: View
) -> None:
    """One metric; a run without it leaves its colour out."""
    names = call(chosen)
    here = {line.run: line for line in found if line.metric == metric}
    words, size = x_title(cast(Axis, now.axis), list(here.values()))
    drawn = [
        (names[run.id], here[run.id].x / size, here[run.id].y) if run.id in here
        else (names[run.id], [], [])
        for run in chosen
    ]  # fmt: skip
    st.markdown(f"#### {escape(title)}", anchors=False)
    st.plotly_chart(
        curves_figure(
            drawn, x_title=words, log=now.log, percent=is_percent(metric, chosen) and not now.log
        ),
        key=f"compare_chart_{metric}",
        config={
            "displaylogo": False,
            "modeBarButtons": [["toImage", "resetScale2d"]],
            "toImageButtonOptions": {"format": "png", "filename": f"{title} of runs", "scale": 2},
        },
        alt=f"{title} of {len(here)} runs by {words.lower()}",
    )
