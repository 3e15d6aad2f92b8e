"""A field to draw on, for models that look at pictures; used by the playground."""

import base64
import binascii

import streamlit as st

from pages.components.browser_module import loader, version

PREFIX = "data:image/png;base64,"
MOST_CHARACTERS = 400_000

_component = st.components.v2.component(
    "draw_pad",
    html='<div class="dp-root" style="min-height: 330px">\n</div>',
    js=loader("draw_pad"),
    isolate_styles=False,
)


def draw_pad(key: str, word: str = "Ask") -> bytes | None:
    """The drawing as a PNG file, in the run after the button with the word was pressed."""
    state = _component(
        key=key,
        data={"word": word, "version": version("draw_pad.js", "draw_pad.css")},
        on_drawn_change=lambda: None,
    )
    return drawing(state.drawn)


def drawing(sent: object) -> bytes | None:
    """The bytes of a data address of a PNG; None for anything else that a browser may send."""
    if not isinstance(sent, str) or not sent.startswith(PREFIX) or len(sent) > MOST_CHARACTERS:
        return None
    try:
        return base64.b64decode(sent[len(PREFIX) :], validate=True)
    except binascii.Error:
        return None
