"""What every reader is: told what it was given, it says what it understood, and reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.datasets.readers.placing import Level
from backend.datasets.readers.tables import Facts
from backend.datasets.skips import Skips

Progress = Callable[[str, float], None]
Box = tuple[str, float, float, float, float]
"""A class and the corners x1, y1, x2, y2 in pixels."""


class Sink(Protocol):
    """Where examples go: into a data set (StoreWriter), or into a preview of it."""

    def add_text(self, text: str, label: str = "", split: int = ...) -> None: ...
    def add_pair(self, source: str, target: str, split: int = ...) -> None: ...
    def add_image(self, image: NDArray[np.uint8], label: str, split: int = ...) -> None: ...
    def add_boxes(
        self, image: NDArray[np.uint8], boxes: Sequence[Box], split: int = ...
    ) -> None: ...
    def add_sound(self, sound: NDArray[np.int16], label: str, split: int = ...) -> None: ...
    def add_rating(self, user: str, item: str, value: float, split: int = ...) -> None: ...

    @property
    def class_count(self) -> int: ...
    @property
    def class_names(self) -> list[str]: ...
    def __len__(self) -> int: ...


@dataclass(slots=True)
class Understood:
    """What a reader found before it reads everything; whatever does not apply stays empty.

    count: examples, None where only reading all of them tells. classes, splits: name -> examples,
    as far as known. split_by: what names the splits, as words in a sentence.
    """

    form: str
    sentence: str
    count: int | None = None
    classes: dict[str, int] = field(default_factory=dict)
    splits: dict[int, int] = field(default_factory=dict)
    split_by: str = ""
    facts: Facts | None = None
    columns: list[str] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    first_rows: list[list[str]] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    level: int | None = None
    cut: str = ""
    notes: list[str] = field(default_factory=list)


class Reading(Protocol):
    """Files of which it was recognised how they are meant."""

    def understood(self) -> Understood: ...

    def read(
        self, sink: Sink, skips: Skips, progress: Progress | None = None, limit: int | None = None
    ) -> float:
        """Put the examples into the sink, at most about `limit` of them.

        Returns the share of everything that was read, 0 to 1. Raises DataError where it cannot go
        on, or where nothing came out that could be learned from.
        """
        ...

    def details(self) -> dict[str, Any]:
        """What to keep with the data set about how it was read."""
        ...
