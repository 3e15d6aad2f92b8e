"""Ways to take the compared curves along: a table, and one drawing per metric."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import streamlit as st

from backend.charts import RUN_COLORS
from backend.comparing import call
from backend.comparing.curves import Axis, Line, as_table, is_percent, x_title
from backend.curve_drawing import Curve, curves_svg
from backend.runs import Run
from pages.train.compare_view import View


def take_along(
    chosen: Sequence[Run], titles: dict[str, str], found: Sequence[Line], now: View
) -> None:
    """A row of quiet buttons; titles are those of the metrics that are drawn."""
    names = call(chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Curves as CSV", lambda: as_table(found, names, cast(Axis, now.axis)), "curves.csv",
            "text/csv", icon=":material/table:", type="tertiary", on_click="ignore",
            help="A table for a spreadsheet, one row per point.",
        )  # fmt: skip
        for metric, title in titles.items():
            st.download_button(
                f"{title} as SVG", partial(_svg, chosen, metric, title, found, now),
                f"{metric.replace('/', '-')}.svg", "image/svg+xml", icon=":material/image:",
                type="tertiary", on_click="ignore", key=f"compare_svg_{metric}",
                help="A drawing that stays sharp at any size. The camera on the chart gives a PNG.",
            )  # fmt: skip


def _svg(chosen: Sequence[Run], metric: str, title: str, found: Sequence[Line], now: View) -> str:
    names, here = call(chosen), [line for line in found if line.metric == metric]
    words, size = x_title(cast(Axis, now.axis), here)
    colors = {run.id: RUN_COLORS[place % len(RUN_COLORS)] for place, run in enumerate(chosen)}
    curves = [Curve(names[line.run], line.x / size, line.y, colors[line.run]) for line in here]
    percent = is_percent(metric, chosen)
    return curves_svg(curves, title=title, x_title=words, percent=percent, log=now.log)
