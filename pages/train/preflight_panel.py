"""What the run will take, measured on this computer while the form is still open."""

import time
from collections.abc import Sequence

import streamlit as st

from backend import preflight
from backend.preflight import Offer, Outlook
from backend.runs import Plan
from backend.wording import about, kilowatt_hours, megabytes
from pages.components.layout import card
from pages.components.wording import escape

SETTLED_SECONDS = 0.8
"""A plan that is still being changed is not measured."""
LOOK_SECONDS, BUSY_SECONDS = 1.0, 5.0
BADGES = {
    "measuring": ("Measuring", ":material/speed:", "gray"),
    "busy": ("Not measured", ":material/schedule:", "gray"),
    "green": ("Fits well", ":material/check_circle:", "green"),
    "amber": ("Mind this", ":material/warning:", "orange"),
    "red": ("Will not work", ":material/error:", "red"),
}
MOST_REMARKS = 3


def preflight_panel(plan: Plan, others: Sequence[Plan], form_key: str) -> None:
    """Draw it; while there is more to find out it looks again by itself, the page does not.

    others: plans to be measured once this one is known. form_key: of the form's inputs.
    """
    known = preflight.look(plan, others)
    every = None
    if known.pending:
        every = BUSY_SECONDS if known.state == "busy" else LOOK_SECONDS
    st.fragment(_panel, run_every=every)(plan, others, form_key, every is not None)


def _panel(plan: Plan, others: Sequence[Plan], form_key: str, waits: bool) -> None:
    settled = _is_settled(plan)
    outlook = preflight.ask(plan, others) if settled else preflight.look(plan, others)
    if waits and not outlook.pending:
        st.rerun()  # ends the timer, and the cards above learn the times
    with card("preflight", gap="small"):
        _header(outlook, plan)
        _figures(outlook)
        if outlook.state != "ready":
            st.markdown(escape(outlook.sentences[0], 400))
        elif outlook.sentences[1:]:
            st.caption(
                "  \n".join(escape(one, 300) for one in outlook.sentences[1:][:MOST_REMARKS])
            )
        _offers(outlook, form_key)


def _is_settled(plan: Plan) -> bool:
    """Whether the plan has been the same for a moment."""
    key, now = preflight.plan_key(plan), time.monotonic()
    seen, since = st.session_state.get("preflight_seen", ("", now))
    if seen != key:
        st.session_state["preflight_seen"] = (key, now)
        return False
    return now - since >= SETTLED_SECONDS


def _header(outlook: Outlook, plan: Plan) -> None:
    known = outlook.state in ("ready", "failed")
    word, icon, color = BADGES[outlook.verdict if known else outlook.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("#### What it will take", width="content", anchors=False)
        st.badge(word, icon=icon, color=color)  # type: ignore[arg-type]
        st.space("stretch")
        st.button(
            "Measure again", key="preflight_again", type="tertiary", icon=":material/refresh:",
            disabled=not known, on_click=_again, args=(plan,),
            help="A few real steps on this computer, in the background.",
        )  # fmt: skip


def _again(plan: Plan) -> None:
    preflight.ask(plan, again=True)


def _figures(outlook: Outlook) -> None:
    known = outlook.estimate
    words = {
        "Time": about(known.seconds) if known else "–",
        "Memory": megabytes(known.memory_mb) if known else "–",
        "Disk": megabytes(known.disk_mb) if known else "–",
        "Energy": kilowatt_hours(known.energy_kwh) if known else "–",
    }
    grid = st.grid(4, min_column_width=130, gap="small")
    for name, value in words.items():
        grid.markdown(f":small[:gray[{name}]]  \n**{value}**")


def _offers(outlook: Outlook, form_key: str) -> None:
    """Cheaper ways, one click each."""
    if not outlook.offers:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(":gray[Cheaper:]", width="content")
        for number, offer in enumerate(outlook.offers):
            st.button(
                _offer_words(offer), key=f"preflight_offer_{number}",
                on_click=_take, args=(offer, form_key),
                help="Changes the settings above; nothing starts yet.",
            )  # fmt: skip


def _offer_words(offer: Offer) -> str:
    return f"{escape(offer.cheaper.words, 60)} · {about(offer.estimate.seconds)}"


def _take(offer: Offer, form_key: str) -> None:
    """Before the form is drawn again: its inputs take the new values."""
    if offer.cheaper.model is not None:
        st.session_state["new_model"] = offer.cheaper.model
    for name, value in offer.cheaper.changes.items():
        st.session_state[f"{form_key}_{name}"] = value
