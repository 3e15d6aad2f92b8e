"""What the loop tells whoever watches it; the worker's recorder and the tests implement it."""

from collections.abc import Mapping
from typing import Protocol


class Monitor(Protocol):
    """Called from the hot loop: every method must return at once."""

    def begin(self, total_steps: int, start_step: int) -> None:
        """The length of the run is known; it goes on from start_step."""

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        """Values of one step, by metric name."""

    def event(self, kind: str, message: str) -> None:
        """A sentence for the run's history."""

    def before_save(self) -> None:
        """A checkpoint is about to become visible; raises where it must not."""

    def saved(self, step: int, is_best: bool) -> None:
        """A checkpoint is safe on disk."""

    def should_stop(self) -> bool:
        """Whether the user asked to stop."""
        ...
