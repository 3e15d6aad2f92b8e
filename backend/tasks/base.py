"""What a task is, and the registry that finds every task file by itself."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

from backend.errors import NotFoundError
from backend.models.spec import ModelSpec, Weights
from backend.training.config import TrainingConfig
from storage.records import Dataset

if TYPE_CHECKING:  # the pages read this module, and they run without torch
    import torch
    from torch import Tensor, nn

Batch = dict[str, "Tensor"]
SplitName = Literal["train", "validation", "test"]


class Split(Protocol):
    """Examples of one split, ready to be indexed by batch."""

    lengths: "Tensor | None"
    """Tokens per example, shape [n], where batches should be bucketed by length; else None."""

    def __len__(self) -> int: ...

    def batch(self, indices: "Tensor", device: "torch.device") -> Batch:
        """Inputs and `labels` of the given examples (int64, shape [b]) on the device."""
        ...


class Processor(Protocol):
    """Turns what a user brings into what the model takes: the one path for training and use."""

    classes: list[str]

    def save(self, folder: Path) -> None:
        """Write itself as plain JSON (and tokenizer files) into the folder."""
        ...

    def __call__(self, inputs: Sequence[Any], device: "torch.device") -> Batch:
        """A batch without labels from raw inputs: texts (str) or pictures (bytes of a file)."""
        ...


class Task(ABC):
    """One machine-learning task; a subclass in a file of its own is all that adding one takes."""

    name: ClassVar[str]
    """The Hugging Face Hub's id of the task, such as text-classification."""
    title: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    """A Material symbol's name."""
    input_kind: ClassVar[Literal["text", "image"]]
    primary_metric: ClassVar[str]
    """The metric shown first, without its split: accuracy."""
    config: ClassVar[type[TrainingConfig]]
    models: ClassVar[tuple[ModelSpec, ...]]

    def get_model(self, name: str) -> ModelSpec:
        """A model of this task by name; raises NotFoundError that lists the known ones."""
        for spec in self.models:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.models)
        raise NotFoundError(f"{self.title} has no model called {name!r}. Known: {known}.")

    @abstractmethod
    def weights(self, spec: ModelSpec) -> Weights:
        """Where the pretrained weights of a model are; cheap, imports no torch."""

    def prepare(self, dataset: Dataset) -> None:
        """Do ahead what first runs on a data set would wait for; in the background, idempotent."""
        return

    @abstractmethod
    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        """Fit the preprocessing to the training split (tokenizer, mean and deviation)."""

    @abstractmethod
    def load_processor(self, folder: Path) -> Processor:
        """The processor that was saved with a checkpoint."""

    @abstractmethod
    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        """The examples of one split, preprocessed."""

    @abstractmethod
    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        """The network. pretrained=False never touches weights: a checkpoint follows."""

    @abstractmethod
    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, "Tensor"]:
        """{"loss": scalar, "output": predictions} of one batch."""

    @abstractmethod
    def batch_metrics(self, output: "Tensor", batch: Batch) -> Mapping[str, "Tensor"]:
        """Sums over the batch, still on the device, such as {"accuracy": number right}."""

    @abstractmethod
    def evaluate(self, outputs: "Tensor", labels: "Tensor", classes: list[str]) -> dict[str, float]:
        """All metrics of a split from all its outputs and labels, on the CPU."""

    @abstractmethod
    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
    ) -> list[dict[str, Any]]:
        """One JSON-ready answer per input: {"label", "probabilities": {class: share}}."""


_registry: dict[str, Task] = {}
T = TypeVar("T", bound=type[Task])


def register_task(cls: T) -> T:
    """Class decorator that makes a task known; a name that is taken raises ValueError."""
    if cls.name in _registry:
        raise ValueError(f"a task called {cls.name!r} is registered already")
    _registry[cls.name] = cls()
    return cls


@cache
def _discover() -> None:
    package = importlib.import_module("backend.tasks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"backend.tasks.{module.name}")


def list_tasks() -> list[Task]:
    """Every task there is, by name."""
    _discover()
    return [_registry[name] for name in sorted(_registry)]


def get_task(name: str) -> Task:
    """A task by name; raises NotFoundError that lists the known ones."""
    _discover()
    if name not in _registry:
        known = ", ".join(sorted(_registry))
        raise NotFoundError(f"There is no task called {name!r}. Known: {known}.")
    return _registry[name]
