"""What a task is, and the registry that finds every task file by itself."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

from backend.errors import NotFoundError
from backend.models.spec import ModelSpec, Weights
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes
from backend.training.config import Options, TrainingConfig
from storage.records import Dataset

if TYPE_CHECKING:  # the pages read this module, and they run without torch
    import torch
    from torch import Tensor, nn

    from backend.datasets.preview import ShownBox

Batch = dict[str, Any]
"""What compute() takes: mostly tensors by name, on the device."""
SplitName = Literal["train", "validation", "test"]
Value = str | bytes | Sequence[str | bytes]
"""One input as a user brings it: a text, a file's bytes, or several of these."""
InputKind = Literal["text", "image", "audio", "two-images", "items"]
AnswerKind = Literal["label", "boxes", "text", "neighbours", "items", "match"]
INPUT_TYPES: dict[InputKind, tuple[type, str]] = {
    "text": (str, "texts"),
    "image": (bytes, "pictures"),
    "audio": (bytes, "recordings"),
    "two-images": (list, "two pictures at a time"),
    "items": (list, "lists of things"),
}
"""The type of each kind of input, and what people call several of them."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A score that a task computes: how it is stored, called, explained and written."""

    name: str
    title: str
    help: str
    percent: bool = True  # a share from 0 to 1, written as 97.2 %; else a plain number
    higher_is_better: bool = True
    live: bool = True  # it has a curve of its own on the run's page


CLASSIFICATION_METRICS = (
    Metric("accuracy", "Right answers", "The share of examples that it gets right."),
    Metric("f1", "F1", "The mean over the classes, so that small classes count as much as large "
           "ones.", live=False),
    Metric("top5", "Among the first five", "The share of examples whose right answer is among the "
           "five that it holds for likeliest; where there are more than five classes.", live=False),
)  # fmt: skip
"""What every task that sorts into classes is scored by."""


@dataclass(frozen=True, slots=True)
class Example:
    """Something to try a model on: the input, what to call it, and the right answer if known.

    boxes: where what is in a picture, if that is known.
    """

    value: Value
    title: str
    truth: str | None = None
    boxes: "tuple[ShownBox, ...]" = ()


class Meter(Protocol):
    """Collects what a split's batches gave, and sums it up."""

    def add(self, result: Mapping[str, Any], batch: Batch) -> None:
        """What compute() gave for one batch, and the batch."""
        ...

    def compute(self) -> dict[str, float]:
        """All metrics of everything added, by name."""
        ...

    def outcomes(self) -> Outcomes | None:
        """What became of each example, in the order added; None where that cannot be told."""
        ...


class Split(Protocol):
    """Examples of one split, ready to be indexed by batch.

    One that knows the numbers of its examples in the data set has them as `indices`, [n].
    """

    lengths: "Tensor | None"
    """Tokens per example, shape [n], where batches should be bucketed by length; else None."""

    def __len__(self) -> int: ...

    def batch(self, indices: "Tensor", device: "torch.device") -> Batch:
        """What compute() takes of the given examples (int64, shape [b]), on the device."""
        ...


class Processor(Protocol):
    """Turns what a user brings into what the model takes: the one path for training and use."""

    classes: list[str]
    """What can be answered, in the order of the numbers; empty where there are no classes."""

    def save(self, folder: Path) -> None:
        """Write itself as plain JSON (and tokenizer files) into the folder."""
        ...

    def __call__(self, inputs: Sequence[Any], device: "torch.device") -> Batch:
        """A batch without its right answers from raw inputs, as a user brings them."""
        ...


class Task(ABC):
    """One machine-learning task; a subclass in a file of its own is all that adding one takes."""

    name: ClassVar[str]
    """The Hugging Face Hub's id of the task, such as text-classification."""
    title: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    """A Material symbol's name."""
    formats: ClassVar[tuple[str, ...]]
    """The data formats it can learn from (backend/datasets/formats.py), its own one first."""
    input_kind: ClassVar[InputKind]
    """What the playground asks for."""
    input_hint: ClassVar[str] = "Type a sentence …"
    """What stands in the playground's field for a text until somebody types."""
    answer_kind: ClassVar[AnswerKind]
    """What predict() gives, and so how it is shown."""
    metrics: ClassVar[tuple[Metric, ...]]
    """What it is scored by, the most important first."""
    best_metric: ClassVar[str] = "loss"
    """The validation metric that tells the best checkpoint."""
    config: ClassVar[type[TrainingConfig]]
    options: ClassVar[type[Options]] = Options
    """What can be set when a trained model is asked."""
    models: ClassVar[tuple[ModelSpec, ...]]
    more_models: ClassVar[tuple[ModelSpec, ...]] = ()
    """Further ones for who asks by name: forms show them last, behind a search."""
    hub_tags: ClassVar[tuple[str, ...]] = ()
    """What the Hub calls models that this task can learn with, beside its own name."""
    hub_kinds: ClassVar[tuple[str, ...]] = ()
    """Kinds of the Hub's models that fit, as config.json names them; empty where any may."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Settings that differ from the rule of backend/presets.py, by the preset's name."""
    epoch_is_all_examples: ClassVar[bool] = True
    """Whether an epoch shows each training example once; where not, it is as long as it should."""
    place: ClassVar[int] = 50
    """Where it stands among the tasks: what people begin with has a low number."""

    @property
    def primary_metric(self) -> str:
        """The metric shown first, without its split: accuracy."""
        return self.metrics[0].name

    def headline(self, measured: Mapping[str, float], split: str) -> Metric | None:
        """The first metric that was measured on a split; some make no sense for some data."""
        known = (metric for metric in self.metrics if f"{split}/{metric.name}" in measured)
        return next(known, None)

    @property
    def shows_augmentation(self) -> bool:
        """Whether what "augmentation" does can be seen before a run starts."""
        return type(self).augmented is not Task.augmented

    @property
    def takes_any(self) -> bool:
        """Whether models beyond its own list can be named: of the Hub, or a folder."""
        return type(self).get_model is not Task.get_model

    @property
    def streams(self) -> bool:
        """Whether an answer grows, word by word, so that it is worth watching."""
        return type(self).stream is not Task.stream

    @property
    def explains(self) -> bool:
        """Whether it can say why it answers as it does."""
        return type(self).explain is not Task.explain

    def higher_is_better(self, metric: str) -> bool:
        """Whether a metric of this task should rise; a loss should fall."""
        return any(one.name == metric and one.higher_is_better for one in self.metrics)

    def get_model(self, name: str) -> ModelSpec:
        """A model of this task by name; raises NotFoundError that lists the known ones."""
        for spec in (*self.models, *self.more_models):
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.models)
        more = f", and {len(self.more_models)} more" if self.more_models else ""
        raise NotFoundError(f"{self.title} has no model called {name!r}. Known: {known}{more}.")

    def suitable_models(self, dataset: Dataset) -> list[ModelSpec]:
        """Its models, those to try first on this data first; cheap, imports no torch.

        By default as they are listed, those whose weights must be downloaded behind the others,
        and further ones last.
        """
        first = sorted(self.models, key=lambda spec: self.weights(spec) is Weights.DOWNLOAD)
        return [*first, *self.more_models]

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
    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        """The loss of one batch as {"loss": scalar}, and whatever scores are made of."""

    def batch_metrics(self, result: Mapping[str, Any], batch: Batch) -> Mapping[str, "Tensor"]:
        """Sums over the batch, still on the device, such as {"accuracy": number right}."""
        return {}

    def calibrate(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> None:
        """Choose what is not learnt but measured, such as a threshold, before each evaluation.

        It belongs into the model's buffers: there the checkpoint that is best keeps its own.
        """
        return

    @abstractmethod
    def build_meter(self, processor: Processor) -> Meter:
        """What computes all metrics of a split."""

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive | None:
        """What can be reached on a split without learning, by what the training split shows."""
        return None

    @abstractmethod
    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        """One JSON-ready answer per input, of the shape that answer_kind names.

        label: {"label", "probabilities": {class: share}}; boxes: {"boxes": [{"label", "score",
        "box": [x1, y1, x2, y2]}]}; text: {"text"}; neighbours: {"neighbours": [{"text",
        "score"}]}; items: {"items": [{"item", "score"}]}; match: {"match", "score"}.
        """

    def stream(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        options: Options,
    ) -> Iterator[dict[str, Any]]:
        """The answer to one input as it grows, the last one complete; all at once by default."""
        yield self.predict(model, processor, [value], device, options)[0]

    def snapshot(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> dict[str, Any] | None:
        """What to keep of this evaluation beside its scores: JSON whose "kind" says what it is."""
        return None

    def explain(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        about: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Why it answers so to one input: parts as JSON whose "kind" says how each is drawn.

        backend/models/explaining.py lists the kinds. The quickest come first. about: what is to be
        explained where that is not the answer itself: another class, another box by its place.
        Called with gradients on. Nothing by default.
        """
        return iter(())

    def features(self, model: "nn.Module", batch: Batch) -> "Tensor | None":
        """What the model made of a batch before its last layer, [b, width], to find what is alike.

        None where it has nothing of the kind.
        """
        return None

    def augmented(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig, *, count: int, views: int
    ) -> list[bytes]:
        """What the setting "augmentation" does: PNG strips of training pictures and their views.

        Each shows one of count pictures as it is, then as random changes make it; empty where
        nothing changes. Raises DownloadError where that would need a download.
        """
        return []

    def examples(self, dataset: Dataset, *, limit: int, seed: int) -> list[Example]:
        """Examples of the test split to try a model on; imports no torch."""
        from backend.datasets.preview import list_examples

        found = list_examples(dataset, "test", limit=limit, seed=seed)
        return [Example(one.value, one.title, one.truth, one.boxes) for one in found]


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
    """Every task there is, those to begin with first, then by name."""
    _discover()
    return sorted(_registry.values(), key=lambda task: (task.place, task.name))


def tasks_for(data_format: str) -> list[Task]:
    """The tasks that can learn from data of a format, those whose own format it is first."""
    found = [task for task in list_tasks() if data_format in task.formats]
    return sorted(found, key=lambda task: task.formats.index(data_format))


def get_task(name: str) -> Task:
    """A task by name; raises NotFoundError that lists the known ones."""
    _discover()
    if name not in _registry:
        known = ", ".join(sorted(_registry))
        raise NotFoundError(f"There is no task called {name!r}. Known: {known}.")
    return _registry[name]
