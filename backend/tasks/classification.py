"""What the tasks have in common that sort into classes; the task files extend it.

Each of them says how its model gives scores for a batch; loss, scores, the naive guess and what
the model made of an example follow from these.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from backend.scores.naive import Naive
from backend.tasks.base import Batch, Meter, Processor, Split, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


class LabelledSplit(Split, Protocol):
    """A split that knows the class of each of its examples: labels, int64 [n]."""

    labels: "Tensor"


class Classification(Task):
    """A task whose answer is one of the classes, with a share of certainty for each."""

    answer_kind: ClassVar = "label"

    @abstractmethod
    def logits(self, model: "nn.Module", batch: Batch) -> "Tensor":
        """The model's scores for each class, [b, classes]: its shares before the softmax."""

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        from backend.models.classification import cross_entropy

        return cross_entropy(self.logits(model, batch), batch["labels"], batch.get("weights"))

    def batch_metrics(self, result: Mapping[str, Any], batch: Batch) -> Mapping[str, "Tensor"]:
        from backend.models.classification import count_right

        return count_right(result["output"], batch["labels"])

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.classification import ClassificationMeter

        return ClassificationMeter(len(processor.classes))

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.classification import largest_class

        known, asked = cast(LabelledSplit, train), cast(LabelledSplit, split)
        return largest_class(known.labels, asked.labels, processor.classes)

    def features(self, model: "nn.Module", batch: Batch) -> "Tensor | None":
        from backend.models.features import before_last_layer

        mask = batch.get("attention_mask")
        return before_last_layer(model, lambda: self.logits(model, batch), mask)
