"""Measures a model on a whole split; called by the loop and by the checks of the playground."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from backend.scores.outcomes import Outcomes
from backend.tasks.base import Processor, Split, Task
from backend.training.monitor import Monitor
from backend.training.sampling import ordered_batches


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Loss and metrics of a split, and what became of each example where the task can tell."""

    metrics: dict[str, float]
    outcomes: Outcomes | None


def measure(
    task: Task,
    model: nn.Module,
    processor: Processor,
    split: Split,
    batch_size: int,
    device: torch.device,
    monitor: Monitor | None = None,
    *,
    each: bool = False,
) -> Evaluation | None:
    """Loss and metrics over a whole split, in full precision; None where a stop was asked for.

    each: also what became of each example, in the order of the split.
    """
    model.eval()
    total, meter = 0.0, task.build_meter(processor)
    order = ordered_batches(len(split), batch_size, split.lengths)
    with torch.inference_mode():
        for indices in order:
            if monitor is not None and monitor.should_stop():
                return None
            batch = split.batch(indices, device)
            result = task.compute(model, batch, train=False)
            total += float(result["loss"]) * len(indices)
            meter.add(result, batch)
        metrics = {"loss": total / len(split), **meter.compute()}
        outcomes = meter.outcomes() if each else None
    if outcomes is not None:
        numbers = getattr(split, "indices", None)
        positions = torch.cat(order).numpy()
        outcomes = outcomes.put_in_order(
            positions, None if numbers is None else np.asarray(numbers)
        )
    return Evaluation(metrics, outcomes)


def evaluate(
    task: Task,
    model: nn.Module,
    processor: Processor,
    split: Split,
    batch_size: int,
    device: torch.device,
    monitor: Monitor | None = None,
) -> dict[str, float] | None:
    """The figures of measure() alone."""
    found = measure(task, model, processor, split, batch_size, device, monitor)
    return None if found is None else found.metrics
