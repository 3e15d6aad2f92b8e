"""The real worker on real tasks and data, whose training meets with what its argument says.

small-card: more than 32 examples at a time do not fit. broken: from the 60th step on the loss is no
number. mapped: pictures are read from their file batch by batch, as large data sets are.
"""

import sys
from typing import Any

import torch

from backend.jobs.worker import Worker, run_process
from backend.models import image_processing
from backend.tasks import get_task
from tests.backend.training.toy import clock

FITS = 32
BREAKS_AT = 60
MARK = "broken at"


def small_card(batch: Any, result: Any) -> Any:
    if len(batch["labels"]) > FITS:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GB")
    return result


class Broken:
    """Counts the steps; from one on, each leaves its moment in the log."""

    steps = 0

    def __call__(self, batch: Any, result: Any) -> Any:
        self.steps += 1
        if self.steps < BREAKS_AT:
            return result
        print(MARK, clock())
        return {**result, "loss": result["loss"] * torch.nan}


def let_happen(what: Any) -> None:
    """Have it act on each batch of a training."""
    task = get_task("image-classification")
    compute = task.compute

    def unlucky(model: Any, batch: Any, *, train: bool) -> Any:
        result = compute(model, batch, train=train)
        return what(batch, result) if train else result

    task.compute = unlucky  # type: ignore[method-assign]


if __name__ == "__main__":
    if "small-card" in sys.argv:
        let_happen(small_card)
    if "broken" in sys.argv:
        let_happen(Broken())
    if "mapped" in sys.argv:
        image_processing.MOST_BYTES = 0
    run_process(Worker())
