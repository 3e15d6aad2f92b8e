"""The live part of a run's page as one component: it polls its own route and reruns no script."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from backend.errors import TrainroomError
from backend.runs import Run
from backend.tasks import get_task
from pages.components.browser_module import loader, version

SCRIPTS = ("live_run.js", "curves.js", "findings.js", "tell.js", "live_run.css")

_component = st.components.v2.component(
    "live_run",
    html='<div class="lr-root" style="min-height: 46rem">\n</div>',
    js=loader("live_run"),
    isolate_styles=False,  # Plotly puts its styles into the document's head
)


def _metrics(run: Run) -> list[dict[str, Any]]:
    """What the task is scored by, the most important first; each live one gets a chart."""
    try:
        return [asdict(metric) for metric in get_task(run.task).metrics]
    except TrainroomError:  # of a task file that has gone since
        return []


def live_run(run: Run) -> str | None:
    """Tiles, progress, findings and charts; the page reruns once whenever the status changes.

    Returns the kind of the finding whose button was pressed, if any.
    """
    state = _component(
        key=f"live_run_{run.id}",
        data={
            "run": run.id,
            "status": str(run.status),
            "metrics": _metrics(run),
            "version": version(*SCRIPTS),
        },
        on_status_change=lambda: None,
        on_finding_change=lambda: None,
    )
    pressed = state.finding
    return pressed if isinstance(pressed, str) else None
