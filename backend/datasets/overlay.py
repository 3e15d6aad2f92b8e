"""What a version of a data set has in place of stored items or targets; used by store, versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Overlay:
    """The changed ones only: their numbers int64 [k], rising; where each begins, [k + 1]; bytes."""

    indices: NDArray[np.int64]
    offsets: NDArray[np.int64]
    data: bytes

    @classmethod
    def empty(cls) -> Self:
        return cls(np.empty(0, np.int64), np.zeros(1, np.int64), b"")

    @classmethod
    def of(cls, changes: Mapping[int, bytes]) -> Self:
        """From number -> what stands there now."""
        ordered = sorted(changes)
        sizes = np.array([len(changes[index]) for index in ordered], np.int64)
        offsets = np.zeros(len(ordered) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        return cls(
            np.array(ordered, np.int64), offsets, b"".join(changes[index] for index in ordered)
        )

    @classmethod
    def load(cls, file: Mapping[str, NDArray[Any]], name: str) -> Self:
        """What arrays() gave, empty where that was nothing; raises ValueError where damaged."""
        if f"{name}_indices" not in file:
            return cls.empty()
        found = cls(
            file[f"{name}_indices"].astype(np.int64),
            file[f"{name}_offsets"].astype(np.int64),
            file[f"{name}_data"].astype(np.uint8).tobytes(),
        )
        if len(found.offsets) != len(found) + 1 or found.offsets[-1] != len(found.data):
            raise ValueError(f"the edits of {name} do not fit together")
        return found

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Itself as arrays to be saved under names; none where it is empty."""
        if not len(self):
            return {}
        return {
            f"{name}_indices": self.indices,
            f"{name}_offsets": self.offsets,
            f"{name}_data": np.frombuffer(self.data, np.uint8),
        }

    def __len__(self) -> int:
        return len(self.indices)

    def get(self, index: int) -> bytes | None:
        """What stands in place of an item, or None where the stored one holds."""
        place = int(self.indices.searchsorted(index))
        if place == len(self.indices) or self.indices[place] != index:
            return None
        return self.data[self.offsets[place] : self.offsets[place + 1]]

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Every changed number with what stands there now."""
        for place, index in enumerate(self.indices.tolist()):
            yield index, self.data[self.offsets[place] : self.offsets[place + 1]]

    def changed(self, changes: Mapping[int, bytes | None]) -> "Overlay":
        """With further changes; None puts the stored one back."""
        merged: dict[int, bytes | None] = {**dict(self.items()), **changes}
        return Overlay.of({index: data for index, data in merged.items() if data is not None})
