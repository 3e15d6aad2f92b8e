"""A form drawn from a task's config: every field carries its label, help, range and choices."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from backend.training.config import TrainingConfig

COLUMNS = 3
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
        with st.expander("More settings, for those who know them", icon=":material/tune:"):
            values |= _rows(expert, config, key, choices or {})
    return values


def _rows(
    fields: Sequence[dataclasses.Field[Any]],
    config: TrainingConfig,
    key: str,
    choices: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    grid = st.grid(COLUMNS, min_column_width=190, vertical_alignment="bottom")
    values = {}
    for field in fields:
        options = list(choices.get(field.name) or field.metadata["choices"])
        with grid:
            values[field.name] = _widget(
                field, getattr(config, field.name), f"{key}_{field.name}", options
            )
    return values


def _widget(field: dataclasses.Field[Any], value: Any, key: str, options: list[str]) -> Any:
    """The input that fits the field's type and range."""
    meta = field.metadata
    label, words = meta["label"], meta["help"]
    if isinstance(value, bool):
        return st.toggle(label, value=value, key=key, help=words)
    if options:
        if value not in options:
            options.append(value)
        return st.selectbox(
            label, options, options.index(value), format_func=option_words, key=key, help=words
        )
    if isinstance(value, int):
        low, high = int(meta["low"]), int(meta["high"])
        return st.number_input(label, low, high, value, step=1, key=key, help=words)
    if isinstance(value, float):
        return st.number_input(
            label, float(meta["low"]), float(meta["high"]), value,
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
