"""Text classification: which of the classes a text belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.errors import ConfigError
from backend.models import hub, huggingface
from backend.models.spec import ModelSpec, Weights
from backend.tasks.base import Batch, Processor, Split, SplitName, Task, register_task
from backend.training.config import TrainingConfig, setting
from storage.records import Dataset

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class TextClassificationConfig(TrainingConfig):
    """What can be set for a training on texts."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already read millions of sentences, instead of from zero.", advanced=False)  # fmt: skip  # noqa: E501
    freeze_backbone: bool = setting(False, "Train the last layer only", "Keep the pretrained part as it is: much faster, and good for very small data.")  # fmt: skip  # noqa: E501
    max_length: int = setting(128, "Longest text", "How many tokens (pieces of words) of each text are read; the rest is cut off.", low=4, high=8192)  # fmt: skip  # noqa: E501
    vocabulary_size: int = setting(8000, "Vocabulary size", "For models that start from zero: how many different tokens they know.", low=300, high=100_000)  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.freeze_backbone and not self.pretrained:
            raise ConfigError(
                "Train the last layer only makes sense with pretrained weights: switch them on, or "
                "let all layers train."
            )


# Parameters are counted for ten classes, 8,000 tokens and texts of at most 128 tokens.
FINE_TUNING = {"epochs": 3, "batch_size": 16, "learning_rate": 5e-5, "scheduler": "linear"}
MODELS = (
    ModelSpec(
        "embedding-bag",
        "Bag of embeddings",
        "Counts which words and pieces of words occur. Trains in seconds; surprisingly good at "
        "languages and topics.",
        "trainroom",
        512_650,
        memory_mb=300,
        defaults={"learning_rate": 1e-2, "epochs": 10, "batch_size": 32},
    ),
    ModelSpec(
        "gru",
        "GRU",
        "Reads the text word by word in both directions and remembers. Good where word order "
        "matters and data is small.",
        "trainroom",
        881_674,
        memory_mb=500,
        defaults={"learning_rate": 3e-3, "epochs": 10, "batch_size": 32},
    ),
    ModelSpec(
        "lstm",
        "LSTM",
        "The classic reader of word order, with a longer memory than the GRU; a little slower.",
        "trainroom",
        918_922,
        memory_mb=500,
        defaults={"learning_rate": 3e-3, "epochs": 10, "batch_size": 32},
    ),
    ModelSpec(
        "transformer",
        "Small Transformer",
        "The kind of network behind today's language models, in small and from zero. Wants more "
        "data than the others.",
        "trainroom",
        1_306_890,
        memory_mb=600,
        defaults={"learning_rate": 1e-3, "epochs": 6, "batch_size": 32},
    ),
    ModelSpec(
        "minilm",
        "MiniLM",
        "Knows English from a billion sentence pairs, and its weights are here. The best choice "
        "for English texts without internet.",
        "transformers",
        22_569_226,
        checkpoint=hub.MINILM,
        download_mb=91,
        memory_mb=1500,
        licence="Apache-2.0",
        defaults={**FINE_TUNING, "learning_rate": 2e-4},
    ),
    ModelSpec(
        "distilbert",
        "DistilBERT",
        "A smaller BERT with nearly all of its skill in English. A good all-rounder on a graphics "
        "card.",
        "transformers",
        66_961_162,
        checkpoint="distilbert/distilbert-base-uncased",
        download_mb=268,
        memory_mb=2500,
        licence="Apache-2.0",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "bert-base",
        "BERT base",
        "The well-known Transformer for English: exact, and slow without a graphics card.",
        "transformers",
        109_489_930,
        checkpoint="google-bert/bert-base-uncased",
        download_mb=440,
        memory_mb=3500,
        licence="Apache-2.0",
        defaults=FINE_TUNING,
    ),
)


@register_task
class TextClassification(Task):
    name = "text-classification"
    title = "Text classification"
    description = "Sorts texts into classes, such as languages, topics, or praise and complaint."
    icon = "article"
    input_kind: ClassVar = "text"
    primary_metric = "accuracy"
    config = TextClassificationConfig
    models = MODELS

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if hub.is_outside_name(name):
            return hub.describe(name)
        return super().get_model(name)

    def weights(self, spec: ModelSpec) -> Weights:
        return hub.where(spec) if spec.checkpoint else Weights.SCRATCH

    def prepare(self, dataset: Dataset) -> None:
        """Train the tokenizer that the models from zero share: several seconds, once."""
        self.build_processor(dataset, self.get_model("embedding-bag"), self.config())

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models.text_processing import TextProcessor, load_or_train_tokenizer

        options = _options(config)
        if spec.checkpoint:
            return huggingface.build_processor(
                spec, dataset.classes, options.max_length, pretrained=options.pretrained
            )
        if options.pretrained:
            raise ConfigError(
                f"{spec.title} has no pretrained weights. Switch them off, or choose another model."
            )
        store = Store.open(dataset.id)
        tokenizer = load_or_train_tokenizer(dataset.id, store, options.vocabulary_size)
        return TextProcessor(dataset.classes, options.max_length, tokenizer)

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.text_processing import TextProcessor

        return TextProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.text_processing import TextProcessor, TextSplit

        assert isinstance(processor, TextProcessor)
        return TextSplit(Store.open(dataset.id), processor, split)

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        from torch import nn

        from backend.models import networks
        from backend.models.text_processing import TextProcessor

        assert isinstance(processor, TextProcessor)
        classes, vocabulary = len(processor.classes), processor.vocabulary_size
        if spec.name == "embedding-bag":
            return networks.EmbeddingBagClassifier(vocabulary, classes)
        if spec.name == "transformer":
            return networks.TransformerClassifier(vocabulary, classes, processor.max_length)
        if spec.name in ("gru", "lstm"):
            cell = nn.GRU if spec.name == "gru" else nn.LSTM
            return networks.RecurrentClassifier(cell, vocabulary, classes)
        return huggingface.build_network(
            spec,
            processor,
            pretrained=pretrained,
            freeze_backbone=_options(config).freeze_backbone,
        )

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, "Tensor"]:
        from backend.models.classification import cross_entropy

        return cross_entropy(_logits(model, batch), batch["labels"])

    def batch_metrics(self, output: "Tensor", batch: Batch) -> Mapping[str, "Tensor"]:
        from backend.models.classification import count_right

        return count_right(output, batch["labels"])

    def evaluate(self, outputs: "Tensor", labels: "Tensor", classes: list[str]) -> dict[str, float]:
        from backend.models.classification import scores

        return scores(outputs, labels, len(classes))

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
    ) -> list[dict[str, Any]]:
        from backend.models.classification import answers

        return answers(_logits(model, processor(inputs, device)), processor.classes)


def _logits(model: "nn.Module", batch: Batch) -> "Tensor":
    """Scores [b, classes]; transformers' models wrap theirs in an object."""
    result = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    return getattr(result, "logits", result)


def _options(config: TrainingConfig) -> TextClassificationConfig:
    assert isinstance(config, TextClassificationConfig)
    return config
