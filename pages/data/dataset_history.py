"""The versions of a data set: what changed when, which runs used it, and the way back."""

import time

import streamlit as st

from backend import runs
from backend.datasets import Dataset, versions
from backend.datasets.erasing import erase_masked
from backend.errors import TrainroomError
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.wording import ago, escape, plural
from pages.data.dataset_dialogs import erase_dialog
from pages.data.dataset_words import change_and_rerun

SHOWN_RUNS = 4
SHOWN = 60


def history(dataset: Dataset) -> None:
    try:
        found = versions.list_versions(dataset)
    except TrainroomError as error:
        explain_error(error)
        return
    used: dict[int, list[runs.Run]] = {}
    for run in runs.list_runs():
        if run.dataset_id == dataset.id:
            used.setdefault(run.dataset_version, []).append(run)
    with card("history"):
        st.markdown("#### Versions")
        st.caption(
            "Each change makes a new version; nothing is lost. A run names the one that it learned "
            "from and goes on with it, whatever is changed here."
        )
        for version in found[:SHOWN]:
            _version(dataset, version, used.get(version.number, []))
        if len(found) > SHOWN:
            st.caption(f"and {len(found) - SHOWN} earlier ones")
    if not dataset.bundled and found[0].details.get("edited"):
        _masked(dataset)


def _version(dataset: Dataset, version: versions.DatasetVersion, used: list[runs.Run]) -> None:
    current = version.number == dataset.version
    with st.container(border=True, gap="xsmall", key=f"version_{version.number}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            mark = " :green-badge[now]" if current else ""
            st.markdown(
                f"**{version.number}** · {escape(version.summary, 300)}{mark}", width="stretch"
            )
            if not current and st.button(
                "Go back to this", icon=":material/undo:", key=f"back_{version.number}",
                help="Makes a new version with the content of this one.",
            ):  # fmt: skip
                change_and_rerun(lambda: versions.go_back(dataset, version.number))
        moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(version.created_at))
        words = [moment, ago(version.created_at), plural(version.rows, "example")]
        if version.details.get("dropped"):
            words.append(f"{version.details['dropped']:,} left out")
        if version.sha256:
            words.append(f"sum {version.sha256[:10]}")
        st.caption(" · ".join(words))
        _runs(used)


def _runs(used: list[runs.Run]) -> None:
    if not used:
        return
    with st.container(horizontal=True, gap="small"):
        for run in used[:SHOWN_RUNS]:
            st.page_link(
                links.RUN, label=f"#{run.id} {escape(run.name, 30)}",
                icon=":material/show_chart:", query_params={"run": str(run.id)},
            )  # fmt: skip
        if len(used) > SHOWN_RUNS:
            st.caption(f"and {len(used) - SHOWN_RUNS} more runs")


def _masked(dataset: Dataset) -> None:
    """What was masked still stands in the earlier versions."""
    with card("masked"):
        st.markdown("#### Texts that were changed")
        st.markdown(
            "Earlier versions still hold what stood in them before. If that was private, erase it "
            "from all versions; then it cannot be brought back."
        )
        if st.button("Erase what stood there before", icon=":material/delete_forever:"):
            erase_dialog(
                "What stood in the changed texts before is erased from all versions, for good.",
                lambda: erase_masked(dataset),
            )
