"""Loads everything that a first training step needs, ahead of time; for the standby worker."""

import importlib

import torch
from torch import nn

from backend.tasks import list_tasks
from backend.training.config import TrainingConfig
from backend.training.optimization import build_optimizer

# Each costs a second or so at its first import; the loop and the tasks import them when needed.
HEAVY_MODULES = (
    "torchvision.transforms.v2",
    "transformers",
    "tokenizers",
    "safetensors.torch",
    "backend.training.loop",
)


def warm_up() -> None:
    """Import the libraries, start the thread pools, run one small step of each optimizer."""
    list_tasks()
    for name in HEAVY_MODULES:
        importlib.import_module(name)
    device = torch.device("cpu")
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2704, 10))
    for name in ("adamw", "sgd"):
        optimizer = build_optimizer(model, TrainingConfig(optimizer=name), device)
        output = model(torch.rand(64, 1, 28, 28))
        nn.functional.cross_entropy(output, torch.zeros(64, dtype=torch.int64)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
