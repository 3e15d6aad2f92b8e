"""Ways to spoil a training on purpose: data that teach nothing, tasks that hinder the model."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.tasks.base import Task

if TYPE_CHECKING:
    from storage.records import Dataset

Chosen = list[tuple[int, int, int]]
"""Of each example of a copy: its number in the original, its class, its split."""


def copied(known: "Dataset", name: str, chosen: Chosen) -> "Dataset":
    """A data set of some examples of another, with labels of our choice."""
    from backend.datasets.catalog import publish

    store = Store.open(known)
    with StoreWriter(known.format) as writer:
        for index, number, split in chosen:
            label = known.classes[number]
            if store.kind == "image":
                writer.add_image(store.image(index), label, split)
            else:
                writer.add_text(store.text(index), label, split)
        return publish(writer, name=name, task=known.task, source="", licence="")


def _all(known: "Dataset") -> Chosen:
    store = Store.open(known)
    return [
        (int(index), int(store.labels[index]), number)
        for number, split in enumerate(("train", "validation", "test"))
        for index in store.indices(split)
    ]


def shuffled_labels(known: "Dataset") -> "Dataset":
    """The labels belong to other examples: there is nothing to learn."""
    rows = _all(known)
    labels = np.random.default_rng(0).permutation([label for _, label, _ in rows]).tolist()
    mixed = [(index, label, split) for (index, _, split), label in zip(rows, labels, strict=True)]
    return copied(known, f"{known.name} with shuffled labels", mixed)


def few(known: "Dataset", per_class: int = 4) -> "Dataset":
    """So few training examples that they are learnt by heart."""
    seen: dict[int, int] = {}
    kept = []
    for index, label, split in _all(known):
        if split == 0:
            seen[label] = seen.get(label, 0) + 1
            if seen[label] > per_class:
                continue
        kept.append((index, label, split))
    return copied(known, f"{known.name}, {per_class} of each", kept)


def uneven(known: "Dataset", rare: int = 2) -> "Dataset":
    """One class has nearly all examples, in every split."""
    seen: dict[tuple[int, int], int] = {}
    kept = []
    for index, label, split in _all(known):
        key = (label, split)
        seen[key] = seen.get(key, 0) + 1
        if label == 0 or seen[key] <= (rare if split == 0 else 1):
            kept.append((index, label, split))
    return copied(known, f"{known.name}, uneven", kept)


def changed(task: Task, **methods: Callable[..., Any]) -> Task:
    """The same task with some methods of ours."""
    kind = type(task)
    return type(f"Broken{kind.__name__}", (kind,), methods)()


def frozen(task: Task) -> Task:
    """No gradient reaches the model."""

    def compute(self: Any, model: Any, batch: Any, *, train: bool) -> Any:
        result = dict(type(task).compute(self, model, batch, train=train))
        if train:
            still = sum(0.0 * weight.sum() for weight in model.parameters())
            result["loss"] = result["loss"].detach() + still
        return result

    return changed(task, compute=compute)


def slow_data(task: Task, seconds: float = 0.05) -> Task:
    """Each training batch takes long to come."""

    def load_split(self: Any, dataset: Any, processor: Any, config: Any, split: str) -> Any:
        found = type(task).load_split(self, dataset, processor, config, split)
        if split == "train":
            quick = found.batch

            def batch(*arguments: Any) -> Any:
                time.sleep(seconds)
                return quick(*arguments)

            found.batch = batch
        return found

    return changed(task, load_split=load_split)


def damaged_pictures(task: Task) -> Task:
    """Some training pictures are no numbers."""

    def load_split(self: Any, dataset: Any, processor: Any, config: Any, split: str) -> Any:
        found = type(task).load_split(self, dataset, processor, config, split)
        if split == "train":
            found.images[::50] = float("nan")
        return found

    return changed(task, load_split=load_split)
