"""What the data doctor found, on top of a data set's page: sentences, examples, buttons."""

import streamlit as st

from backend.datasets import Dataset, doctor
from backend.datasets.doctor.cures import carry_out
from backend.datasets.doctor.finding import Finding
from backend.datasets.doctor.reports import Report
from backend.errors import TrainroomError
from pages.components import links
from pages.components.errand_progress import follow_errand
from pages.components.errors import error_box, explain_error
from pages.components.layout import card
from pages.components.wording import escape, plural
from pages.data.dataset_words import change_and_rerun, copy_hint, show_finding, show_overview
from pages.data.finding_examples import finding_examples

SHOWN = 5
LOOKS = {
    "problem": ("Problem", "red", ":material/error:"),
    "warning": ("Warning", "orange", ":material/warning:"),
    "hint": ("Hint", "blue", ":material/info:"),
}


def doctor_card(dataset: Dataset, *, whole: bool) -> None:
    """Findings on this version; where it has not been looked at, the look begins by itself.

    whole: all of them, else how many there are.
    """
    with card("doctor", gap="small"):
        try:
            report = doctor.get_report(dataset)
            if report is None:
                _look(dataset)
                return
            _heading(report, whole)
            if whole:
                _show(dataset, report)
        except TrainroomError as error:
            explain_error(error, "The doctor cannot look at this data set")


def _look(dataset: Dataset) -> None:
    """Start to look, or show how far it is; what has failed once waits to be asked."""
    errand = doctor.find_examination(dataset)
    stopped = f"doctor_stopped_{dataset.id}_{dataset.version}"
    if errand is not None and not errand.is_running:
        error_box("The data doctor could not finish", errand.error)
    elif errand is None and not st.session_state.get(stopped):
        errand = doctor.start_examination(dataset)
    if errand is not None and errand.is_running:
        st.markdown("#### :material/stethoscope: The data doctor is looking at this data")
        if follow_errand(errand.id):
            st.session_state[stopped] = True
            st.rerun()
        return
    st.markdown("#### :material/stethoscope: The data doctor")
    if st.button("Look at this data", icon=":material/search:", key="doctor_again"):
        st.session_state.pop(stopped, None)
        doctor.start_examination(dataset)
        st.rerun()


def _heading(report: Report, whole: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("#### :material/stethoscope: The data doctor", width="stretch")
        for name, count in report.counts().items():
            word, color, icon = LOOKS[name]
            if count:
                st.badge(plural(count, word.lower()), color=color, icon=icon)
        if not report.findings:
            st.badge("nothing found", color="green", icon=":material/check_circle:")
        elif not whole:
            st.button(
                "See them", type="tertiary", icon=":material/visibility:", key="doctor_see",
                on_click=show_overview,
            )  # fmt: skip


def _show(dataset: Dataset, report: Report) -> None:
    grave = [one for one in report.findings if one.severity != "hint"]
    hints = [one for one in report.findings if one.severity == "hint"]
    if not report.findings:
        st.success("Nothing was found that would spoil a training.", icon=":material/check_circle:")
    elif not grave:
        st.markdown("Nothing grave was found.")
    if report.findings:
        copy_hint(dataset, "doctor")
    for finding in grave[:SHOWN]:
        _finding(dataset, finding)
    if grave[SHOWN:]:
        with st.expander(f"{plural(len(grave[SHOWN:]), 'more finding')}"):
            for finding in grave[SHOWN:]:
                _finding(dataset, finding)
    if hints:
        with st.expander(f"{plural(len(hints), 'hint')}: good to know", expanded=not grave):
            for finding in hints:
                _finding(dataset, finding)
    for title in report.skipped:
        st.caption(f":material/warning: {escape(title)} did not work; the log has the reason.")


def _finding(dataset: Dataset, finding: Finding) -> None:
    word, color, icon = LOOKS[finding.severity]
    with st.container(border=True, key=f"finding_{finding.kind}", gap="xsmall"):
        st.markdown(f":{color}-badge[{icon} {word}] {escape(finding.sentence, 900)}")
        finding_examples(dataset, finding)
        with st.container(horizontal=True, gap="small"):
            _buttons(dataset, finding)


def _buttons(dataset: Dataset, finding: Finding) -> None:
    if len(finding.flagged):
        st.button(
            f"Show all {len(finding.flagged):,}", icon=":material/visibility:", type="tertiary",
            key=f"show_{finding.kind}", on_click=show_finding, args=(dataset.id, finding.kind),
        )  # fmt: skip
    cure = finding.cure
    if cure is None:
        return
    settings = cure.values.get("settings", {}) if cure.kind == "setting" else None
    pressed = st.button(
        cure.button, icon=":material/healing:" if settings is None else ":material/tune:",
        key=f"cure_{finding.kind}", help=escape(cure.result, 300),
        disabled=dataset.bundled and settings is None,
    )  # fmt: skip
    if pressed and settings is not None:
        wishes = {name: str(value) for name, value in settings.items()}
        st.switch_page(links.NEW_RUN, query_params={"data": dataset.id, **wishes})
    elif pressed:
        change_and_rerun(lambda: carry_out(dataset, finding))
