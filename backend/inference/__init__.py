"""The door to predictions: pages ask predict(), which runs in a process of its own.

A crash, an endless computation or a full memory there costs one answer, never the app.
"""

import base64
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from backend.errors import InferenceError, UsageError
from backend.settings import INFERENCE_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from backend.jobs.inference_process import InferenceProcess
    from backend.tasks.base import Value

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


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model answered so: parts as backend/models/explaining.py lists them, JSON each.

    step is the training step of the checkpoint that was asked.
    """

    parts: list[dict[str, Any]]
    seconds: float
    step: int


def predict(
    run_id: int,
    inputs: "Sequence[Value]",
    *,
    checkpoint: str = "best",
    options: Mapping[str, Any] | None = None,
) -> Answer:
    """Answer inputs (see Task.input_kind) with a run's model, in the child process.

    options: of the task's own (Task.options). Raises a TrainroomError that says what to do.
    """
    with closing(_ask(run_id, inputs, checkpoint, options, stream=False)) as answers:
        return next(answers)


def predict_stream(
    run_id: int,
    value: "Value",
    *,
    checkpoint: str = "best",
    options: Mapping[str, Any] | None = None,
) -> Iterator[Answer]:
    """The answer to one input as it grows, each time all of it so far; the last is complete.

    Other questions wait until it is complete or the iterator is closed.
    """
    yield from _ask(run_id, [value], checkpoint, options, stream=True)


def explain_answer(
    run_id: int, value: "Value", *, checkpoint: str = "best", about: str | None = None
) -> Explanation:
    """Why a run's model answers as it does, in the child process; a question of its own.

    about: another class than the answer, or another box by its place. Raises a TrainroomError.
    """
    _check([value])
    question = {"explain": True, "run": run_id, "checkpoint": checkpoint, "about": about}
    with _guard:
        for reply in _process().ask(question, [value], INFERENCE_TIMEOUT_SECONDS.value()):
            if "error" in reply:
                raise InferenceError(reply["error"])
            return Explanation(**reply)
    raise InferenceError("The model gave no explanation. Try again.")


def _ask(
    run_id: int,
    inputs: "Sequence[Value]",
    checkpoint: str,
    options: Mapping[str, Any] | None,
    *,
    stream: bool,
) -> Generator[Answer, None, None]:
    _check(inputs)
    question = {
        "run": run_id, "checkpoint": checkpoint, "options": dict(options or {}), "stream": stream,
    }  # fmt: skip
    with _guard:
        for reply in _process().ask(question, inputs, INFERENCE_TIMEOUT_SECONDS.value()):
            if "error" in reply:
                raise InferenceError(reply["error"])
            yield Answer(**reply)


def teach(run_id: int, picture: bytes, truth: str, rate: float) -> dict[str, Any]:
    """The numbers of backend.inference.teaching.teach, computed in the child process."""
    _check([picture])
    question = {"run": run_id, "lesson": {"truth": truth, "rate": rate}}
    with _guard:
        for reply in _process().ask(question, [picture], INFERENCE_TIMEOUT_SECONDS.value()):
            if "error" in reply:
                raise InferenceError(reply["error"])
            return dict(reply["lesson"])
    raise InferenceError("The model gave no answer. Try again.")


def judge_labels(run_id: int) -> Iterator[tuple[int, int]]:
    """Have the labels that a run's model learned from judged: how many of how many are done.

    A short question each, so that others are answered in between, and nothing is lost where the
    listener leaves: backend.corrections.training_labels has the result once both are equal.
    """
    done, total = 0, 1
    while done < total:
        with _guard:
            question = {"run": run_id, "labels": True}
            (reply,) = _process().ask(question, [], INFERENCE_TIMEOUT_SECONDS.value())
        if "error" in reply:
            raise InferenceError(reply["error"])
        done, total = reply["done"], reply["of"]
        yield done, total


def judge_labels_here(run_id: int) -> None:
    """The same in the calling process, to the end; for the command line."""
    from backend.inference.judging import judge

    done, total = 0, 1
    while done < total:
        done, total = judge(run_id)


def predict_here(
    run_id: int,
    inputs: "Sequence[Value]",
    *,
    checkpoint: str = "best",
    options: Mapping[str, Any] | None = None,
) -> Answer:
    """The same in the calling process, which then imports torch; for the command line."""
    from backend.inference.predictor import answer

    _check(inputs)
    return answer(run_id, inputs, checkpoint, options or {})


def explain_here(
    run_id: int, value: "Value", *, checkpoint: str = "best", about: str | None = None
) -> Explanation:
    """The same as explain_answer in the calling process; for the command line."""
    from backend.inference.explanations import explain

    _check([value])
    return explain(run_id, value, checkpoint, about)


def augmented(
    task: str, dataset: str, version: int, model: str, config: Mapping[str, Any]
) -> list[bytes]:
    """What a plan's augmentation does to training pictures (Task.augmented), in the child."""
    plan = {
        "task": task, "dataset": dataset, "version": version, "model": model,
        "config": dict(config),
    }  # fmt: skip
    with _guard:
        (reply,) = _process().ask({"augmented": plan}, [], INFERENCE_TIMEOUT_SECONDS.value())
    if "error" in reply:
        raise InferenceError(reply["error"])
    return [base64.b64decode(strip) for strip in reply["strips"]]


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


def _check(inputs: "Sequence[Value]") -> None:
    if not inputs:
        raise UsageError("There is nothing to predict: give the model something to answer.")
    if len(inputs) > MOST_INPUTS:
        raise UsageError(f"At most {MOST_INPUTS} inputs at a time; these are {len(inputs)}.")
    for value in inputs:
        if isinstance(value, str) and not value.strip():
            raise UsageError("The text is empty. Type a sentence first.")
