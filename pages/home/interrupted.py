"""The banner that offers to go on with what a crash or a switched-off computer ended."""

import streamlit as st

from backend.resuming import interrupted_runs, put_interruptions_away
from backend.runs import Run
from pages.components import links
from pages.components.layout import card
from pages.components.run_actions import go_on_all, problems_of_going_on
from pages.components.wording import escape

SHOWN = 3


def interrupted_banner() -> None:
    """Nothing where nothing was interrupted, or where somebody has put it away."""
    problems_of_going_on()
    found = interrupted_runs()
    if not found:
        return
    with card("interrupted"):
        were = "training was" if len(found) == 1 else "trainings were"
        st.markdown(f"#### :material/power_off: {len(found)} {were} interrupted")
        st.markdown("  \n".join(_what_happened(run) for run in found[:SHOWN]))
        more = f"And {len(found) - SHOWN} more. " if len(found) > SHOWN else ""
        who = "It" if len(found) == 1 else "They"
        st.markdown(f"{more}:gray[{who} can go on from what was saved last.]")
        with st.container(horizontal=True, vertical_alignment="center"):
            label = "Continue" if len(found) == 1 else "Continue all"
            if st.button(label, type="primary", icon=":material/play_arrow:", key="continue_all"):
                go_on_all(found)
                st.rerun()
            if st.button(
                "Dismiss", key="interrupted_later",
                help="They stay in the list of runs and can be continued there at any time.",
            ):  # fmt: skip
                put_interruptions_away()
                st.rerun()
            st.page_link(
                links.SETTINGS, label="Always continue by itself", icon=":material/settings:",
                help="A setting lets runs go on after the computer was switched off.",
            )  # fmt: skip


def _what_happened(run: Run) -> str:
    return f"**{escape(run.name, 50)}** · {escape(run.message or 'It ended unexpectedly.', 400)}"
