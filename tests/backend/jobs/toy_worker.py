"""A training process for tests: the real worker and loop on the toy task, and how it may misbehave.

The run's model names the behaviour: toy, slow, stubborn, oom, crash, silent.
"""

import dataclasses
import os
import signal
import sys
import time
from typing import Any

if "--broken" in sys.argv:  # as early as a missing library would end it
    raise SystemExit("no torch here")

import torch

from backend import datasets
from backend.jobs.worker import Worker, run_process
from backend.tasks import register_task
from backend.training import loop
from tests.backend.training.toy import DATASET, SPEC, ToySplit, ToyTask

NAMES = ("toy", "slow", "stubborn", "oom", "crash", "silent", "nan")


@register_task
class ToyTasks(ToyTask):
    models = tuple(dataclasses.replace(SPEC, name=name) for name in NAMES)

    def __init__(self) -> None:
        super().__init__()
        self.behaviour = "toy"

    def compute(self, model: Any, batch: Any, *, train: bool) -> Any:
        if train and self.behaviour == "slow":
            time.sleep(0.01)
        if train and self.behaviour == "oom":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GB")
        if train and self.behaviour == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().compute(model, batch, train=train)


def fit(task: ToyTasks, spec: Any, *arguments: Any, **options: Any) -> loop.Outcome:
    task.behaviour = spec.name
    if spec.name == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(600)
        options["monitor"].begin(100, 0)
        options["monitor"].log(1, 0.01, {"train/loss": 1.0})
        time.sleep(600)
    if spec.name == "silent":
        options["monitor"].begin(100, 0)
        time.sleep(600)
    if spec.name == "nan":
        task.train = ToySplit(200, 0, bad_from=0)
    return loop.fit(task, spec, *arguments, **options)


if __name__ == "__main__":
    datasets.get_dataset = lambda key: DATASET
    run_process(Worker(fit))
