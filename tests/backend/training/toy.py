"""A tiny task for testing the loop: two clouds of points, a network with dropout, no files."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backend.models.classification import ClassificationMeter
from backend.models.spec import ModelSpec, Weights
from backend.scores.results import TestResults
from backend.tasks.base import CLASSIFICATION_METRICS, Batch, Task
from backend.training.config import TrainingConfig
from storage.records import Dataset

SPEC = ModelSpec("toy", "Toy", "For tests.", "trainroom", 0)
DATASET = Dataset("toy", "toy", "toy", 300, ["a", "b"], {}, "", "", True, 0, 0.0)


def clock() -> float:
    """Seconds that all processes count alike; few enough for single precision."""
    return time.monotonic() % 1000


@dataclass
class ToyProcessor:
    classes: list[str]

    def save(self, folder: Path) -> None:
        (folder / "processor.json").write_text(json.dumps(self.classes))

    def __call__(self, inputs: Sequence[Any], device: torch.device) -> Batch:
        return {"x": torch.tensor(inputs, device=device)}


class ToySplit:
    def __init__(self, count: int, seed: int, bad_from: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.arange(count) % 2
        self.x = torch.randn(count, 4, generator=generator) + 2.0 * self.labels[:, None]
        if bad_from is not None:
            self.x[bad_from:] = torch.nan
        self.lengths = None

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor, device: torch.device) -> Batch:
        return {"x": self.x[indices].to(device), "labels": self.labels[indices].to(device)}


class ToyTask(Task):
    name, title, description, icon = "toy", "Toy", "Two clouds.", "toys"
    formats, input_kind, answer_kind = ("text-class",), "text", "label"
    metrics, config, models = CLASSIFICATION_METRICS, TrainingConfig, (SPEC,)

    def __init__(self, train: ToySplit | None = None, dropout: float = 0.3) -> None:
        self.train = ToySplit(200, 0) if train is None else train
        self.dropout = dropout

    def weights(self, spec: ModelSpec) -> Weights:
        return Weights.SCRATCH

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> ToyProcessor:
        return ToyProcessor(dataset.classes)

    def load_processor(self, folder: Path) -> ToyProcessor:
        return ToyProcessor(json.loads((folder / "processor.json").read_text()))

    def load_split(self, dataset: Any, processor: Any, config: Any, split: str) -> ToySplit:
        return {"train": self.train, "validation": ToySplit(60, 1), "test": ToySplit(60, 2)}[split]

    def build_model(self, spec: Any, processor: Any, config: Any, *, pretrained: bool) -> nn.Module:
        return nn.Sequential(
            nn.Linear(4, 16), nn.ReLU(), nn.Dropout(self.dropout), nn.Linear(16, 2)
        )

    def compute(self, model: nn.Module, batch: Batch, *, train: bool) -> Mapping[str, Tensor]:
        output = model(batch["x"])
        return {
            "loss": nn.functional.cross_entropy(output, batch["labels"]),
            "output": output.detach(),
        }

    def batch_metrics(self, result: Mapping[str, Any], batch: Batch) -> Mapping[str, Tensor]:
        return {"accuracy": (result["output"].argmax(1) == batch["labels"]).sum()}

    def build_meter(self, processor: Any) -> ClassificationMeter:
        return ClassificationMeter(2)

    def predict(
        self, model: Any, processor: Any, inputs: Any, device: Any, options: Any
    ) -> list[dict[str, Any]]:
        return [{"label": "a"} for _ in inputs]


@dataclass
class Notes:
    """A Monitor that writes everything down, and asks to stop after `stop_at` steps."""

    stop_at: int | None = None
    values: list[tuple[int, str, float]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    saves: list[tuple[int, bool]] = field(default_factory=list)
    snapshots: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    pins: list[tuple[int, Any]] = field(default_factory=list)
    results: TestResults | None = None
    total_steps: int = 0
    step: int = 0

    def begin(self, total_steps: int, start_step: int) -> None:
        self.total_steps, self.step = total_steps, start_step

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        self.values += [(step, name, value) for name, value in values.items()]

    def event(self, kind: str, message: str) -> None:
        self.events.append(kind)

    def snapshot(self, step: int, epoch: float, content: Mapping[str, Any]) -> None:
        self.snapshots.append((step, dict(content)))

    def pinned(self) -> list[tuple[int, Any]]:
        return self.pins

    def tested(self, results: TestResults) -> None:
        self.results = results

    def before_save(self) -> None:
        pass

    def saved(self, step: int, is_best: bool) -> None:
        self.saves.append((step, is_best))

    def should_stop(self) -> bool:
        # Asked once after every step, and during validation.
        self.step += 1
        return self.stop_at is not None and self.step >= self.stop_at

    def series(self, name: str) -> dict[int, str]:
        """Step to value as hex, so that equal means every bit."""
        return {step: value.hex() for step, key, value in self.values if key == name}
