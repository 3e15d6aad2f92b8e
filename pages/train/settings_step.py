"""Step 4 of a new run: the settings, and one sentence that says what will happen."""

import dataclasses
from typing import Any

import streamlit as st

from backend.errors import TrainroomError
from backend.jobs.machine import machine_summary
from backend.models.spec import ModelSpec, Weights
from backend.runs import default_config
from backend.tasks import Task
from backend.training.config import TrainingConfig, config_from
from pages.components.config_form import config_form
from pages.components.errors import explain_error
from pages.components.wording import escape, megabytes, plural

NEEDS_PRETRAINED = ("pretrained", "freeze_backbone")


def settings_step(task: Task, spec: ModelSpec, prefill: dict[str, Any]) -> dict[str, Any] | None:
    """The values of the form, checked; None where they cannot be used, which is said."""
    try:
        start = _start_values(task, spec, prefill)
    except TrainroomError as error:
        explain_error(error, "The settings could not be read")
        start = default_config(task.name, spec.name)
    weights = task.weights(spec)
    hidden = NEEDS_PRETRAINED if weights is Weights.SCRATCH else ()
    values = config_form(
        start,
        key=f"set_{task.name}_{spec.name}_{prefill.get('name', '')}",
        hidden=hidden,
        choices={"device": machine_summary()["devices"]},
    )
    try:
        config = config_from(task.config, {**dataclasses.asdict(start), **values})
    except TrainroomError as error:
        explain_error(error, "Please change this setting")
        return None
    _say(spec, weights, config)
    return dataclasses.asdict(config)


def _start_values(task: Task, spec: ModelSpec, prefill: dict[str, Any]) -> TrainingConfig:
    """The copied run's settings for the same model, else what suits the model."""
    if prefill.get("config") and prefill.get("model") == spec.name:
        return config_from(task.config, prefill["config"])
    return default_config(task.name, spec.name)


def _say(spec: ModelSpec, weights: Weights, config: TrainingConfig) -> None:
    pretrained = getattr(config, "pretrained", False) and weights is not Weights.SCRATCH
    begin = "starts from what it learned before" if pretrained else "starts from zero"
    if pretrained and weights is Weights.DOWNLOAD:
        begin += f", after a download of {megabytes(spec.download_mb)} (needs internet)"
    st.markdown(
        f":material/info: **{escape(spec.title)}** {begin} and sees all training examples "
        f"**{plural(config.epochs, 'time')}**, {config.batch_size:,} at once."
    )
