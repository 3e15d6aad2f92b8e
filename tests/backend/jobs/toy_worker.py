"""A training process for tests: the real worker and loop on the toy task, and how it may misbehave.

The run's model names the behaviour: toy, slow, timed, stubborn, oom, crash, silent, nan, endless,
download.
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
from backend.models import weights
from backend.tasks import register_task
from backend.training import loop
from backend.training import probe as probes
from tests.backend.training.toy import DATASET, SPEC, ToySplit, ToyTask, clock

NAMES = ("toy", "slow", "timed", "stubborn", "oom", "crash", "silent", "nan", "endless", "download")


@register_task
class ToyTasks(ToyTask):
    models = tuple(dataclasses.replace(SPEC, name=name) for name in NAMES)

    def __init__(self) -> None:
        super().__init__()
        self.behaviour = "toy"

    def compute(self, model: Any, batch: Any, *, train: bool) -> Any:
        if train and self.behaviour in ("slow", "timed"):
            time.sleep(0.01)
        if train and self.behaviour == "endless":
            time.sleep(600)
        if train and self.behaviour == "oom":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GB")
        if train and self.behaviour == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().compute(model, batch, train=train)

    def batch_metrics(self, output: Any, batch: Any) -> Any:
        found = super().batch_metrics(output, batch)
        if self.behaviour == "timed":  # the moment of the step itself, as one more metric
            found = {**found, "clock": torch.tensor(clock() * len(batch["labels"]))}
        return found


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
    for here in range(100_000) if spec.name == "download" else ():
        weights.tell("ann/vit", here * 1_000_000, 100_000_000_000)
        time.sleep(0.02)
    if spec.name == "nan":
        task.train = ToySplit(200, 0, bad_from=0)
    return loop.fit(task, spec, *arguments, **options)


def probe(task: ToyTasks, spec: Any, *arguments: Any, **options: Any) -> Any:
    task.behaviour = spec.name
    return probes.probe(task, spec, *arguments, **options)


if __name__ == "__main__":
    datasets.get_dataset = lambda *_: DATASET
    run_process(Worker(fit, probe))
