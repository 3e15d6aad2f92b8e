"""Optimizer and learning-rate schedule, built from a config; used by the loop."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from backend.training.config import TrainingConfig

# A fixed warm-up may be longer than a short run: it then never ends.
LARGEST_WARMUP_SHARE = 0.1


def build_optimizer(model: nn.Module, config: TrainingConfig, device: torch.device) -> Optimizer:
    """AdamW (Loshchilov and Hutter, 2019) or SGD with momentum, over the trainable weights.

    Biases and norms (tensors of one dimension) are not decayed, as in BERT's recipe.
    """
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in trainable if w.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [w for w in trainable if w.ndim <= 1], "weight_decay": 0.0},
    ]
    if not config.weight_decay:  # one group is one call less per step
        groups = [{"params": trainable, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    fused = device.type in ("cpu", "cuda")
    if config.optimizer == "sgd":
        return SGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=fused)
    return AdamW(groups, lr=config.learning_rate, fused=fused)


def without_profiling(optimizer: Optimizer) -> Callable[[], None]:
    """The optimizer's step without torch's wrapping for profilers and hooks, of which none is here.

    2 % of a small network's step; step() itself where a release of torch has no such wrapping.
    """
    plain = getattr(type(optimizer).step, "__wrapped__", type(optimizer).step)
    return partial(plain, optimizer)


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    """The learning rate of a step (counted from 0): warm-up, then the schedule.

    A function of the step alone, so a resumed run needs no scheduler state. Cosine: Loshchilov
    and Hutter, 2017.
    """
    warmup = min(config.warmup_steps, int(total_steps * LARGEST_WARMUP_SHARE))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, total_steps - warmup)
    factor = {
        "constant": 1.0,
        "linear": 1.0 - done,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
    }[config.scheduler]
    return config.learning_rate * factor
