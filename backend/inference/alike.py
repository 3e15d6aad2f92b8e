"""What a model makes of the examples it learned from, looked at bit by bit and kept meanwhile.

Runs where the models are loaded. Each question goes on where the one before it stopped, so that
none takes long.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend import datasets
from backend.datasets.preview import read_example
from backend.datasets.store import Store
from backend.inference.predictor import Predictor
from backend.models.explaining import affordable
from storage import runs
from storage.records import Dataset

BATCH = 16
MOST_KEPT = 2


@dataclass
class Searched:
    """The examples outside the test that were looked at so far, and what the model makes of each.

    order: their numbers, the training part before the validation part, each mixed: the first ones
    stand for all classes. training: how many belong to the training part.
    """

    predictor: Predictor
    dataset: Dataset
    store: Store
    order: NDArray[np.int64]
    training: int
    _vectors: list[Tensor] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(len(part) for part in self._vectors)

    @property
    def vectors(self) -> Tensor:
        """Of the examples looked at so far, in that order, [count, width]."""
        return torch.cat(self._vectors)

    def value(self, number: int) -> Any:
        """An example as the model is asked with it."""
        return read_example(self.dataset, self.store, number).value

    def go_on(self, upto: int, seconds: float, cost: float) -> None:
        """Look at more of the first `upto` examples until the time is up; at least at some.

        cost: the seconds that one example takes.
        """
        begun = time.monotonic()
        size = affordable(cost, 1, BATCH, seconds)
        while (count := self.count) < upto:
            numbers = self.order[count : min(count + size, upto)].tolist()
            found = vectors(self.predictor, [self.value(one) for one in numbers])
            assert found is not None
            self._vectors.append(found)
            if time.monotonic() - begun > seconds:
                return


_searched: "OrderedDict[int, Searched]" = OrderedDict()


def searched(run_id: int, predictor: Predictor) -> Searched:
    """What was looked at for this model before; begun anew where the model is another one.

    Raises NotFoundError or DataError where the data set is gone or cannot be read.
    """
    known = _searched.get(run_id)
    if known is None or known.predictor is not predictor:
        run = runs.get_run(run_id)
        assert run is not None
        dataset = datasets.get_dataset(run.dataset_id, run.dataset_version)
        store = Store.open(dataset)
        mixed = np.random.default_rng(0).permutation
        parts = [mixed(store.indices(name)) for name in ("train", "validation")]
        order = np.concatenate(parts)
        known = _searched[run_id] = Searched(predictor, dataset, store, order, len(parts[0]))
    _searched.move_to_end(run_id)
    while len(_searched) > MOST_KEPT:
        _searched.popitem(last=False)
    return known


def vectors(predictor: Predictor, values: list[Any]) -> Tensor | None:
    """What the model makes of inputs, [n, width] on the processor; None where it cannot tell."""
    with torch.inference_mode():
        batch = predictor.processor(values, predictor.device)
        found = predictor.task.features(predictor.model, batch)
        return None if found is None else found.float().cpu()
