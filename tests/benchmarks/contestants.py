"""The usual ways to train the same network on the same data, each in a process of its own.

`python -m tests.benchmarks.contestants NAME DATASET MODEL EPOCHS BATCH` prints the seconds from
the end of the first step to the end of the last, and the examples seen in between, as JSON.
None of them validates, logs each step or saves checkpoints; Trainroom does all three.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from backend import datasets, runs
from backend.tasks import get_task
from backend.tasks.base import Split
from backend.training.config import config_from

CPU = torch.device("cpu")


@dataclass
class Clock:
    """Reads the time at the end of each step; the first one, with its set-up costs, is left out."""

    batch_size: int
    moments: list[float] = field(default_factory=list)

    def tick(self) -> None:
        self.moments.append(time.perf_counter())

    def result(self, examples: int) -> dict[str, float]:
        """examples: seen in all steps together."""
        seconds = self.moments[-1] - self.moments[0]
        return {"seconds": seconds, "examples": examples - self.batch_size}


class WithLoss(nn.Module):
    """A network that takes labels and returns its loss, as the trainers expect it."""

    def __init__(self, network: nn.Module, input_names: list[str]) -> None:
        super().__init__()
        self.network, self.input_names = network, input_names

    def forward(self, labels: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        found = self.network(*(inputs[name] for name in self.input_names))
        scores = getattr(found, "logits", found)
        return {"loss": nn.functional.cross_entropy(scores, labels), "logits": scores}


class Items(torch.utils.data.Dataset[dict[str, Tensor]]):
    """The split one example at a time, as a data loader asks for it."""

    def __init__(self, split: Split) -> None:
        everything = [split.batch(torch.tensor([i]), CPU) for i in range(len(split))]
        self.items = [{name: tensor[0] for name, tensor in item.items()} for item in everything]
        self.lengths = None if split.lengths is None else split.lengths.tolist()

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return dict(self.items[index])


def collate(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Stack; texts are padded to the longest of the batch."""
    batch = {}
    for name in items[0]:
        values = [item[name] for item in items]
        if name in ("input_ids", "attention_mask"):
            batch[name] = nn.utils.rnn.pad_sequence(values, batch_first=True)
        else:
            batch[name] = torch.stack(values)
    return batch


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    small = sum(weight.numel() for weight in model.parameters()) < 500_000
    if small:
        return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)


def plain_loop(
    model: WithLoss, batches: Callable[[], Iterator[dict[str, Tensor]]], epochs: int, clock: Clock
) -> None:
    optimizer = build_optimizer(model)
    model.train()
    for _ in range(epochs):
        for batch in batches():
            model(**batch)["loss"].backward()
            optimizer.step()
            optimizer.zero_grad()
            clock.tick()


def indexed(model: WithLoss, split: Split, epochs: int, size: int, clock: Clock) -> None:
    """The bare loop: each batch is indexed out of tensors that are there."""

    def batches() -> Iterator[dict[str, Tensor]]:
        order = torch.randperm(len(split))
        tensors = getattr(split, "images", None)
        for start in range(0, len(split), size):
            chosen = order[start : start + size]
            if tensors is None:
                yield split.batch(chosen, CPU)
            else:
                yield {"images": tensors[chosen], "labels": split.labels[chosen]}  # type: ignore[attr-defined]

    plain_loop(model, batches, epochs, clock)


def loader(model: WithLoss, split: Split, epochs: int, size: int, clock: Clock) -> None:
    """The loop of most tutorials: a DataLoader over a Dataset of single examples."""
    data = torch.utils.data.DataLoader(Items(split), size, shuffle=True, collate_fn=collate)
    plain_loop(model, lambda: iter(data), epochs, clock)


def accelerate(model: WithLoss, split: Split, epochs: int, size: int, clock: Clock) -> None:
    """Hugging Face Accelerate around a plain loop."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    data = torch.utils.data.DataLoader(Items(split), size, shuffle=True, collate_fn=collate)
    wrapped, optimizer, data = accelerator.prepare(model, build_optimizer(model), data)
    wrapped.train()
    for _ in range(epochs):
        for batch in data:
            accelerator.backward(wrapped(**batch)["loss"])
            optimizer.step()
            optimizer.zero_grad()
            clock.tick()


def trainer(model: WithLoss, split: Split, epochs: int, size: int, clock: Clock) -> None:
    """Hugging Face's Trainer; texts grouped by length, as it can do."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Ticks(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.tick()

    items = Items(split)
    grouping = {"train_sampling_strategy": "group_by_length"} if items.lengths else {}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=size,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
            remove_unused_columns=False,
            **grouping,
        )
        Trainer(
            model,
            arguments,
            train_dataset=items,
            data_collator=collate,
            callbacks=[Ticks()],
            optimizers=(build_optimizer(model), None),
        ).train()


def lightning(model: WithLoss, split: Split, epochs: int, size: int, clock: Clock) -> None:
    """Lightning's Trainer."""
    from lightning import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
            return self.inner(**batch)["loss"]

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return build_optimizer(self.inner)

        def on_train_batch_end(self, *_: Any) -> None:
            clock.tick()

    data = torch.utils.data.DataLoader(Items(split), size, shuffle=True, collate_fn=collate)
    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        ).fit(Module(), data)


CONTESTANTS = {
    "bare loop over indexed tensors": indexed,
    "per-item DataLoader": loader,
    "Accelerate": accelerate,
    "Hugging Face Trainer": trainer,
    "Lightning": lightning,
}


def main(name: str, dataset_key: str, model_name: str, epochs: int, size: int) -> None:
    dataset = datasets.get_dataset(dataset_key)
    task = get_task(dataset.task)
    spec = task.get_model(model_name)
    defaults = runs.default_config(task.name, model_name).__dict__
    plain = {"augmentation": "none"} if "augmentation" in defaults else {}
    config = config_from(task.config, {**defaults, **plain})
    processor = task.build_processor(dataset, spec, config)
    split = task.load_split(dataset, processor, config, "train")
    pretrained = bool(defaults.get("pretrained"))
    torch.manual_seed(0)
    network = task.build_model(spec, processor, config, pretrained=pretrained)
    # The order in memory that a loop has whose author did not ask for another.
    network.to(memory_format=torch.contiguous_format)
    names = [name for name in split.batch(torch.tensor([0]), CPU) if name != "labels"]
    clock = Clock(size)
    CONTESTANTS[name](WithLoss(network, names), split, epochs, size, clock)
    print("RESULT", json.dumps(clock.result(epochs * len(split))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
