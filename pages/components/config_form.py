"""A form drawn from a task's config: every field carries its label, help, range and choices."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from backend.training.config import Options, TrainingConfig

COLUMNS = 3
SLIDER_STEPS = 100
WORDS = {
    "adamw": "AdamW",
    "sgd": "SGD",
    "cosine": "Falls in a curve",
    "linear": "Falls in a straight line",
    "constant": "Stays the same",
    "auto": "Automatic",
    "bf16": "bfloat16",
    "fp16": "float16",
    "cpu": "Processor",
    "mps": "Apple graphics",
    "weights": "Their mistakes count more",
    "sampling": "Show them more often",
    "full": "All of it",
    "lora": "Small additions (LoRA)",
    "pca": "PCA",
    "tsne": "t-SNE",
}


def config_form(
    config: TrainingConfig,
    *,
    key: str,
    hidden: Sequence[str] = (),
    choices: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Draw the settings, those for experts folded in; returns name -> value.

    config: what the fields start with. key: keeps forms for different models apart.
    hidden: fields that make no sense here. choices: options for fields that carry none.
    """
    fields = [field for field in dataclasses.fields(config) if field.name not in hidden]
    basic = [field for field in fields if not field.metadata["advanced"]]
    expert = [field for field in fields if field.metadata["advanced"]]
    values = _rows(basic, config, key, choices or {})
    if expert:
        with st.expander("More settings, and what each does", icon=":material/tune:"):
            values |= _rows(expert, config, key, choices or {}, explain=True)
    return values


def options_form(options: Options, *, key: str) -> dict[str, Any]:
    """Draw all of a task's options for asking, in rows; nothing where it has none.

    Numbers that are no counts are sliders: here one tries out, and sees at once what changes.
    """
    fields = dataclasses.fields(options)
    return _rows(fields, options, key, {}, sliders=True) if fields else {}


def _rows(
    fields: Sequence[dataclasses.Field[Any]],
    config: Options,
    key: str,
    choices: Mapping[str, Sequence[str]],
    *,
    sliders: bool = False,
    explain: bool = False,
) -> dict[str, Any]:
    """One input per field; explain: with the words below it, and not only where one asks."""
    grid = st.grid(COLUMNS, min_column_width=190, vertical_alignment="top" if explain else "bottom")
    values = {}
    for field in fields:
        options = list(choices.get(field.name) or field.metadata["choices"])
        with grid, st.container(gap="xxsmall"):
            words = explanation(field)
            values[field.name] = _widget(
                field,
                getattr(config, field.name),
                f"{key}_{field.name}",
                options,
                words=None if explain else words,
                slider=sliders,
            )
            if explain:
                st.caption(words)
    return values


def explanation(field: dataclasses.Field[Any]) -> str:
    """What a setting is, and what it does to the curve."""
    curve = field.metadata["curve"]
    return (
        f"{field.metadata['help']} **In the curve:** {curve}" if curve else field.metadata["help"]
    )


def _widget(
    field: dataclasses.Field[Any],
    value: Any,
    key: str,
    options: list[str],
    *,
    words: str | None,
    slider: bool,
) -> Any:
    """The input that fits the field's type and range; words: what it tells who asks."""
    meta = field.metadata
    label = meta["label"]
    if isinstance(value, bool):
        return st.toggle(label, value=value, key=key, help=words)
    if options:
        if value not in options:
            options.append(value)
        return st.selectbox(
            label, options, options.index(value), format_func=option_words, key=key, help=words
        )
    if isinstance(value, int):
        least, most = int(meta["low"]), int(meta["high"])
        return st.number_input(label, least, most, value, step=1, key=key, help=words)
    if isinstance(value, float):
        low, high = float(meta["low"]), float(meta["high"])
        if slider:
            step = (high - low) / SLIDER_STEPS
            return st.slider(label, low, high, value, step=step, key=key, help=words)
        return st.number_input(
            label, low, high, value,
            step=_step(value), format="%.6g", key=key, help=words,
        )  # fmt: skip
    return st.text_input(label, value, key=key, help=words, max_chars=200).strip()


def _step(value: float) -> float:
    """A step of one unit in the value's first digit: 0.001 for 0.003."""
    return float(f"1e{int(f'{value:e}'.split('e')[1])}") if value > 0 else 0.01


def option_words(option: Any) -> str:
    """A choice in plain words; a name we have no words for stays as it is."""
    name = str(option)
    if name.startswith("cuda:"):
        return f"Graphics card {name[5:]}"
    return WORDS.get(name, name[:1].upper() + name[1:])
