"""How a failure is told: one box with what happened and what to do, never a traceback."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.errors import TrainroomError, explain
from pages.components.wording import escape

log = logging.getLogger("trainroom.pages")


def error_box(title: str, sentence: str) -> None:
    """A red box; the sentence may hold a user's words, so it is shown as plain text."""
    st.error(escape(sentence, 1200), title=title, icon=":material/error:")


def explain_error(error: BaseException, title: str = "That did not work") -> None:
    """Show any exception as its sentence; what we did not foresee also goes to the server's log."""
    if not isinstance(error, TrainroomError):
        log.error("A page met an unexpected error", exc_info=error)
    error_box(title, explain(error)[1])


def script_error(error: BaseException) -> bool:
    """The last net, for what no page has caught; st.App calls it instead of drawing a traceback."""
    explain_error(error, "Something went wrong")
    return True


@contextmanager
def told(title: str = "That did not work") -> Iterator[None]:
    """Run a block; a failure in it becomes a box on the page and the script goes on."""
    try:
        yield
    except TrainroomError as error:
        explain_error(error, title)
