"""Measures a run by doing a little of it for real: a few steps, a stretch of validation, one save.

The steps are the loop's own, on batches that stand for all of an epoch; called by the worker.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from backend.datasets.store import sampling
from backend.models.spec import ModelSpec, Weights
from backend.scores.results import TestResults
from backend.tasks.base import Batch, Processor, Split, SplitName, Task
from backend.training import checkpoints, devices
from backend.training.config import TrainingConfig
from backend.training.evaluation import evaluate
from backend.training.loop import Trainer, load_split
from backend.training.measurement import Gauge, Measurement
from backend.training.sampling import ordered_batches
from backend.training.seeds import seed_everything
from storage.records import Dataset

# Steps that are measured: these many strata of an epoch, fewer where a step takes long, again and
# again until there is enough to tell from noise.
MOST_STRATA, FEWEST_STRATA = 8, 3
STEPS_SECONDS, LEAST_SECONDS, MOST_ROUNDS = 12.0, 1.2, 60
EVALUATION_SECONDS = 2.0
# A preparation that takes longer is done twice: the first time it may fill a cache.
LONG_PREPARATION = 0.5
# Larger splits are measured on an even part of them.
MOST_EXAMPLES, MOST_BYTES = 20_000, 300_000_000
MEGABYTE = 1 << 20

T = TypeVar("T")


def probe(
    task: Task,
    spec: ModelSpec,
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str,
    folder: Path,
    gauge: Gauge,
    small_network_threads: int = 1,
) -> Measurement:
    """Find out what a run with these choices takes; folder gets a checkpoint, to be deleted.

    Downloads nothing: weights that are elsewhere are replaced by random ones, which cost the same.
    Raises what fit() raises.
    """
    place = devices.open_device(device)
    resting, room = gauge.memory_mb(), devices.free_device_memory_mb(place)
    seed_everything(config.seed, deterministic=config.deterministic)
    pretrained = bool(getattr(config, "pretrained", False))
    if pretrained and task.weights(spec) is Weights.DOWNLOAD:
        pretrained = False
    preparing, processor = _prepare(task, spec, dataset, config, pretrained)
    load = partial(_load, task, dataset, processor, config, gauge)
    train = load("train")
    building, model = _timed(
        lambda: task.build_model(spec, processor, config, pretrained=pretrained).to(place)
    )
    torch.set_num_threads(devices.choose_threads(model, small_network_threads))
    trainer = Trainer(task, model, processor, train.split, config, place, folder, Silence())
    steps = _measure_steps(trainer, gauge)
    validation = load("validation")
    checking = _measure_evaluation(trainer, validation.split)
    calibrating, _ = _timed(lambda: trainer.calibrate(validation.split))
    showing, _ = _timed(lambda: trainer.show(validation.split))
    saving, _ = _timed(lambda: trainer.save(is_best=True))
    restoring, saved = _timed(lambda: _restore(trainer))
    size = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
    # Only its size counts: a task may check itself on a part of the validation, and test on all.
    test = load("test")
    return Measurement(
        device=device,
        prepare_seconds=preparing + train.seconds + building,
        **steps,
        steps_per_epoch=_steps_per_epoch(train.examples, config),
        loading_seconds=validation.seconds + test.seconds,
        validation_seconds=checking * validation.examples + calibrating + showing,
        test_seconds=checking * test.examples,
        save_seconds=saving,
        restore_seconds=restoring,
        checkpoint_mb=size / MEGABYTE,
        # Beside what is loaded now there will be the rest of the data.
        memory_mb=gauge.peak_mb() + train.rest_mb + validation.rest_mb + test.rest_mb,
        resting_mb=resting,
        device_memory_mb=_device_peak(place),
        device_room_mb=room,
        image_size=getattr(processor, "size", None),
        sampled=train.share < 1,
    )


def _timed(action: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    result = action()
    return time.perf_counter() - begun, result


def _prepare(
    task: Task, spec: ModelSpec, dataset: Dataset, config: TrainingConfig, pretrained: bool
) -> tuple[float, Processor]:
    """Seconds for the processor once its caches are filled, and the processor."""
    if getattr(config, "pretrained", False) and not pretrained:
        config = _from_zero(config)
    seconds, processor = _timed(lambda: task.build_processor(dataset, spec, config))
    if seconds > LONG_PREPARATION:
        again, processor = _timed(lambda: task.build_processor(dataset, spec, config))
        seconds = min(seconds, again)
    return seconds, processor


def _from_zero(config: TrainingConfig) -> TrainingConfig:
    """The same without pretrained weights, and without what only makes sense with them."""
    usual = {field.name: field.default for field in dataclasses.fields(config)}
    values: dict[str, Any] = {**dataclasses.asdict(config), "pretrained": False}
    values |= {name: usual[name] for name in ("freeze_backbone", "tuning") if name in usual}
    return type(config)(**values)


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A split, or a share of a large one; seconds and megabytes are those of all of it."""

    split: Split
    share: float
    seconds: float
    megabytes: float

    @property
    def examples(self) -> float:
        """How many there are in all of it."""
        return len(self.split) / self.share

    @property
    def rest_mb(self) -> float:
        return self.megabytes * (1 - self.share)


def _load(
    task: Task,
    dataset: Dataset,
    processor: Processor,
    config: TrainingConfig,
    gauge: Gauge,
    name: SplitName,
) -> Loaded:
    most = _most_examples(dataset)
    share = min(1.0, most / max(1, dataset.splits.get(name, 1)))
    before = gauge.memory_mb()
    with sampling(most):
        seconds, split = _timed(lambda: load_split(task, dataset, processor, config, name))
    megabytes = max(0.0, gauge.memory_mb() - before)
    return Loaded(split, share, seconds / share, megabytes / share)


def _most_examples(dataset: Dataset) -> int:
    """How many examples of a split to load: all, but of large data only some."""
    per_example = dataset.bytes / max(1, dataset.rows)
    return max(500, min(MOST_EXAMPLES, int(MOST_BYTES / max(1.0, per_example))))


def _steps_per_epoch(examples: float, config: TrainingConfig) -> int:
    return math.ceil(math.ceil(examples / config.batch_size) / config.gradient_accumulation)


def _measure_steps(trainer: Trainer, gauge: Gauge) -> dict[str, Any]:
    """Seconds of the first step and of a mean one, and the machine's load meanwhile."""
    ordered = _by_size(trainer)
    # The largest first: it needs the most memory, and every later step finds it there.
    first, _ = _timed(lambda: _steps(trainer, ordered[-1:]))
    second, _ = _timed(lambda: _steps(trainer, ordered[-1:]))
    strata = max(FEWEST_STRATA, min(MOST_STRATA, int(STEPS_SECONDS / max(second, 1e-6))))
    chosen = _strata(ordered, strata)
    gauge.begin()
    spent, rounds = 0.0, 0
    while spent < LEAST_SECONDS and rounds < MOST_ROUNDS:
        spent += _timed(lambda: _steps(trainer, chosen))[0]
        rounds += 1
    load = gauge.end()
    mean = spent / (rounds * len(chosen))
    return {
        "first_step_seconds": max(first, mean),
        "step_seconds": mean,
        "measured_steps": rounds * len(chosen),
        **dataclasses.asdict(load),
    }


def _steps(trainer: Trainer, steps: list[tuple[Tensor, ...]]) -> None:
    for batches in steps:
        trainer.step(batches)
    _wait_for_device(trainer.device)


def _by_size(trainer: Trainer) -> list[tuple[Tensor, ...]]:
    """The batches of an epoch's steps, from the least to the most work."""
    lengths = trainer.train.lengths

    def work(step: tuple[Tensor, ...]) -> int:
        return sum(
            len(indices) * (int(lengths[indices].max()) if lengths is not None else 1)
            for indices in step
        )

    return sorted(trainer.remaining_batches(), key=work)


def _strata(ordered: list[T], count: int) -> list[T]:
    """One of each of `count` equal parts of a sorted list, its middle one; all where there are few.

    Their mean is the mean of the whole list, as far as what is sorted by tells.
    """
    if len(ordered) <= count:
        return ordered
    return [ordered[int((part + 0.5) * len(ordered) / count)] for part in range(count)]


class Part:
    """Some examples of a split, as a split."""

    def __init__(self, split: Split, chosen: Tensor) -> None:
        self._split, self._chosen = split, chosen
        self.lengths = None if split.lengths is None else split.lengths[chosen]

    def __len__(self) -> int:
        return len(self._chosen)

    def batch(self, indices: Tensor, device: torch.device) -> Batch:
        return self._split.batch(self._chosen[indices], device)


def _measure_evaluation(trainer: Trainer, split: Split) -> float:
    """Seconds that an example of a split takes, from a stretch of it."""
    size = trainer.config.evaluation_batch_size
    batches = ordered_batches(len(split), size, split.lengths)

    def measure(chosen: Tensor) -> float:
        part = Part(split, chosen)
        seconds, _ = _timed(
            lambda: evaluate(
                trainer.task, trainer.model, trainer.processor, part, size, trainer.device
            )
        )
        return seconds

    # The longest: what it needs of memory, the others need no more.
    one = measure(batches[-1])
    count = max(2, int(EVALUATION_SECONDS / max(one, 1e-6)))
    chosen = torch.cat(_strata(batches, count))
    return measure(chosen) / len(chosen)


def _restore(trainer: Trainer) -> Path:
    """What a run does before its test: find the best checkpoint, verify and load it."""
    saved = checkpoints.load_checkpoint(trainer.folder, "best")
    checkpoints.load_weights(trainer.model, saved)
    return saved.path


def _wait_for_device(device: torch.device) -> None:
    """A graphics card works on by itself: what was asked of it takes until it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _device_peak(device: torch.device) -> float | None:
    """Most memory that torch has taken of a graphics card, in MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / MEGABYTE
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / MEGABYTE
    return None


class Silence:
    """A Monitor that nobody listens to."""

    def begin(self, total_steps: int, start_step: int) -> None: ...

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None: ...

    def event(self, kind: str, message: str) -> None: ...

    def snapshot(self, step: int, epoch: float, content: Mapping[str, Any]) -> None: ...

    def pinned(self) -> list[tuple[int, Any]]:
        return []

    def tested(self, results: TestResults) -> None: ...

    def before_save(self) -> None:
        """Nobody else writes here."""

    def saved(self, step: int, is_best: bool) -> None: ...

    def should_stop(self) -> bool:
        return False
