"""Step 4 of a new run: presets, the settings, and one sentence that says what will happen."""

import dataclasses
from typing import Any

import streamlit as st

from backend import preflight
from backend.errors import TrainroomError
from backend.jobs.machine import machine_summary
from backend.models.spec import ModelSpec, Weights
from backend.presets import BALANCED, PRESETS, preset_config
from backend.runs import Plan, is_small
from backend.tasks import Task
from backend.training.config import TrainingConfig, config_from
from backend.wording import about
from pages.components.choice_cards import Choice, choice_cards
from pages.components.config_form import config_form, option_words
from pages.components.errors import explain_error
from pages.components.wording import escape, megabytes, plural
from pages.train.augmentation_strip import augmentation_strip

NEEDS_PRETRAINED = ("pretrained", "freeze_backbone", "tuning", "lora_rank")
COPY, STATE = "copy", "new_preset"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the step gives: checked settings, the form's key, and the plans of all presets."""

    config: TrainingConfig
    form_key: str
    presets: list[Plan]


def settings_step(plan: Plan, prefill: dict[str, Any]) -> Settings | None:
    """The presets and the form, checked; None where it cannot be used, which is said.

    plan: the choices so far, with the model's own settings. prefill: a copied run's.
    """
    task, spec = plan.task, plan.spec
    starts = _starts(plan, prefill)
    plans = [dataclasses.replace(plan, config=config) for config in starts.values()]
    chosen = _preset_cards(dict(zip(starts, plans, strict=True)))
    weights = task.weights(spec)
    wishes = _wishes(task, prefill)
    asked = "_".join(f"{name}={value}" for name, value in wishes.items())
    few = is_small(task.name, spec.name, plan.dataset)
    asked += f"_{plan.dataset.id}" if few else ""  # other numbers than for other data
    form_key = f"set_{task.name}_{spec.name}_{prefill.get('name', '')}_{chosen}{asked}"
    if wishes:
        fields = {field.name: field.metadata["label"] for field in dataclasses.fields(task.config)}
        words = ", ".join(
            f"{fields[name]}: {option_words(value)}" for name, value in wishes.items()
        )
        st.info(f"Set for your data: {escape(words, 200)}", icon=":material/stethoscope:")
    values = config_form(
        starts[chosen],
        key=form_key,
        hidden=NEEDS_PRETRAINED if weights is Weights.SCRATCH else (),
        choices={"device": machine_summary()["devices"]},
    )
    try:
        config = config_from(task.config, {**dataclasses.asdict(starts[chosen]), **values})
    except TrainroomError as error:
        explain_error(error, "Please change this setting")
        return None
    augmentation_strip(dataclasses.replace(plan, config=config))
    _say(spec, weights, config, few=few)
    return Settings(config, form_key, plans)


def _starts(plan: Plan, prefill: dict[str, Any]) -> dict[str, TrainingConfig]:
    """What the form can start from: a copied run's settings for the same model, and the presets."""
    task, spec, data = plan.task, plan.spec, plan.dataset
    wishes = _wishes(task, prefill)
    starts = {
        preset.name: config_from(
            task.config,
            {**dataclasses.asdict(preset_config(task, spec, preset.name, data)), **wishes},
        )
        for preset in PRESETS
    }
    if prefill.get("config") and prefill.get("model") == spec.name:
        try:
            return {COPY: config_from(task.config, prefill["config"]), **starts}
        except TrainroomError as error:
            explain_error(error, "The settings could not be read")
    return starts


def _wishes(task: Task, prefill: dict[str, Any]) -> dict[str, Any]:
    """Settings that the address asks for, those that this task has and that make sense."""
    known = {field.name for field in dataclasses.fields(task.config)}
    wishes = {name: value for name, value in prefill.get("wishes", {}).items() if name in known}
    try:
        config_from(task.config, wishes)
    except TrainroomError:
        return {}
    return wishes


def _preset_cards(plans: dict[str, Plan]) -> str:
    """One card per preset with the time it takes here; returns the chosen one's name."""
    if st.session_state.get(STATE) not in plans:
        st.session_state[STATE] = COPY if COPY in plans else BALANCED
    choices = []
    times = preflight.seconds(list(plans.values()))
    words = {preset.name: (preset.title, preset.words, preset.icon) for preset in PRESETS}
    words[COPY] = ("As in the copied run", "The very same settings.", "content_copy")
    for (name, plan), known in zip(plans.items(), times, strict=True):
        title, sentence, icon = words[name]
        if name == BALANCED and plan.spec.recipe:
            sentence = plan.spec.recipe
        epochs = plural(plan.config.epochs, "epoch")
        most = "at most " if plan.config.early_stopping else ""
        time = f"{most}{about(known)}" if known is not None else "time not measured yet"
        badges = ((epochs, "gray"), (time, "gray" if known is None else "blue"))
        choices.append(Choice(name, title, sentence, icon=icon, badges=badges))
    return choice_cards(STATE, choices)


def _say(spec: ModelSpec, weights: Weights, config: TrainingConfig, *, few: bool) -> None:
    pretrained = getattr(config, "pretrained", False) and weights is not Weights.SCRATCH
    begin = "starts from what it learned before" if pretrained else "starts from zero"
    if pretrained and weights is Weights.DOWNLOAD:
        begin += f", after a download of {megabytes(spec.download_mb)} (needs internet)"
    st.markdown(
        f":material/info: **{escape(spec.title)}** {begin} and sees all training examples "
        f"**{plural(config.epochs, 'time')}**, {config.batch_size:,} at once."
        + (" There are few of them, so it should see them often." if few else "")
    )
