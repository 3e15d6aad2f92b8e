"""How long, how large, how many: the figures that a data set's page draws, from arrays alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.datasets.store import SAMPLE_RATE, Store
from storage.records import Dataset

BINS = 30
REACH = 0.98
"""Share of the examples that a chart shows in full; the few far ones are summed up at its end."""
FEW_VALUES = 12


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure spreads: counts int64 [b] between edges [b + 1]; all beyond is in the last.

    title: what is measured. unit: of the edges. middle, least, most: of the values themselves.
    """

    title: str
    unit: str
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    middle: float
    least: float
    most: float


def measure(dataset: Dataset) -> list[Spread]:
    """What there is to measure on a version: lengths, sizes, durations or ratings."""
    store = Store.open(dataset)
    present = store.present()
    if not len(present):
        return []
    if store.kind == "rating":
        return [spread("Ratings", "", store.ratings()["value"][present].astype(np.float64))]
    if store.kind == "audio":
        seconds = np.diff(store.raw()[1])[present] / 2 / SAMPLE_RATE
        return [spread("Duration", "seconds", seconds)]
    if store.kind == "image":
        sides = store.shapes()[present, :2].astype(np.float64)
        return [spread("Width", "pixels", sides[:, 1]), spread("Height", "pixels", sides[:, 0])]
    if store.target != "text":
        return [spread("Length of the texts", "characters", _characters(store, present))]
    return [
        spread("Length of what goes in", "characters", _characters(store, present)),
        spread("Length of what should come out", "characters", _target_characters(store, present)),
    ]


def spread(title: str, unit: str, values: NDArray[np.float64]) -> Spread:
    """Values as a histogram; one bar per value where there are few."""
    low, high = float(values.min()), float(values.max())
    unique = np.unique(values)
    if len(unique) <= FEW_VALUES:
        gap = float(np.diff(unique).min()) if len(unique) > 1 else 1.0
        counts = np.array([(values == one).sum() for one in unique], np.int64)
        edges = np.concatenate([unique - gap / 2, [unique[-1] + gap / 2]])
    else:
        reach = float(np.quantile(values, REACH))
        reach = high if high < 1.5 * reach else reach
        edges = np.linspace(low, max(reach, low + 1e-9), BINS + 1)
        if (unique == unique.round()).all() and edges[-1] - low >= BINS:
            edges = np.unique(edges.round())
        counts, _ = np.histogram(values.clip(max=edges[-1]), edges)
    return Spread(title, unit, edges, counts, float(np.median(values)), low, high)


def _characters(store: Store, present: NDArray[np.int64]) -> NDArray[np.float64]:
    items, starts = store.raw()
    lengths = _count(items, starts)
    for index, text in store.item_edits.items():
        lengths[index] = len(text.decode("utf-8"))
    return lengths[present]


def _target_characters(store: Store, present: NDArray[np.int64]) -> NDArray[np.float64]:
    items, starts = store.raw_targets()
    lengths = _count(items, starts)
    for index, text in store.target_edits.items():
        lengths[index] = len(text.decode("utf-8"))
    return lengths[present]


def _count(items: object, starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Characters of each of the UTF-8 texts that lie one after the other: bytes that begin one."""
    signs = np.frombuffer(items, np.uint8)  # type: ignore[call-overload]
    filled = np.flatnonzero(np.diff(starts) > 0)
    lengths = np.zeros(len(starts) - 1)
    if len(filled):
        begins = (signs & 0xC0) != 0x80
        lengths[filled] = np.add.reduceat(begins, starts[filled], dtype=np.int64)
    return lengths
