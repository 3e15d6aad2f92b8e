"""Word embeddings: which words, or texts, mean something alike, learnt from their company."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from backend.models import hub
from backend.models.spec import ModelSpec, Weights
from backend.scores.naive import Naive
from backend.tasks.base import (
    Batch,
    Example,
    Meter,
    Metric,
    Processor,
    Split,
    SplitName,
    Task,
    register_task,
)
from backend.training.config import Options, TrainingConfig, setting
from storage.records import Dataset

if TYPE_CHECKING:
    import torch
    from torch import nn

    from backend.models.vector_questions import VectorModel

MOST_MAPPED = 300
"""Words or texts on the map."""


@dataclass(frozen=True, kw_only=True)
class WordEmbeddingsConfig(TrainingConfig):
    """What can be set for a training on the company of words."""

    dimensions: int = setting(100, "Numbers per word", "How long the list of numbers is that stands for a word. More can tell more apart, and need more text.", low=2, high=1000, advanced=False, curve="More lets the loss fall further, where there is enough text.")  # fmt: skip  # noqa: E501
    window: int = setting(5, "Window", "How many words to either side count as company. Small finds words of one kind, large finds words of one topic.", low=1, high=50, curve="A larger one makes the loss higher, since far words are harder to guess; the words are learnt from more examples.")  # fmt: skip  # noqa: E501
    min_count: int = setting(5, "Least occurrences", "A rarer word gets no numbers: too little is seen of it.", low=1, high=10_000, curve="A higher one leaves out what is hardly ever seen: the loss ends lower.")  # fmt: skip  # noqa: E501
    vocabulary_size: int = setting(20_000, "Most words", "Of all words that occur often enough, so many of the most frequent.", low=20, high=500_000, curve="Fewer words make the loss end lower, since the rare ones are left out.")  # fmt: skip  # noqa: E501
    negatives: int = setting(5, "Wrong words per right one", "For each word of the company, how many words drawn by chance it is told apart from.", low=1, high=100, curve="More make the loss higher, since more must be told apart, and the neighbours better.")  # fmt: skip  # noqa: E501
    subsample: float = setting(1e-3, "Frequent words", "Words more frequent than this share are left out now and then, since they say little; 0 leaves none out.", low=0.0, high=1.0, curve="Leaving out frequent words makes the loss higher, since they are the easy ones.")  # fmt: skip  # noqa: E501
    words_per_epoch: int = setting(100_000, "Words per epoch", "After so many words it is measured and the map is drawn anew.", low=100, high=100_000_000, curve="More words make the epochs longer, so that there are fewer points on the validation curve.")  # fmt: skip  # noqa: E501
    map: str = setting("pca", "Map", "How many numbers become two: PCA is plain and quick, t-SNE shows groups more clearly and takes a few seconds each time.", choices=("pca", "tsne"), curve="Changes nothing in the curve, only how the map looks.")  # fmt: skip  # noqa: E501
    pretrained: bool = setting(False, "Pretrained weights", "For models of whole texts: start from one that has already read a billion sentences.", curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501


@dataclass(frozen=True, kw_only=True)
class NeighbourOptions(Options):
    """What can be set when a model is asked for neighbours."""

    count: int = setting(10, "How many", "The number of nearest ones.", low=1, high=50)


# Parameters are counted for 8,000 words.
FROM_ZERO = {
    "epochs": 15,
    "batch_size": 1024,
    "learning_rate": 1e-2,
    "weight_decay": 0.0,
    "max_grad_norm": 0.0,
}
MODELS = (
    ModelSpec(
        "skip-gram",
        "Skip-gram",
        "For each word it guesses which words stand around it. The classic (word2vec); good with "
        "little text and with rare words.",
        "trainroom",
        1_600_000,
        memory_mb=300,
        defaults=FROM_ZERO,
    ),
    ModelSpec(
        "cbow",
        "CBOW",
        "The other way round: it guesses a word from those around it. Quicker, and smoother for "
        "frequent words.",
        "trainroom",
        1_600_000,
        memory_mb=300,
        defaults=FROM_ZERO,
    ),
    ModelSpec(
        "minilm",
        "MiniLM, whole texts",
        "Gives a place to whole sentences instead of words: finds texts that mean something alike. "
        "Knows English already, and its weights are here.",
        "transformers",
        22_565_376,
        checkpoint=hub.MINILM,
        download_mb=91,
        memory_mb=1500,
        licence="Apache-2.0",
        defaults={"epochs": 2, "batch_size": 16, "learning_rate": 2e-5, "weight_decay": 0.01},
    ),
)


@register_task
class WordEmbeddings(Task):
    name = "word-embeddings"
    title = "Word embeddings"
    description = "Finds words or texts that mean something alike, and draws a map of them."
    icon = "bubble_chart"
    formats = ("text", "text-class")
    input_kind: ClassVar = "text"
    input_hint = "Type a word, or a sum such as: king - man + woman"
    answer_kind: ClassVar = "neighbours"
    metrics = (
        Metric("neighbours", "Right neighbours", "Of ten words that are equally frequent, one "
               "stood beside the given word in a text that was kept aside: how often the model "
               "has that one nearest. Guessing gives 10 %. With whole texts: of ten second halves, "
               "the right one."),
    )  # fmt: skip
    best_metric = "neighbours"
    epoch_is_all_examples = False
    config = WordEmbeddingsConfig
    options = NeighbourOptions
    models = MODELS

    def weights(self, spec: ModelSpec) -> Weights:
        return hub.where(spec) if spec.checkpoint else Weights.SCRATCH

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models import huggingface
        from backend.models.text_vectors import PASSAGE_TOKENS, PassageProcessor
        from backend.models.word_vectors import WordProcessor

        chosen, store = _options(config), Store.open(dataset)
        if not spec.checkpoint:
            return WordProcessor.fit(dataset.id, store, chosen.vocabulary_size, chosen.min_count)
        tokens = huggingface.build_processor(spec, [], PASSAGE_TOKENS, pretrained=chosen.pretrained)
        return PassageProcessor.fit(tokens, store)

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.text_vectors import PASSAGES, PassageProcessor
        from backend.models.word_vectors import WordProcessor

        kind = PassageProcessor if (folder / PASSAGES).exists() else WordProcessor
        return kind.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.text_vectors import Halves, PassageProcessor
        from backend.models.word_vectors import WordPlaces, WordProcessor

        chosen, store = _options(config), Store.open(dataset)
        if isinstance(processor, PassageProcessor):
            return Halves(store, processor, split)
        assert isinstance(processor, WordProcessor)
        return WordPlaces(
            store,
            processor,
            split,
            window=chosen.window,
            subsample=chosen.subsample,
            per_epoch=chosen.words_per_epoch,
        )

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        from backend.models import huggingface
        from backend.models.text_vectors import PassageProcessor, SentenceVectors
        from backend.models.word_vectors import WordProcessor, WordVectors

        chosen = _options(config)
        if isinstance(processor, PassageProcessor):
            encoder = huggingface.build_encoder(spec, processor.tokens, pretrained=pretrained)
            passages = len(processor.passages)
            model: Any = SentenceVectors(
                encoder, passages=passages, mapped=min(passages, MOST_MAPPED)
            )
        else:
            assert isinstance(processor, WordProcessor)
            model = WordVectors(
                len(processor.words),
                chosen.dimensions,
                skip_gram=spec.name == "skip-gram",
                negatives=chosen.negatives,
                mapped=len(processor.mapped(MOST_MAPPED)),
            )
        model.map_method = chosen.map
        return model

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        return _vectors(model).learn(batch)

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.vector_scores import NeighbourMeter

        return NeighbourMeter()

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.vector_scores import guessing

        return guessing()

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        """{"neighbours": [{"text", "score"}], "map": {"points"}} for each word, sum, or text."""
        assert isinstance(options, NeighbourOptions)
        vectors = _vectors(model)
        return [vectors.ask(processor, value, device, options.count) for value in inputs]

    def snapshot(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> dict[str, Any] | None:
        """The map of frequent words, or of some texts, turned to lie as at the last evaluation."""
        return {"kind": "map", **_vectors(model).draw_map(processor, device)}

    def examples(self, dataset: Dataset, *, limit: int, seed: int) -> list[Example]:
        """Words, and sums of words, of the test split; and the beginning of a text."""
        from backend.datasets.preview import example_words

        return [Example(words, words) for words in example_words(dataset, limit=limit, seed=seed)]


def _options(config: TrainingConfig) -> WordEmbeddingsConfig:
    assert isinstance(config, WordEmbeddingsConfig)
    return config


def _vectors(model: "nn.Module") -> "VectorModel":
    return cast("VectorModel", model)
