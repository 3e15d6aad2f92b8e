"""Measures a model on a whole split; called by the loop and by the checks of the playground."""

import torch
from torch import nn

from backend.tasks.base import Split, Task
from backend.training.monitor import Monitor
from backend.training.sampling import ordered_batches


def evaluate(
    task: Task,
    model: nn.Module,
    split: Split,
    batch_size: int,
    device: torch.device,
    classes: list[str],
    monitor: Monitor | None = None,
) -> dict[str, float] | None:
    """Loss and metrics over a whole split, in full precision; None where a stop was asked for."""
    model.eval()
    total, outputs = 0.0, []
    with torch.inference_mode():
        for indices in ordered_batches(len(split), batch_size, split.lengths):
            if monitor is not None and monitor.should_stop():
                return None
            batch = split.batch(indices, device)
            result = task.compute(model, batch, train=False)
            total += float(result["loss"]) * len(indices)
            outputs.append((result["output"].float().cpu(), batch["labels"].cpu()))
    predictions = torch.cat([output for output, _ in outputs])
    labels = torch.cat([label for _, label in outputs])
    return {"loss": total / len(split), **task.evaluate(predictions, labels, classes)}
