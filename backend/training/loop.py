"""The training loop, top to bottom: fit() trains, validates, saves and tests one run."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backend.errors import DataError, NanLossError
from backend.models.spec import ModelSpec
from backend.tasks.base import Processor, Split, Task
from backend.training import checkpoints, devices
from backend.training.config import TrainingConfig
from backend.training.evaluation import evaluate
from backend.training.monitor import Monitor
from backend.training.optimization import build_optimizer, learning_rate
from backend.training.sampling import epoch_batches
from backend.training.seeds import random_state, restore_random_state, seed_everything
from storage.records import Dataset

# Seconds between two readings of the loss from the device: each reading waits for it.
READ_INTERVAL = 0.2
# Seconds between checkpoints within a long epoch.
SAVE_INTERVAL = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; metrics are the last values of each name, test split included."""

    stopped: bool
    step: int
    best_step: int | None
    metrics: dict[str, float]


@dataclass
class Progress:
    """Where a run is; what a resume needs beside weights and optimizer."""

    step: int = 0
    epoch: int = 0  # completed, validation included
    best_step: int | None = None
    best_loss: float = math.inf
    epochs_without_better: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


def fit(
    task: Task,
    spec: ModelSpec,
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str,
    folder: Path,
    monitor: Monitor,
    resume: bool = False,
) -> Outcome:
    """Train a model; checkpoints go to folder, everything else to the monitor.

    Raises NanLossError when the loss stops being a number, other TrainroomErrors for bad data
    or models, and whatever torch raises when memory runs out.
    """
    place = devices.open_device(device)
    seed_everything(config.seed, deterministic=config.deterministic)
    saved = checkpoints.load_checkpoint(folder, "last") if resume else None
    processor = (
        task.load_processor(saved.path) if saved else task.build_processor(dataset, spec, config)
    )
    train = _load(task, dataset, processor, config, "train")
    model = task.build_model(
        spec, processor, config, pretrained=getattr(config, "pretrained", False) and not saved
    ).to(place)
    torch.set_num_threads(devices.choose_threads(model))
    trainer = _Trainer(task, model, processor, train, config, place, folder, monitor)
    if saved:
        trainer.restore(saved)
    monitor.begin(trainer.total_steps, trainer.progress.step)
    validation: Split | None = None
    while trainer.progress.epoch < config.epochs:
        for batches in trainer.remaining_batches():
            trainer.step(batches)
            if monitor.should_stop():
                return trainer.stop()
        # Loaded late: the first loss value need not wait for it.
        if validation is None:
            validation = _load(task, dataset, processor, config, "validation")
        if not trainer.end_epoch(validation):
            return trainer.stop()
        if config.early_stopping and (
            trainer.progress.epochs_without_better >= config.early_stopping
        ):
            monitor.event("early_stop", f"No better result for {config.early_stopping} epochs.")
            break
    best = checkpoints.load_checkpoint(folder, "best")
    checkpoints.load_weights(model, best)
    trainer.test(_load(task, dataset, processor, config, "test"))
    return trainer.outcome(stopped=False)


def _load(
    task: Task, dataset: Dataset, processor: Processor, config: TrainingConfig, name: Any
) -> Split:
    split = task.load_split(dataset, processor, config, name)
    if len(split) == 0:
        raise DataError(
            f"The {name} part of {dataset.name} is empty. Bring in more examples of each class."
        )
    return split


class _Trainer:
    """The moving parts of one run: model, optimizer, position, and readings not yet taken."""

    def __init__(
        self,
        task: Task,
        model: nn.Module,
        processor: Processor,
        train: Split,
        config: TrainingConfig,
        device: torch.device,
        folder: Path,
        monitor: Monitor,
    ) -> None:
        self.task, self.model, self.processor, self.train = task, model, processor, train
        self.config, self.device, self.folder, self.monitor = config, device, folder, monitor
        # compile() in place: state_dict keys and checkpoints stay those of the plain model.
        if config.compile:
            model.compile()
        self.optimizer = build_optimizer(model, config, device)
        self.precision = devices.choose_precision(config.mixed_precision, device)
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=self.precision is torch.float16 and device.type != "cpu"
        )
        batches = math.ceil(len(train) / config.batch_size)
        self.steps_per_epoch = math.ceil(batches / config.gradient_accumulation)
        self.total_steps = self.steps_per_epoch * config.epochs
        self.progress = Progress()
        self.pending: list[tuple[int, int, float, dict[str, Tensor]]] = []
        self.read_at = self.saved_at = time.monotonic()
        self.weights = [w for group in self.optimizer.param_groups for w in group["params"]]

    def remaining_batches(self) -> Iterator[tuple[Tensor, ...]]:
        """This epoch's batches from the current position on, grouped for accumulation."""
        config = self.config
        batches = epoch_batches(
            len(self.train),
            config.batch_size,
            seed=config.seed,
            epoch=self.progress.epoch,
            lengths=self.train.lengths,
        )
        size = config.gradient_accumulation
        first = self.progress.step - self.progress.epoch * self.steps_per_epoch
        self.model.train()
        for start in range(first * size, len(batches), size):
            yield tuple(batches[start : start + size])

    def step(self, batches: tuple[Tensor, ...]) -> None:
        """One optimizer step: forward and backward per batch, clip, update, remember the loss."""
        rate = learning_rate(self.progress.step, self.total_steps, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        examples = sum(len(indices) for indices in batches)
        losses: list[Tensor] = []
        sums: list[Mapping[str, Tensor]] = []
        for indices in batches:
            batch = self.train.batch(indices, self.device)
            if self.precision is None:
                result = self.task.compute(self.model, batch, train=True)
            else:
                with torch.autocast(self.device.type, self.precision):
                    result = self.task.compute(self.model, batch, train=True)
            loss = result["loss"]
            if len(batches) > 1:  # weighted by size: a short last batch counts as what it is
                loss = loss * (len(indices) / examples)
            (self.scaler.scale(loss) if self.scaler.is_enabled() else loss).backward()
            losses.append(loss.detach())
            sums.append(self.task.batch_metrics(result["output"].detach(), batch))
        self._update()
        self.progress.step += 1
        readings = {"loss": _sum(losses)}
        readings |= {name: _sum([part[name] for part in sums]) for name in sums[0]}
        self.pending.append((self.progress.step, examples, rate, readings))
        now = time.monotonic()
        if self.progress.step == 1 or now - self.read_at > READ_INTERVAL:
            self.read()
            if now - self.saved_at > SAVE_INTERVAL:
                self.save(is_best=False)

    def _update(self) -> None:
        if self.config.max_grad_norm:
            if self.scaler.is_enabled():
                self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.weights, self.config.max_grad_norm)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        # What zero_grad() does, without its profiling: 2 % of a small network's step.
        for weight in self.weights:
            weight.grad = None

    def read(self) -> None:
        """Fetch the waiting losses from the device in one go, log them, stop at a NaN."""
        if not self.pending:
            return
        steps, sizes, rates, readings = zip(*self.pending, strict=True)
        self.pending = []
        names = [f"train/{name}" for name in readings[0]]
        rows = torch.stack([torch.stack([*row.values()]).float() for row in readings]).tolist()
        now = time.monotonic()
        speed = sum(sizes) / max(now - self.read_at, 1e-9)
        self.read_at = now
        for step, size, rate, (loss, *counts) in zip(steps, sizes, rates, rows, strict=True):
            shares = [loss, *(count / size for count in counts)]
            values = dict(zip(names, shares, strict=True))
            self.monitor.log(step, step / self.steps_per_epoch, {**values, "lr": rate})
            if not math.isfinite(values["train/loss"]):
                raise NanLossError(
                    f"At step {step} the loss was no longer a number, so nothing could be learnt "
                    f"from there on. Lower the learning rate ({self.config.learning_rate:g}), for "
                    f"example to {self.config.learning_rate / 10:g}, and start again."
                )
        self.monitor.log(step, step / self.steps_per_epoch, {"samples_per_second": speed})
        self.progress.metrics |= values

    def end_epoch(self, validation: Split) -> bool:
        """Validate and save; False where the user asked to stop meanwhile."""
        self.read()
        found = self._measure(validation, "val")
        if found is None:
            return False
        progress = self.progress
        is_best = found["loss"] < progress.best_loss or progress.best_step is None
        if is_best:
            progress.best_loss, progress.best_step = found["loss"], progress.step
            progress.epochs_without_better = 0
        else:
            progress.epochs_without_better += 1
        progress.epoch += 1
        self.save(is_best=is_best)
        self.read_at = time.monotonic()
        return True

    def test(self, split: Split) -> None:
        """Measure the test split, once, with the weights that are loaded."""
        self._measure(split, "test")

    def _measure(self, split: Split, prefix: str) -> dict[str, float] | None:
        monitor = self.monitor if prefix == "val" else None
        found = evaluate(
            self.task,
            self.model,
            split,
            max(self.config.batch_size, 64),
            self.device,
            self.processor.classes,
            monitor,
        )
        if found is not None:
            values = {f"{prefix}/{name}": value for name, value in found.items()}
            step = self.progress.step
            self.monitor.log(step, step / self.steps_per_epoch, values)
            self.progress.metrics |= values
        return found

    def save(self, *, is_best: bool) -> None:
        """Write a checkpoint of the current step."""
        progress = self.progress
        state = {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": random_state(),
            "progress": vars(progress).copy(),
        }
        checkpoints.save_checkpoint(
            self.folder,
            self.model,
            self.processor.save,
            state,
            step=progress.step,
            epoch=progress.step / self.steps_per_epoch,
            metrics=progress.metrics,
            is_best=is_best,
            keep_last=self.config.keep_checkpoints,
            before_publish=self.monitor.before_save,
        )
        self.saved_at = time.monotonic()
        self.monitor.saved(progress.step, is_best)

    def restore(self, saved: checkpoints.Checkpoint) -> None:
        """Put everything back to where the checkpoint was taken."""
        for damaged in saved.skipped:
            self.monitor.event("checkpoint_skipped", f"A damaged copy was left out: {damaged}.")
        checkpoints.load_weights(self.model, saved)
        state = checkpoints.load_state(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])
        restore_random_state(state["random"])

    def stop(self) -> Outcome:
        """Save what there is, so that the stopped run is usable and can go on later."""
        self.read()
        self.save(is_best=False)
        return self.outcome(stopped=True)

    def outcome(self, *, stopped: bool) -> Outcome:
        progress = self.progress
        return Outcome(stopped, progress.step, progress.best_step, dict(progress.metrics))


def _sum(values: list[Tensor]) -> Tensor:
    return values[0] if len(values) == 1 else torch.stack(values).sum()
