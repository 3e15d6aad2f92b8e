"""A real training process whose toy task misbehaves, as its argument says.

big: its checkpoints take much disk. deaf: it ignores stops. hungry: it takes memory without end.
"""

import os
import signal
import sys
import time
from typing import Any

from torch import nn

from backend import datasets
from backend.jobs.worker import Worker, run_process
from backend.training import loop
from tests.backend.jobs.toy_worker import ToyTasks, fit
from tests.backend.training.toy import DATASET, ToyTask

# 2.8 million weights: a file of 11 MB, and one of 22 MB for the optimizer.
WIDTH = 400_000
LOADERS = 2


def build_big_model(self: ToyTasks, *_: Any, **__: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(4, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2))


class DeafMonitor:
    """Passes everything on but the wish to stop."""

    def __init__(self, monitor: Any) -> None:
        self.monitor = monitor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.monitor, name)

    def should_stop(self) -> bool:
        return False


def fit_deaf(task: ToyTasks, spec: Any, *arguments: Any, monitor: Any, **options: Any) -> Any:
    """The real loop, saving as it goes; neither it nor its two loaders end when asked."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(LOADERS):
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
    task.behaviour = "slow"
    return loop.fit(task, spec, *arguments, monitor=DeafMonitor(monitor), **options)


def compute_hungry(self: ToyTasks, model: Any, batch: Any, *, train: bool) -> Any:
    """Each step takes 50 MB and keeps them."""
    if train:
        _HOARD.append(b"\1" * (50 << 20))
    return ToyTask.compute(self, model, batch, train=train)


_HOARD: list[bytes] = []


if __name__ == "__main__":
    datasets.get_dataset = lambda *_: DATASET
    if "hungry" in sys.argv:
        ToyTasks.compute = compute_hungry  # type: ignore[method-assign]
    if "big" in sys.argv:
        ToyTasks.build_model = build_big_model  # type: ignore[assignment, method-assign]
    run_process(Worker(fit_deaf if "deaf" in sys.argv else fit))
