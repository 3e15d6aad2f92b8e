"""How often a small data set is repeated: what a network needs is corrections, not epochs.

Defaults are made for some thousands of examples. With a few dozen of them ten epochs are ten
corrections, after which no network has learnt anything.
"""

import dataclasses
import math
from typing import TYPE_CHECKING

from backend.training.config import TrainingConfig

if TYPE_CHECKING:
    from backend.tasks import Task
    from storage.records import Dataset

FROM_ZERO, PRETRAINED = 300, 100
"""Corrections that a network needs at least; fewer where it has learnt something before."""
STEPS_OF_AN_EPOCH, SMALLEST_BATCH = 4, 8
"""An epoch should have so many corrections; batches are halved for it, but not below this size."""
MOST_EPOCHS = 100
"""More rounds than this only teach the examples by heart."""


def enough_for(task: "Task", config: TrainingConfig, dataset: "Dataset") -> TrainingConfig:
    """The settings with smaller batches and more epochs where the data are few, else as they are.

    dataset: its training split counts. Gradient accumulation is taken into account.
    """
    examples = dataset.splits.get("train", 0)
    if not task.epoch_is_all_examples or not examples:
        return config
    least = PRETRAINED if getattr(config, "pretrained", False) else FROM_ZERO
    if _steps(examples, config, config.batch_size) * config.epochs >= least:
        return config
    batch = config.batch_size
    while batch >= 2 * SMALLEST_BATCH and _steps(examples, config, batch) < STEPS_OF_AN_EPOCH:
        batch //= 2
    epochs = min(MOST_EPOCHS, math.ceil(least / _steps(examples, config, batch)))
    return dataclasses.replace(config, batch_size=batch, epochs=max(config.epochs, epochs))


def _steps(examples: int, config: TrainingConfig, batch_size: int) -> int:
    """Corrections in an epoch."""
    return math.ceil(math.ceil(examples / batch_size) / config.gradient_accumulation)
