"""The data set under examination: its arrays, and what several checks look at, made once."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.near_pictures import find_near_pictures
from backend.datasets.doctor.near_texts import Groups, find_near_texts
from backend.datasets.doctor.pictures import Pictures
from backend.datasets.doctor.texts import Texts
from backend.datasets.formats import get_format
from backend.datasets.sameness import digest
from backend.datasets.splits import TEST, TRAIN, VALIDATION
from backend.datasets.store import Store
from storage.records import Dataset

PARTS = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}
Tick = Callable[[float], None]


class Subject:
    """A version of a data set. All arrays are those of the examples that it has, [m].

    `present` has their numbers in the store: what a check reports are numbers, never places.
    """

    def __init__(self, dataset: Dataset, store: Store | None = None) -> None:
        self.dataset = dataset
        self.store = Store.open(dataset) if store is None else store
        self.format = get_format(dataset.format)
        self.unit = self.format.unit
        self.classes = dataset.classes
        self.present: NDArray[np.int64] = self.store.present()
        self.labels: NDArray[np.int64] = self.store.labels[self.present]
        self.splits: NDArray[np.uint8] = self.store.splits[self.present]
        self.tick: Tick = lambda share: None

    def __len__(self) -> int:
        return len(self.present)

    @property
    def has_classes(self) -> bool:
        """Whether each example has one class."""
        return self.store.target == "class" and len(self.classes) > 0

    def part(self, split: int) -> NDArray[np.int64]:
        """The places of the examples in a part."""
        return np.flatnonzero(self.splits == split)

    def sample(self, most: int, seed: int = 0) -> NDArray[np.int64]:
        """Places of up to so many examples, the same ones each time, rising."""
        if len(self) <= most:
            return np.arange(len(self))
        rng = np.random.default_rng(seed)
        return np.sort(rng.choice(len(self), most, replace=False))

    @cached_property
    def texts(self) -> Texts:
        """The texts; of pairs what goes in."""
        items, starts = self.store.raw()
        return Texts(self._bytes(items, starts, self.store.item_edits.get))

    @cached_property
    def targets(self) -> Texts:
        """Of pairs: what should come out."""
        items, starts = self.store.raw_targets()
        return Texts(self._bytes(items, starts, self.store.target_edits.get))

    @cached_property
    def pictures(self) -> Pictures:
        """What was measured on each picture."""
        return Pictures.measure(self.store, self.present, self.tick)

    @cached_property
    def groups(self) -> Groups:
        """Which examples are copies of each other, as places."""
        if self.store.kind == "text":
            return find_near_texts(self.texts)
        if self.store.kind == "image":
            return find_near_pictures(self.store, self.present, self.pictures)
        return self._equal_items()

    def _bytes(
        self,
        items: object,
        starts: NDArray[np.int64],
        edit: Callable[[int], bytes | None],
    ) -> list[bytes]:
        data = memoryview(items)  # type: ignore[arg-type]
        begin, end = starts[self.present].tolist(), starts[self.present + 1].tolist()
        found = [bytes(data[low:high]) for low, high in zip(begin, end, strict=True)]
        data.release()
        edited = np.union1d(self.store.item_edits.indices, self.store.target_edits.indices)
        for place in np.flatnonzero(np.isin(self.present, edited)).tolist():
            change = edit(int(self.present[place]))
            found[place] = found[place] if change is None else change
        return found

    def _equal_items(self) -> Groups:
        """Recordings that sound the same; of ratings, who rated what more than once."""
        if self.store.kind == "rating":
            rows = self.store.ratings()[self.present]
            keys = rows["user"].astype(np.int64) << 32 | rows["item"].astype(np.int64)
        else:
            keys = np.array([self._sound_key(int(index)) for index in self.present], np.uint64)
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        return Groups(first[group], first[group])

    def _sound_key(self, index: int) -> int:
        """Equal for recordings that differ in the silence around them only."""
        sound = self.store.sound(index)
        loud = np.flatnonzero(sound)
        if not len(loud):
            return digest(f"silence {len(sound)}")
        return digest(sound[loud[0] : loud[-1] + 1].tobytes())
