"""The labels that a run learned from, judged by the examples that its model finds alike."""

import streamlit as st

from backend import corrections, inference
from backend.corrections import Tested
from pages.components.errors import told

LEARNED = "Labels it learned from"


def learned_labels(tested: Tested) -> Tested | None:
    """What examples alike say of each; None, behind a button, before the model was asked."""
    run, splits = tested.run, tested.dataset.splits
    found = corrections.training_labels(run)
    if found is not None:
        total = splits.get("train", 0) + splits.get("validation", 0)
        if len(found.answers) < total:
            st.caption(f"{len(found.answers):,} of {total:,} were looked at, chosen by chance.")
        return found
    if st.button(
        "Check these labels", icon=":material/fact_check:", key="mistakes_learned",
        help="The model reads each of them once, which can take a while.",
    ):  # fmt: skip
        bar = st.progress(0.0, "Loading the model …")
        with told("They could not be checked"):
            for done, total in inference.judge_labels(run.id):
                bar.progress(done / total, f"{done:,} of {total:,} looked at")
            st.rerun()
    return None
