"""What happened in a run and its log, as one component that polls its own route."""

import streamlit as st

from backend.runs import Run
from pages.components.browser_module import loader, version

_component = st.components.v2.component(
    "run_story",
    html='<div class="rs-root" style="min-height: 12rem">\n</div>',
    js=loader("run_story"),
    isolate_styles=False,
)


def run_story(run: Run) -> None:
    """The history, newest first, and the last lines of the log; both go on by themselves."""
    _component(
        key=f"run_story_{run.id}",
        data={
            "run": run.id,
            "status": str(run.status),
            "version": version("run_story.js", "run_story.css"),
        },
    )
