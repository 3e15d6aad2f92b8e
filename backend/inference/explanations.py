"""Why a model answered as it did: the task's own parts, and training examples that are alike.

Runs where the models are loaded: in the inference process, or in the command line's own.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend import datasets
from backend.datasets.preview import read_example
from backend.datasets.store import Store
from backend.errors import TrainroomError, UsageError
from backend.inference import Explanation
from backend.inference.predictor import Predictor, ready_predictor
from backend.models.explaining import affordable, measure
from backend.tasks.base import Value
from storage import runs
from storage.records import Dataset

NEAREST = 6
"""So many training examples are shown."""
MOST_SEARCHED = 5000
SEARCH_SECONDS = 0.6
"""So long a question may take to look at further examples; the next question goes on from there."""
BATCH = 16
MOST_KEPT = 2
DIGITS = 4


@dataclass
class Searched:
    """The training examples that were looked at so far, and what the model makes of each."""

    dataset: Dataset
    store: Store
    order: list[int]
    vectors: list[Tensor] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(len(part) for part in self.vectors)


_searched: "OrderedDict[int, tuple[Predictor, Searched]]" = OrderedDict()


def explain(run_id: int, value: Value, which: str, about: str | None = None) -> Explanation:
    """The parts of an explanation (backend/models/explaining.py), and how long they took.

    Raises UsageError where the model's task explains nothing.
    """
    predictor = ready_predictor(run_id, [value], which)
    task = predictor.task
    if not task.explains:
        raise UsageError(f"{task.title} cannot say why it answers as it does.")
    begun = time.perf_counter()
    parts = list(task.explain(predictor.model, predictor.processor, value, predictor.device, about))
    parts += _nearest(run_id, predictor, value)
    return Explanation(parts, time.perf_counter() - begun, predictor.checkpoint.step)


def _nearest(run_id: int, predictor: Predictor, value: Value) -> list[dict[str, Any]]:
    """The training examples that the model finds most alike; nothing where it cannot tell."""
    try:
        searched = _known(run_id, predictor)
    except TrainroomError:  # the data set is gone
        return []
    with torch.inference_mode():
        asked, seconds = measure(lambda: _vectors(predictor, [value]))
        if asked is None or not searched.order:
            return []
        _search_on(predictor, searched, affordable(seconds, 1, BATCH, SEARCH_SECONDS))
    alike = F.cosine_similarity(torch.cat(searched.vectors), asked)
    best = alike.argsort(descending=True, stable=True)[:NEAREST].tolist()
    labels, classes = searched.store.labels, searched.dataset.classes
    by_class = searched.store.target == "class"
    examples = [
        {
            "example": searched.order[place],
            "similarity": round(float(alike[place]), DIGITS),
            "label": classes[labels[searched.order[place]]] if by_class else None,
        }
        for place in best
    ]
    return [
        {"kind": "nearest", "examples": examples, "searched": searched.count,
         "of": len(searched.store.indices("train"))}
    ]  # fmt: skip


def _known(run_id: int, predictor: Predictor) -> Searched:
    """What was searched for this model before; begun anew where the model is another one."""
    known = _searched.get(run_id)
    if known is None or known[0] is not predictor:
        run = runs.get_run(run_id)
        assert run is not None
        dataset = datasets.get_dataset(run.dataset_id, run.dataset_version)
        store = Store.open(dataset)
        # In an order that mixes the classes: the first ones looked at stand for all of them.
        order = np.random.default_rng(0).permutation(store.indices("train"))[:MOST_SEARCHED]
        known = _searched[run_id] = (predictor, Searched(dataset, store, order.tolist()))
    _searched.move_to_end(run_id)
    while len(_searched) > MOST_KEPT:
        _searched.popitem(last=False)
    return known[1]


def _search_on(predictor: Predictor, searched: Searched, size: int) -> None:
    """Look at more examples, `size` at a time, until the time is up; at least at some."""
    begun = time.monotonic()
    while searched.count < len(searched.order):
        numbers = searched.order[searched.count : searched.count + size]
        values = [read_example(searched.dataset, searched.store, one).value for one in numbers]
        found = _vectors(predictor, values)
        assert found is not None
        searched.vectors.append(found)
        if time.monotonic() - begun > SEARCH_SECONDS:
            return


def _vectors(predictor: Predictor, values: list[Any]) -> Tensor | None:
    """What the model makes of inputs, [n, width] on the processor."""
    batch = predictor.processor(values, predictor.device)
    found = predictor.task.features(predictor.model, batch)
    return None if found is None else found.float().cpu()
