"""What the setting “augmentation” does, shown on pictures of the chosen data before the start."""

from dataclasses import asdict

import streamlit as st

from backend import inference
from backend.errors import TrainroomError
from backend.runs import Plan
from backend.training.config import TrainingConfig
from pages.components.wording import escape

SHOWN = "new_augmented"
SEEN_BY = ("augmentation", "mirror", "image_size", "pretrained", "seed")
"""Settings that the strips depend on."""


def augmentation_strip(plan: Plan) -> None:
    """A button, and once it was pressed the strips, which follow the settings."""
    if not plan.task.shows_augmentation or _changes_nothing(plan.config):
        return
    if not st.session_state.get(SHOWN):
        st.button(
            "See the changes on your pictures", key="see_augmentation", type="tertiary",
            icon=":material/visibility:", on_click=_show,
        )  # fmt: skip
        return
    try:
        with st.spinner("Changing some of your pictures …"):
            strips = _strips(plan)
    except TrainroomError as error:  # no reason to stop: the run may start all the same
        st.caption(
            f":material/visibility_off: The changes cannot be shown. {escape(str(error), 300)}"
        )
        return
    st.caption("Left as it is, then as the training may see it, each time another way:")
    for strip in strips:
        st.image(strip, alt="A training picture, and changed versions of it")


def _changes_nothing(config: TrainingConfig) -> bool:
    return getattr(config, "augmentation", "none") == "none"


def _show() -> None:
    st.session_state[SHOWN] = True


def _strips(plan: Plan) -> list[bytes]:
    """The strips; those of the settings that were shown last are kept."""
    values = asdict(plan.config)
    chosen = tuple(values.get(name) for name in SEEN_BY)
    key = (plan.task.name, plan.dataset.id, plan.dataset.version, plan.spec.name, chosen)
    kept_key, kept = st.session_state.get("new_strips", (None, []))
    if kept_key != key:
        kept = inference.augmented(
            plan.task.name, plan.dataset.id, plan.dataset.version, plan.spec.name, values
        )
        st.session_state["new_strips"] = (key, kept)
    return list(kept)
