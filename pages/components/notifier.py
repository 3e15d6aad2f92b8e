"""Tells on every page that a run has ended, and the button that lets the browser tell it too."""

import streamlit as st

from pages.components.browser_module import loader, version

_component = st.components.v2.component(
    "notifier",
    html='<div class="nf-root">\n</div>',
    js=loader("notifier"),
    isolate_styles=False,  # its notes lie in the page's corner
)


def notifier() -> None:
    """For the frame around every page; draws nothing until a run ends."""
    _mount("notifier", switch=False)


def notification_switch() -> None:
    """The button for this browser, for the settings page."""
    _mount("notification_switch", switch=True)


def _mount(key: str, *, switch: bool) -> None:
    files = ("notifier.js", "tell.js", "notifier.css")
    _component(key=key, data={"switch": switch, "version": version(*files)})
