"""Quick, balanced, best: three sets of settings per model, so that nobody must know the settings.

One rule makes them from what suits the model; a task or a model says where it knows better.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import NotFoundError
from backend.models.spec import ModelSpec
from backend.runs import default_config
from backend.tasks import Task
from backend.training.config import TrainingConfig, config_from
from storage.records import Dataset

QUICK_SHARE, BEST_TIMES = 0.3, 3
PATIENCE_SHARE, LEAST_PATIENCE = 0.6, 2


@dataclass(frozen=True, slots=True)
class Preset:
    """One of them: how it is called, and what it is for in a sentence."""

    name: str
    title: str
    words: str
    icon: str


PRESETS = (
    Preset("quick", "Quick", "A first look: enough to see that it learns.", "bolt"),
    Preset("balanced", "Balanced", "What suits this model and gives a good result.", "balance"),
    Preset("best", "Best", "Longer, with more variety, and stops when nothing improves.", "trophy"),
)
BALANCED = "balanced"


def get_preset(name: str) -> Preset:
    """A preset by name; raises NotFoundError that lists them."""
    for preset in PRESETS:
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in PRESETS)
    raise NotFoundError(f"There is no preset called {name!r}. Known: {known}.")


def preset_config(
    task: Task, spec: ModelSpec, name: str, dataset: Dataset | None = None
) -> TrainingConfig:
    """The settings of a preset for a model of a task; raises NotFoundError.

    dataset: what it is to learn from, where that is known; a small one is repeated more often.
    """
    get_preset(name)
    base = default_config(task.name, spec.name, dataset)
    values = {
        **dataclasses.asdict(base),
        **_rule(name, base),
        **_known(task.presets.get(name, {}), base),
        **_known(spec.presets.get(name, {}), base),
    }
    return config_from(task.config, values)


def _rule(name: str, base: TrainingConfig) -> dict[str, Any]:
    """What differs from the model's defaults where nobody knows better."""
    augmentation = getattr(base, "augmentation", None)
    if name == "quick":
        values: dict[str, Any] = {"epochs": max(1, round(base.epochs * QUICK_SHARE))}
        # Changed examples pay off in long runs only.
        return values | ({"augmentation": "none"} if augmentation is not None else {})
    if name == "best":
        epochs = min(1000, base.epochs * BEST_TIMES)
        patience = max(LEAST_PATIENCE, round(base.epochs * PATIENCE_SHARE))
        values = {"epochs": epochs, "early_stopping": patience}
        return values | ({"augmentation": "light"} if augmentation == "none" else {})
    return {}


def _known(values: Mapping[str, Any], base: TrainingConfig) -> dict[str, Any]:
    fields = {field.name for field in dataclasses.fields(base)}
    return {name: value for name, value in values.items() if name in fields}
