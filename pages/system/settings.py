"""Settings: how trainings share the processor, what follows a restart, who is told of an end."""

import dataclasses

import streamlit as st

from backend.errors import TrainroomError
from backend.jobs.slots import slots_of
from backend.notifications import notify
from backend.preferences import MOST_RUNS, Preferences, load_preferences, save_preferences
from backend.runs import ENDED, Run, list_runs
from pages.components.errors import error_box, explain_error
from pages.components.layout import card, page_header
from pages.components.notifier import notification_switch

FIELDS = {
    "set_processor": "runs_on_processor", "set_resume": "resume_after_restart",
    "set_url": "webhook_url", "set_email": "email_to",
    "set_host": "smtp_host", "set_port": "smtp_port", "set_user": "smtp_user",
}  # fmt: skip


def main() -> None:
    page_header("Settings", "They hold for everybody who uses this Trainroom.")
    known = load_preferences()
    with st.form("settings", border=False), card("settings"):
        _sharing()
        st.space("small")
        _restart(known)
        st.space("small")
        _telling(known)
        saved = st.form_submit_button(
            "Save", type="primary", icon=":material/save:", on_click=_save
        )
    error = st.session_state.pop("settings_error", None)
    if error is not None:
        explain_error(error, "The settings were not saved")
    elif saved:
        st.success("Saved.", icon=":material/check_circle:")
    _test(known)
    with card("this_browser"):
        st.markdown("#### In this browser")
        st.caption("Works while a page of Trainroom is open, in whatever tab.")
        notification_switch()


def _sharing() -> None:
    st.markdown("#### How many at a time")
    st.number_input(
        "Trainings on the processor at the same time", 1, MOST_RUNS, slots_of(["cpu"])["cpu"],
        key="set_processor",
        help="They share its cores, so each takes longer. Graphics cards train one after the "
        "other, each card its own.",
    )  # fmt: skip


def _restart(known: Preferences) -> None:
    st.markdown("#### After a restart")
    st.toggle(
        "Interrupted trainings continue by themselves", known.resume_after_restart,
        key="set_resume",
        help="After a power cut or a restart of the computer. Otherwise the home page asks first.",
    )  # fmt: skip


def _telling(known: Preferences) -> None:
    st.markdown("#### When a run ends")
    st.caption(
        "Trainroom sends nothing anywhere unless you fill this in. Then it tells the run's name, "
        "how it ended and its scores; never your data."
    )
    st.text_input(
        "Web address to call", known.webhook_url, key="set_url", max_chars=500,
        placeholder="https://…", help="For example what a chat service calls a webhook. "
        "Empty: none is called.",
    )  # fmt: skip
    st.text_input(
        "E-mail address", known.email_to, key="set_email", max_chars=320,
        placeholder="name@example.org", help="Empty: no e-mail is sent.",
    )  # fmt: skip
    with st.expander("Mail server, needed for e-mail", icon=":material/mail:",
                     expanded=bool(known.email_to)):  # fmt: skip
        left, right = st.columns([3, 1])
        left.text_input("Server", known.smtp_host, key="set_host", max_chars=250,
                        placeholder="smtp.example.org")  # fmt: skip
        right.number_input("Port", 1, 65535, known.smtp_port, key="set_port")
        left, right = st.columns(2)
        left.text_input("User name", known.smtp_user, key="set_user", max_chars=320)
        right.text_input(
            "Password", "", type="password", key="set_password", max_chars=500,
            placeholder="kept as it is" if known.smtp_password else "",
            help="Kept on this computer and never shown again. Another server needs it again.",
        )  # fmt: skip
        if known.smtp_password:
            st.checkbox("Forget the password", key="set_forget")


def _save() -> None:
    """What Save does, before the page is drawn again: only here can the field be emptied."""
    state = st.session_state
    changes = {name: state[key] for key, name in FIELDS.items()}
    moved = state["set_host"].strip() != load_preferences().smtp_host
    if state["set_password"] or state.get("set_forget") or moved:
        # A password that was given for one server is not shown to another.
        changes["smtp_password"] = state["set_password"]
    try:
        save_preferences(**changes)
    except TrainroomError as error:
        state["settings_error"] = error
    else:
        state["set_password"] = ""
        state.pop("set_forget", None)


def _test(known: Preferences) -> None:
    """Send what a run's end would send; needs a run to tell of."""
    run = next(iter(list_runs(ENDED)), None)
    why = None
    if not (known.webhook_url or known.email_to):
        why = "Save a web address or an e-mail address first."
    elif run is None:
        why = "There is no run to tell of yet: it can be tried once one has ended."
    if st.button("Send a test message", icon=":material/send:", disabled=bool(why),
                 key="send_test") and run:  # fmt: skip
        _send(run, known)
    if why:
        st.caption(why)


def _send(run: Run, known: Preferences) -> None:
    with st.spinner("Sending …"):
        problems = notify(dataclasses.replace(run, name=f"Test: {run.name}"), known)
    for problem in problems:
        error_box("The message did not arrive", f"{problem} Check the address and the server.")
    if not problems:
        st.success("The message was sent.", icon=":material/check_circle:")


main()
