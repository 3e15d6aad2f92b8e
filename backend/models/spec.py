"""ModelSpec: one frozen record that lists, explains and finds a model; free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Weights(StrEnum):
    """Where a model's pretrained weights are."""

    SCRATCH = "scratch"  # there are none: starts from zero
    HERE = "here"  # on this computer
    DOWNLOAD = "download"  # must be fetched, needs internet


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model that a task offers.

    parameters: number of weights at the task's usual input. download_mb: size of the pretrained
    weights, 0 where there are none. memory_mb: least memory for training with its defaults.
    defaults: hyperparameters that suit it better than the task's own. presets: what differs for it
    from the rule of backend/presets.py, by the preset's name. recipe: how its defaults are known,
    in a sentence, where they have a name; the card of "Balanced" says it.
    """

    name: str
    title: str
    description: str
    library: str  # "trainroom", "torchvision" or "transformers"
    parameters: int
    checkpoint: str = ""
    download_mb: int = 0
    memory_mb: int = 500
    licence: str = "MIT"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe: str = ""
