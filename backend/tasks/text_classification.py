"""Text classification: which of the classes a text belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.errors import ConfigError
from backend.models import hub, huggingface
from backend.models.lora import rank_setting, tuning_setting
from backend.models.spec import ModelSpec, Weights
from backend.tasks.base import (
    CLASSIFICATION_METRICS,
    Batch,
    Processor,
    Split,
    SplitName,
    register_task,
)
from backend.tasks.classification import Classification
from backend.training.config import Options, TrainingConfig, setting
from storage.records import Dataset

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class TextClassificationConfig(TrainingConfig):
    """What can be set for a training on texts."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already read millions of sentences, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    freeze_backbone: bool = setting(False, "Train the last layer only", "Keep the pretrained part as it is: much faster, and good for very small data.", curve="Falls quickly and flattens early; the two losses stay close together.")  # fmt: skip  # noqa: E501
    tuning: str = tuning_setting()
    lora_rank: int = rank_setting()
    max_length: int = setting(128, "Longest text", "How many tokens (pieces of words) of each text are read; the rest is cut off.", low=4, high=8192, curve="Longer texts can end lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    vocabulary_size: int = setting(8000, "Vocabulary size", "For models that start from zero: how many different tokens they know.", low=300, high=100_000, curve="Many tokens let the training loss fall further than the validation loss when data is small.")  # fmt: skip  # noqa: E501
    class_balance: str = setting("none", "Uneven classes", "For classes with far fewer examples than others: nothing, let their mistakes count more, or show their examples more often.", choices=("none", "weights", "sampling"), curve="The losses rise a little; the rare classes are met more often.")  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.freeze_backbone and not self.pretrained:
            raise ConfigError(
                "Train the last layer only makes sense with pretrained weights: switch them on, or "
                "let all layers train."
            )
        if self.freeze_backbone and self.tuning == "lora":
            raise ConfigError(
                "The last layer only, or small additions to the others (LoRA): choose one of them."
            )


# Parameters are counted for ten classes, 8,000 tokens and texts of at most 128 tokens.
# BERT's classic recipe; a warm-up that is too long for the run is cut to a tenth of it.
FINE_TUNING = {
    "epochs": 3, "batch_size": 16, "learning_rate": 5e-5, "scheduler": "linear",
    "warmup_steps": 500, "weight_decay": 0.01,
}  # fmt: skip
RECIPE = "BERT's classic recipe: three epochs, 16 texts at once, a warm-up of at most 500 steps."
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
        recipe=RECIPE,
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
        recipe=RECIPE,
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
        recipe=RECIPE,
    ),
)


@register_task
class TextClassification(Classification):
    name = "text-classification"
    title = "Text classification"
    description = "Sorts texts into classes, such as languages, topics, or praise and complaint."
    icon = "article"
    formats = ("text-class",)
    input_kind: ClassVar = "text"
    metrics = CLASSIFICATION_METRICS
    config = TextClassificationConfig
    models = MODELS
    hub_tags = ("fill-mask", "sentence-similarity")
    place = 20

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if hub.is_outside_name(name):
            found = hub.describe(name, {**FINE_TUNING, "pretrained": True})
            return replace(found, recipe=RECIPE)
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
        store = Store.open(dataset)
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
        balance = _options(config).class_balance if split == "train" else "none"
        return TextSplit(Store.open(dataset), processor, split, balance)

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
        chosen = _options(config)
        with_lora = chosen.pretrained and chosen.tuning == "lora"
        return huggingface.build_network(
            spec,
            processor,
            pretrained=pretrained,
            freeze_backbone=chosen.freeze_backbone,
            lora_rank=chosen.lora_rank if with_lora else 0,
        )

    def logits(self, model: "nn.Module", batch: Batch) -> "Tensor":
        # transformers' models wrap theirs in an object.
        result = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        return getattr(result, "logits", result)

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        from backend.models.classification import answers

        return answers(self.logits(model, processor(inputs, device)), processor.classes)

    def explain(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        about: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from backend.models.explaining_gradients import token_relevance, word_vectors
        from backend.models.explaining_texts import explain_class, token_offsets
        from backend.models.text_processing import TextProcessor

        assert isinstance(processor, TextProcessor)
        layer = word_vectors(model)

        def logits(texts: Sequence[str]) -> "Tensor":
            return self.logits(model, processor(texts, device))

        def ask(ids: "Tensor", mask: "Tensor") -> "Tensor":
            return self.logits(model, {"input_ids": ids, "attention_mask": mask})

        def tokens(index: int) -> Any:
            if layer is None:
                return None
            batch = processor([value], device)
            ids, mask = batch["input_ids"], batch["attention_mask"]
            added = token_relevance(ask, layer, ids, mask, processor.pad_id, index)
            return token_offsets(processor.tokenizer, value, len(added)), added

        yield from explain_class(value, logits, processor.classes, tokens, about)


def _options(config: TrainingConfig) -> TextClassificationConfig:
    assert isinstance(config, TextClassificationConfig)
    return config
