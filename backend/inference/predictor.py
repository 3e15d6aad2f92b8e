"""Loads a run's checkpoint once and answers with it; runs in the inference process or the CLI."""

import base64
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from backend.datasets import get_dataset
from backend.errors import DownloadError, NotFoundError, UsageError
from backend.inference import Answer
from backend.models.weights import without_downloads
from backend.tasks import Task, get_task
from backend.tasks.base import INPUT_TYPES, Processor, Value
from backend.training import checkpoints, devices
from backend.training.config import config_from
from storage import files, runs
from storage.records import ACTIVE, Run

# Models kept in memory: going back and forth between two runs stays instant.
MOST_LOADED = 2
BATCH = 64
SHOWN_PICTURES, SHOWN_VIEWS = 2, 6
"""Training pictures, and how often each is shown as augmentation changes it."""

_loaded: "OrderedDict[tuple[Any, ...], Predictor]" = OrderedDict()


@dataclass
class Predictor:
    """One model in memory with the preprocessing that it was trained with."""

    task: Task
    model: nn.Module
    processor: Processor
    device: torch.device
    checkpoint: checkpoints.Checkpoint

    def predict(
        self, inputs: Sequence[Value], options: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """One answer per input, in order."""
        chosen = config_from(self.task.options, options or {})
        answers: list[dict[str, Any]] = []
        with torch.inference_mode():
            for start in range(0, len(inputs), BATCH):
                part = inputs[start : start + BATCH]
                answers += self.task.predict(self.model, self.processor, part, self.device, chosen)
        return answers

    def stream(self, value: Value, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answer to one input as it grows."""
        chosen = config_from(self.task.options, options)
        with torch.inference_mode():
            yield from self.task.stream(self.model, self.processor, value, self.device, chosen)


def answer(run_id: int, inputs: Sequence[Value], which: str, options: Mapping[str, Any]) -> Answer:
    """Load the run's model if it is not loaded, and predict."""
    start = time.perf_counter()
    predictor = ready_predictor(run_id, inputs, which)
    loaded = time.perf_counter()
    predictions = predictor.predict(inputs, options)
    return _answer(predictor, predictions, start, loaded)


def answer_stream(
    run_id: int, value: Value, which: str, options: Mapping[str, Any]
) -> Iterator[Answer]:
    """The same for one input, again and again while the answer grows."""
    start = time.perf_counter()
    predictor = ready_predictor(run_id, [value], which)
    loaded = time.perf_counter()
    for prediction in predictor.stream(value, options):
        yield _answer(predictor, [prediction], start, loaded)


def augmented(
    task: str, dataset: str, version: int, model: str, config: Mapping[str, Any]
) -> list[str]:
    """What a plan's augmentation does to training pictures, as PNG files in base64."""
    known = get_task(task)
    try:
        with without_downloads():
            strips = known.augmented(
                get_dataset(dataset, version), known.get_model(model),
                config_from(known.config, config), count=SHOWN_PICTURES, views=SHOWN_VIEWS,
            )  # fmt: skip
    except DownloadError as error:
        raise UsageError("That needs the model, which the run downloads at its start.") from error
    return [base64.b64encode(strip).decode() for strip in strips]


def ready_predictor(run_id: int, inputs: Sequence[Value], which: str) -> Predictor:
    """The predictor, if it takes inputs of this kind; raises UsageError."""
    predictor = load_predictor(run_id, which)
    wanted, words = INPUT_TYPES[predictor.task.input_kind]
    if not all(isinstance(value, wanted) for value in inputs):
        raise UsageError(f"This model was trained for {predictor.task.title}: it takes {words}.")
    return predictor


def _answer(
    predictor: Predictor, predictions: list[dict[str, Any]], start: float, loaded: float
) -> Answer:
    return Answer(
        predictions=predictions,
        seconds=time.perf_counter() - loaded,
        load_seconds=loaded - start,
        device=str(predictor.device),
        step=predictor.checkpoint.step,
        notes=_notes(predictor),
    )


def _notes(predictor: Predictor) -> list[str]:
    """What the user should know about an answer."""
    notes = [
        f"A damaged copy was left out ({damaged}); the one before it answers."
        for damaged in predictor.checkpoint.skipped
    ]
    if predictor.device.type == "cpu" and devices.list_devices() != ["cpu"]:
        notes.append("A training needs the graphics card, so the processor answers.")
    return notes


def load_predictor(run_id: int, which: str = "best") -> Predictor:
    """The predictor of a run's best or last checkpoint; kept while the checkpoint stays."""
    if which not in ("best", "last"):
        raise UsageError(f"The checkpoint can be best or last, not {which!r}.")
    run = runs.get_run(run_id)
    if run is None:
        raise NotFoundError(f"There is no run {run_id}.")
    folder, device = files.checkpoints_dir(run.id), _choose_device()
    # The name and age of what is wanted, so that a running run's newer model is noticed.
    key = (run.id, which, device, checkpoints.fingerprint(folder))
    if key not in _loaded:
        _loaded[key] = _load(run, folder, "best" if which == "best" else "last", device)
    _loaded.move_to_end(key)
    while len(_loaded) > MOST_LOADED:
        _loaded.popitem(last=False)
    return _loaded[key]


def _load(run: Run, folder: Path, which: Any, device: str) -> Predictor:
    task, place = get_task(run.task), devices.open_device(device)
    checkpoint = checkpoints.load_checkpoint(folder, which)
    processor = task.load_processor(checkpoint.path)
    config = config_from(task.config, run.config)
    spec = task.get_model(run.model)
    model = task.build_model(spec, processor, config, pretrained=False)
    checkpoints.load_weights(model, checkpoint)
    return Predictor(
        task, model.to(place).eval().requires_grad_(False), processor, place, checkpoint
    )


def is_in_the_way() -> bool:
    """Whether a model lies on an accelerator that a run trains on by now."""
    held = {key[2] for key in list(_loaded) if key[2] != "cpu"}
    return bool(held) and any(run.device in held for run in runs.list_runs(ACTIVE))


def _choose_device() -> str:
    """The first device that no run trains on: trying a model must not starve a training."""
    names = devices.list_devices()
    busy = {run.device for run in runs.list_runs(ACTIVE)}
    return next((name for name in names if name not in busy), "cpu")
