"""The door to predictions: pages ask predict(), which runs in a process of its own.

A crash, an endless computation or a full memory there costs one answer, never the app.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from backend.errors import InferenceError, UsageError
from backend.settings import INFERENCE_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from backend.jobs.inference_process import InferenceProcess

MOST_INPUTS = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """Predictions in the order of the inputs; seconds is the computing time, loading not counted.

    step is the training step of the checkpoint that answered; notes are sentences for the user,
    for example that a damaged checkpoint was passed over.
    """

    predictions: list[dict[str, Any]]
    seconds: float
    load_seconds: float
    device: str
    step: int
    notes: list[str]


def predict(run_id: int, inputs: Sequence[str | bytes], *, checkpoint: str = "best") -> Answer:
    """Answer texts (str) or pictures (bytes of a file) with a run's model, in the child process.

    Raises a TrainroomError whose message says what to do.
    """
    _check(inputs)
    with _guard:
        reply = _process().ask(
            {"run": run_id, "checkpoint": checkpoint}, inputs, INFERENCE_TIMEOUT_SECONDS.value()
        )
    if "error" in reply:
        raise InferenceError(reply["error"])
    return Answer(**reply)


def predict_here(run_id: int, inputs: Sequence[str | bytes], *, checkpoint: str = "best") -> Answer:
    """The same in the calling process, which then imports torch; for the command line."""
    from backend.inference.predictor import answer

    _check(inputs)
    return answer(run_id, inputs, checkpoint)


def warm() -> None:
    """Start the child ahead of the first question; returns at once."""
    _process().start()


def release() -> None:
    """End the child and free its memory."""
    _process().stop()


# One question at a time: the child has one model in memory and one pair of pipes.
_guard = threading.Lock()


@cache
def _process() -> "InferenceProcess":
    from backend.jobs.inference_process import InferenceProcess

    return InferenceProcess()


def _check(inputs: Sequence[str | bytes]) -> None:
    if not inputs:
        raise UsageError("There is nothing to predict: give a text or a picture.")
    if len(inputs) > MOST_INPUTS:
        raise UsageError(f"At most {MOST_INPUTS} inputs at a time; these are {len(inputs)}.")
    for value in inputs:
        if isinstance(value, str) and not value.strip():
            raise UsageError("The text is empty. Type a sentence first.")
