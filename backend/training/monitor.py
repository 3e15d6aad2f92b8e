"""What the loop tells whoever watches it; the worker's recorder and the tests implement it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from backend.scores.results import TestResults


class Monitor(Protocol):
    """Called from the hot loop: every method must return at once."""

    def begin(self, total_steps: int, start_step: int) -> None:
        """The length of the run is known; it goes on from start_step."""

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        """Values of one step, by metric name."""

    def event(self, kind: str, message: str) -> None:
        """A sentence for the run's history."""

    def snapshot(self, step: int, epoch: float, content: Mapping[str, Any]) -> None:
        """What the task shows of an evaluation: JSON whose "kind" says what it is."""

    def pinned(self) -> Sequence[tuple[int, Any]]:
        """The examples that the user wants answered at each evaluation: number and content."""
        ...

    def tested(self, results: TestResults) -> None:
        """What the test gave, example by example, shortly before the end."""

    def before_save(self) -> None:
        """A checkpoint is about to become visible; raises where it must not."""

    def saved(self, step: int, is_best: bool) -> None:
        """A checkpoint is safe on disk."""

    def should_stop(self) -> bool:
        """Whether the user asked to stop."""
        ...
