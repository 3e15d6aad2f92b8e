"""Loads everything that a first training step needs, ahead of time; for the standby worker."""

import importlib
import time

import torch
from torch import nn

from backend.models.networks import MLP
from backend.tasks import list_tasks
from backend.training.config import TrainingConfig
from backend.training.devices import half_of_the_cores
from backend.training.optimization import build_optimizer

# Each costs a second or so at its first import; the loop and the tasks import them when needed.
HEAVY_MODULES = (
    "torchvision.transforms.v2",
    "transformers",
    "tokenizers",
    "safetensors.torch",
    "backend.training.loop",
    "backend.training.probe",
)

MEASURED_STEPS, ROUNDS = 60, 5
WORTH_SHARING = 0.9
"""Small networks are shared among cores where a step then takes at most this share of the time."""


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


def measure_small_network() -> int:
    """Over how many cores the steps of a small network are best shared: 1, or half of them.

    Takes about half a second; the best of several turns each, since others use the machine too.
    Two cores that are one core's two threads get in each other's way, two whole ones do not.
    Never all: with one of them busy elsewhere, a step shared among two takes seven times as long.
    """
    before, half = torch.get_num_threads(), half_of_the_cores()
    if half == 1:
        return 1
    model, images = MLP(1, 28, 10), torch.rand(64, 1, 28, 28)
    labels = torch.zeros(64, dtype=torch.int64)
    optimizer = build_optimizer(model, TrainingConfig(optimizer="sgd"), torch.device("cpu"))
    best = {1: float("inf"), half: float("inf")}
    for _ in range(ROUNDS):
        for threads in best:
            torch.set_num_threads(threads)
            start = time.perf_counter()
            for _ in range(MEASURED_STEPS):
                nn.functional.cross_entropy(model(images), labels).backward()
                optimizer.step()
                optimizer.zero_grad()
            best[threads] = min(best[threads], time.perf_counter() - start)
    torch.set_num_threads(before)
    return half if best[half] < WORTH_SHARING * best[1] else 1
