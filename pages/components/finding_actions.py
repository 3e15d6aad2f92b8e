"""What the buttons of findings do; the live part of a run's page says which one was pressed."""

import streamlit as st

from backend.datasets import get_dataset
from backend.errors import TrainroomError
from backend.reading import findings_of
from backend.runs import Run
from pages.components import links
from pages.components.run_actions import take


def take_finding(run: Run, kind: str) -> None:
    """Do what the button of a finding offers; nothing where the finding is no longer there."""
    for finding in findings_of(run):
        if finding.kind != kind or finding.action is None:
            continue
        if finding.action.action == "data" and _has_data(run):
            st.switch_page(links.DATASET, query_params={"data": run.dataset_id})
        take(run, finding.action)


def _has_data(run: Run) -> bool:
    try:
        get_dataset(run.dataset_id)
    except TrainroomError:
        return False
    return True
