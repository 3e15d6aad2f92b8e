"""The live part of a run's page as one component: it polls its own route and reruns no script."""

import streamlit as st

from backend.runs import Run
from pages.components.browser_module import loader, version

_component = st.components.v2.component(
    "live_run",
    html='<div class="lr-root" style="min-height: 46rem">\n</div>',
    js=loader("live_run"),
    isolate_styles=False,  # Plotly puts its styles into the document's head
)


def live_run(run: Run) -> None:
    """Tiles, progress and charts of a run; the page reruns once whenever its status changes."""
    _component(
        key=f"live_run_{run.id}",
        data={
            "run": run.id,
            "status": str(run.status),
            "version": version("live_run.js", "curves.js", "live_run.css"),
        },
        on_status_change=lambda: None,
    )
