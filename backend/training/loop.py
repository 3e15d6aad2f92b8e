"""The training loop, top to bottom: fit() trains, validates, saves and tests one run."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from backend.errors import DataError, NanLossError
from backend.models.spec import ModelSpec
from backend.scores.naive import Naive
from backend.scores.results import TestResults
from backend.tasks.base import Processor, Split, SplitName, Task
from backend.training import checkpoints, devices
from backend.training.config import SAVE_INTERVAL, TrainingConfig
from backend.training.evaluation import Evaluation, measure
from backend.training.monitor import Monitor
from backend.training.optimization import build_optimizer, learning_rate, without_profiling
from backend.training.pinned import answer_pinned
from backend.training.readings import GRADIENT, Readings
from backend.training.sampling import epoch_batches
from backend.training.seeds import random_state, restore_random_state, seed_everything
from backend.training.versions import package_versions
from storage.records import Dataset


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
    best_cost: float = math.inf
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
    small_network_threads: int = 1,
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
    train = load_split(task, dataset, processor, config, "train")
    model = task.build_model(
        spec, processor, config, pretrained=getattr(config, "pretrained", False) and not saved
    ).to(place)
    torch.set_num_threads(devices.choose_threads(model, small_network_threads))
    trainer = Trainer(task, model, processor, train, config, place, folder, monitor)
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
            validation = load_split(task, dataset, processor, config, "validation")
        if not trainer.end_epoch(validation):
            return trainer.stop()
        if config.early_stopping and (
            trainer.progress.epochs_without_better >= config.early_stopping
        ):
            monitor.event("early_stop", f"No better result for {config.early_stopping} epochs.")
            break
    best = checkpoints.load_checkpoint(folder, "best")
    trainer.tell_of_damage(best)
    checkpoints.load_weights(model, best)
    trainer.test(load_split(task, dataset, processor, config, "test"))
    return trainer.outcome(stopped=False)


def load_split(
    task: Task, dataset: Dataset, processor: Processor, config: TrainingConfig, name: SplitName
) -> Split:
    """The examples of one split; raises DataError where there are none."""
    split = task.load_split(dataset, processor, config, name)
    if len(split) == 0:
        raise DataError(
            f"The {name} part of {dataset.name} is empty. Bring in more examples of each class."
        )
    return split


class Trainer:
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
        self.correct = without_profiling(self.optimizer)
        self.precision = devices.choose_precision(config.mixed_precision, device)
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=self.precision is torch.float16 and device.type != "cpu"
        )
        batches = math.ceil(len(train) / config.batch_size)
        self.steps_per_epoch = math.ceil(batches / config.gradient_accumulation)
        self.total_steps = self.steps_per_epoch * config.epochs
        self.progress = Progress()
        self.readings, self.saved_at = Readings(), time.monotonic()
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
            draw=getattr(self.train, "draw", None),  # where rare classes are to come more often
            groups=getattr(self.train, "groups", None),  # where examples are compared
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
            begun = time.perf_counter()
            batch = self.train.batch(indices, self.device)
            self.readings.fetched(time.perf_counter() - begun)
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
            sums.append(self.task.batch_metrics(result, batch))
        norm = self._update()
        self.progress.step += 1
        found = {"loss": _sum(losses)}
        found |= {name: _sum([part[name] for part in sums]) for name in sums[0]}
        if norm is not None:
            found[GRADIENT] = norm
        self.readings.add(self.progress.step, examples, rate, found)
        now = time.monotonic()
        if self.progress.step == 1 or self.readings.is_due(now):
            self.read()
            if now - self.saved_at > SAVE_INTERVAL:
                self.save(is_best=False)

    def _update(self) -> Tensor | None:
        """Clip, correct the weights; the gradient's length before clipping, where that is on."""
        norm = None
        if self.config.max_grad_norm:
            if self.scaler.is_enabled():
                self.scaler.unscale_(self.optimizer)
            norm = nn.utils.clip_grad_norm_(self.weights, self.config.max_grad_norm)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.correct()
        # What zero_grad() does, without its profiling: 2 % of a small network's step.
        for weight in self.weights:
            weight.grad = None
        return norm

    def read(self) -> None:
        """Fetch the waiting losses from the device in one go, log them, stop at a NaN."""
        values: dict[str, float] = {}
        for step, values in self.readings.take():
            self.monitor.log(step, step / self.steps_per_epoch, values)
            if not math.isfinite(values["train/loss"]):
                raise self._broken(f"At step {step} the loss was")
        self.progress.metrics |= {
            name: value for name, value in values.items() if name.startswith("train/")
        }

    def _broken(self, what: str) -> NanLossError:
        rate = self.config.learning_rate
        return NanLossError(
            f"{what} no longer a number, so nothing could be learnt from there on. Lower the "
            f"learning rate ({rate:g}) and start again."
        )

    def end_epoch(self, validation: Split) -> bool:
        """Validate and save; False where the user asked to stop meanwhile."""
        self.read()
        self.calibrate(validation)
        found = self._measure(validation, "val")
        if found is None:
            return False
        progress = self.progress
        if progress.epoch == 0:
            self._compare(validation, "naive_val")
        # Of a score that should rise the negative, so that less is better for all.
        value = found.metrics[self.task.best_metric]
        cost = -value if self.task.higher_is_better(self.task.best_metric) else value
        is_best = cost < progress.best_cost or progress.best_step is None
        if is_best:
            progress.best_cost, progress.best_step = cost, progress.step
            progress.epochs_without_better = 0
        else:
            progress.epochs_without_better += 1
        progress.epoch += 1
        self.show(validation)
        self.save(is_best=is_best)
        self.readings.restart()
        return True

    def test(self, split: Split) -> None:
        """Measure the test split, once, with the weights that are loaded; keep what it gave."""
        found = self._measure(split, "test")
        assert found is not None  # nothing stops a test
        results = TestResults(
            step=self.progress.best_step or self.progress.step,
            outcomes=found.outcomes,
            naive=self._compare(split, "naive"),
            classes=list(self.processor.classes),
            versions=package_versions(),
        )
        self.monitor.tested(results)

    def _measure(self, split: Split, prefix: str) -> Evaluation | None:
        is_test = prefix == "test"
        found = measure(
            self.task,
            self.model,
            self.processor,
            split,
            self.config.evaluation_batch_size,
            self.device,
            None if is_test else self.monitor,
            each=is_test,
        )
        if found is not None:
            self._log_all(prefix, found.metrics)
        return found

    def _compare(self, split: Split, prefix: str) -> Naive | None:
        """Log what a naive guess gets on a split; random numbers go on as before."""
        before = random_state()
        naive = self.task.naive_baseline(self.processor, self.train, split)
        restore_random_state(before)
        if naive is not None:
            self._log_all(prefix, naive.metrics)
        return naive

    def _log_all(self, prefix: str, metrics: Mapping[str, float]) -> None:
        values = {f"{prefix}/{name}": value for name, value in metrics.items()}
        step = self.progress.step
        self.monitor.log(step, step / self.steps_per_epoch, values)
        self.progress.metrics |= values

    def calibrate(self, validation: Split) -> None:
        """Let the task choose what training does not learn; random numbers go on as before."""
        before = random_state()
        self.model.eval()
        with torch.inference_mode():
            self.task.calibrate(self.model, self.processor, validation, self.device)
        restore_random_state(before)

    def show(self, validation: Split) -> None:
        """Keep what the task and the user's own examples show; random numbers go on as before."""
        before = random_state()
        with torch.inference_mode():
            shown = self.task.snapshot(self.model, self.processor, validation, self.device)
            answers = answer_pinned(
                self.task, self.model, self.processor, self.device, self.monitor.pinned(),
                self.monitor.should_stop,
            )  # fmt: skip
        restore_random_state(before)
        step = self.progress.step
        for content in (shown, answers):
            if content is not None:
                self.monitor.snapshot(step, step / self.steps_per_epoch, content)

    def save(self, *, is_best: bool) -> None:
        """Write a checkpoint of the current step; never one whose weights are broken."""
        progress = self.progress
        # A step can break the weights whose own loss was still a number: the next one tells.
        if not torch.stack([weight.detach().isfinite().all() for weight in self.weights]).all():
            raise self._broken(f"After step {progress.step} the model's weights were")
        state = {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": random_state(),
            "progress": vars(progress).copy(),
            # How a sum is shared among cores can change its last bit.
            "threads": torch.get_num_threads(),
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
        # Before the first validation the newest copy is the best there is.
        self.monitor.saved(progress.step, is_best or progress.best_step is None)

    def restore(self, saved: checkpoints.Checkpoint) -> None:
        """Put everything back to where the checkpoint was taken."""
        self.tell_of_damage(saved)
        checkpoints.load_weights(self.model, saved)
        state = checkpoints.load_state(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])
        if "threads" in state:
            torch.set_num_threads(state["threads"])
        restore_random_state(state["random"])

    def tell_of_damage(self, saved: checkpoints.Checkpoint) -> None:
        """Note in the history which copies could not be used."""
        for damaged in saved.skipped:
            self.monitor.event("checkpoint_skipped", f"A damaged copy was left out: {damaged}.")

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
