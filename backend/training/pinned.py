"""Answers the user's own examples at an evaluation; called by the loop."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from backend.errors import explain
from backend.tasks.base import Processor, Task

KIND = "pinned"
"""The kind of snapshot that holds the answers."""
# Seconds for all of them at one evaluation: a slow model's training goes on after that.
PATIENCE = 20.0
MOST_CLASSES, MOST_ROWS, LONGEST_TEXT = 20, 50, 2000
KEPT = ("label", "probabilities", "boxes", "text", "continues", "neighbours", "items", "match",
        "score", "hints")  # fmt: skip
"""What of an answer is worth keeping; pictures of what the model saw are not."""


def answer_pinned(
    task: Task,
    model: nn.Module,
    processor: Processor,
    device: torch.device,
    pinned: Sequence[tuple[int, Any]],
    should_stop: Callable[[], bool],
) -> dict[str, Any] | None:
    """The model's present answers as a snapshot: {"kind", "answers": [{"pin", "answer"}]}.

    pinned: the number and the content of each. An example that cannot be answered gets a sentence
    instead, {"error"}: nothing of it ends a training. None without examples.
    """
    answers = []
    begun = time.monotonic()
    for number, value in pinned:
        if should_stop() or time.monotonic() - begun > PATIENCE:
            break
        try:
            (found,) = task.predict(model, processor, [value], device, task.options())
            answers.append({"pin": number, "answer": lasting(found)})
        except Exception as error:
            answers.append({"pin": number, "answer": {"error": explain(error)[1]}})
    return {"kind": KIND, "answers": answers} if answers else None


def lasting(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What of an answer is kept with each evaluation: small, and enough to show it again."""
    kept = {name: answer[name] for name in KEPT if name in answer}
    if "probabilities" in kept:  # likeliest first
        kept["probabilities"] = dict([*kept["probabilities"].items()][:MOST_CLASSES])
    for name in ("boxes", "neighbours", "items"):
        if name in kept:
            kept[name] = kept[name][:MOST_ROWS]
    if "text" in kept:
        kept["text"] = str(kept["text"])[:LONGEST_TEXT]
    return kept
