"""What would take less: candidates by a plan's settings, each to be measured before it is shown."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backend.models.spec import Weights
from backend.runs import Plan, default_config
from backend.training.config import TrainingConfig
from backend.training.measurement import Measurement

SMALLEST_PICTURE, SHORTEST_TEXT = 32, 32
MOST_LORA_RATE = 1e-3
SMALLER = 0.7
"""A model counts as smaller with at most this share of the weights."""


@dataclass(frozen=True, slots=True)
class Cheaper:
    """A plan that should take less: its words, and what changes in the form."""

    words: str
    plan: Plan
    changes: dict[str, Any]
    model: str | None = None


def fewer_epochs(plan: Plan) -> Cheaper | None:
    """Half the epochs: needs no measurement of its own."""
    epochs = plan.config.epochs // 2
    if not epochs:
        return None
    return _changed(plan, f"{epochs} {'epoch' if epochs == 1 else 'epochs'}", epochs=epochs)


def candidates(plan: Plan, found: Measurement | None, *, memory: bool) -> list[Cheaper]:
    """What to measure, the least change first; memory: where memory is what lacks."""
    ways = [_half_batch, _additions, _frozen, _smaller_input, _smaller_model]
    if not memory:  # neither a smaller batch nor fewer weights to learn take much less time
        ways = ways[2:]
    return [cheaper for way in ways for cheaper in way(plan, found)]


def _changed(plan: Plan, words: str, **changes: Any) -> Cheaper:
    config = dataclasses.replace(plan.config, **changes)
    return Cheaper(words, dataclasses.replace(plan, config=config), changes)


def _half_batch(plan: Plan, found: Measurement | None) -> Iterator[Cheaper]:
    config = plan.config
    if config.batch_size >= 4:
        yield _changed(
            plan,
            f"Batches of {config.batch_size // 2}, two at a time",
            batch_size=config.batch_size // 2,
            gradient_accumulation=min(1024, 2 * config.gradient_accumulation),
        )


def _frozen(plan: Plan, found: Measurement | None) -> Iterator[Cheaper]:
    """The pretrained part as it is: a switch, or the last of several choices."""
    fields = {field.name: field for field in dataclasses.fields(plan.config)}
    field = fields.get("freeze_backbone")
    if field is None or not getattr(plan.config, "pretrained", False):
        return
    words, choices = field.metadata["label"], field.metadata["choices"]
    most = choices[-1] if choices else True
    if getattr(plan.config, field.name) != most:
        whole = {"tuning": "full"} if "tuning" in fields else {}  # nothing else learns then
        yield _changed(
            plan, f"{words}: {most}" if choices else words, freeze_backbone=most, **whole
        )


def _additions(plan: Plan, found: Measurement | None) -> Iterator[Cheaper]:
    """Small additions in the place of all of a pretrained network."""
    config = plan.config
    whole = getattr(config, "tuning", "") == "full" and getattr(config, "pretrained", False)
    if whole and not getattr(config, "freeze_backbone", False):
        # They want larger corrections than weights that know something already.
        rate = max(config.learning_rate, min(10 * config.learning_rate, MOST_LORA_RATE))
        words = "Small additions only (LoRA)"
        yield _changed(plan, words, tuning="lora", learning_rate=rate)


def _smaller_input(plan: Plan, found: Measurement | None) -> Iterator[Cheaper]:
    config = plan.config
    size = getattr(config, "image_size", None)
    if size is not None:
        side = (size or (found.image_size if found else 0) or 0) // 2 // 16 * 16
        if side >= SMALLEST_PICTURE:
            yield _changed(plan, f"Pictures of {side} pixels", image_size=side)
    length = getattr(config, "max_length", None)
    if isinstance(length, int) and length // 2 >= SHORTEST_TEXT:
        yield _changed(plan, f"Texts of {length // 2} tokens", max_length=length // 2)


def _smaller_model(plan: Plan, found: Measurement | None) -> Iterator[Cheaper]:
    """The next smaller model whose weights are here or are not needed."""
    limit = SMALLER * plan.spec.parameters
    smaller = [
        spec
        for spec in plan.task.models
        if 0 < spec.parameters <= limit and plan.task.weights(spec) is not Weights.DOWNLOAD
    ]
    if smaller:
        spec = max(smaller, key=lambda one: one.parameters)
        config: TrainingConfig = default_config(plan.task.name, spec.name, plan.dataset)
        other = dataclasses.replace(plan, spec=spec, config=config)
        yield Cheaper(f"{spec.title} instead", other, {}, spec.name)
