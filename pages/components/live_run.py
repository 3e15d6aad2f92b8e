"""The live part of a run's page as one component: it polls its own route and reruns no script."""

from functools import cache

import streamlit as st

from backend.runs import Run
from pages.components.links import ASSETS

# Only a loader travels with each rerun; the module itself comes from /assets and is cached.
_LOADER = """
export default function (component) {
  const { data, parentElement } = component;
  const sheet = new URL(`/assets/live_run.css?v=${data.version}`, document.baseURI).href;
  if (!document.querySelector(`link[href="${sheet}"]`)) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = sheet;
    document.head.append(link);
  }
  let gone = false;
  let cleanup = null;
  import(new URL(`/assets/live_run.js?v=${data.version}`, document.baseURI).href).then((module) => {
    if (!gone) cleanup = module.mount(component);
  });
  return () => {
    gone = true;
    if (cleanup) cleanup();
  };
}
"""

_component = st.components.v2.component(
    "live_run",
    html='<div class="lr-root" style="min-height: 46rem">\n</div>',
    js=_LOADER,
    isolate_styles=False,  # Plotly puts its styles into the document's head
)


@cache
def _version() -> str:
    """Changes with the files, so that a browser never runs an old module with a new page."""
    files = (ASSETS / "live_run.js", ASSETS / "live_run.css")
    return str(max(file.stat().st_mtime_ns for file in files))


def live_run(run: Run) -> None:
    """Tiles, progress and charts of a run; the page reruns once whenever its status changes."""
    _component(
        key=f"live_run_{run.id}",
        data={"run": run.id, "status": str(run.status), "version": _version()},
        on_status_change=lambda: None,
    )
