"""Loads a run's checkpoint once and answers with it; runs in the inference process or the CLI."""

import gc
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from backend.errors import NotFoundError, UsageError
from backend.inference import Answer
from backend.tasks import Task, get_task
from backend.tasks.base import Processor
from backend.training import checkpoints, devices
from backend.training.config import config_from
from storage import files, runs
from storage.records import ACTIVE, Run

# Models kept in memory: going back and forth between two runs stays instant.
MOST_LOADED = 2
BATCH = 64

_loaded: "OrderedDict[tuple[Any, ...], Predictor]" = OrderedDict()


@dataclass
class Predictor:
    """One model in memory with the preprocessing that it was trained with."""

    task: Task
    model: nn.Module
    processor: Processor
    device: torch.device
    checkpoint: checkpoints.Checkpoint

    def predict(self, inputs: Sequence[str | bytes]) -> list[dict[str, Any]]:
        """One answer per input, in order."""
        answers: list[dict[str, Any]] = []
        with torch.inference_mode():
            for start in range(0, len(inputs), BATCH):
                part = inputs[start : start + BATCH]
                answers += self.task.predict(self.model, self.processor, part, self.device)
        return answers


def answer(run_id: int, inputs: Sequence[str | bytes], which: str = "best") -> Answer:
    """Load the run's model if it is not loaded, and predict."""
    start = time.perf_counter()
    predictor = load_predictor(run_id, which)
    loaded = time.perf_counter()
    wanted = str if predictor.task.input_kind == "text" else bytes
    if not all(isinstance(value, wanted) for value in inputs):
        kind = "texts" if wanted is str else "pictures"
        raise UsageError(f"This model was trained for {predictor.task.title}: it takes {kind}.")
    predictions = predictor.predict(inputs)
    return Answer(
        predictions=predictions,
        seconds=time.perf_counter() - loaded,
        load_seconds=loaded - start,
        device=str(predictor.device),
        step=predictor.checkpoint.step,
        notes=[
            f"A damaged copy was left out ({damaged}); the one before it answers."
            for damaged in predictor.checkpoint.skipped
        ],
    )


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
    return Predictor(task, model.to(place).eval(), processor, place, checkpoint)


def release_busy_devices() -> int:
    """Let go of models on an accelerator that a run trains on by now; how many they were."""
    held = {key for key in list(_loaded) if key[2] != "cpu"}
    if not held:
        return 0
    busy = {run.device for run in runs.list_runs(ACTIVE)}
    going = [key for key in held if key[2] in busy]
    for key in going:
        _loaded.pop(key, None)
    if going and torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
    return len(going)


def _choose_device() -> str:
    """The first device that no run trains on: trying a model must not starve a training."""
    names = devices.list_devices()
    busy = {run.device for run in runs.list_runs(ACTIVE)}
    return next((name for name in names if name not in busy), "cpu")
