"""Text generation: learns to write like the texts it reads, and goes on from a prompt."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.models import hub
from backend.models.lora import rank_setting, tuning_setting
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
    from torch import Tensor, nn

    from backend.models.running_text import WritingProcessor
    from backend.models.writing import Sampling

MADE_TO_WRITE = ("ForCausalLM", "LMHeadModel")
"""How architectures that write text are called by transformers."""
MOST_VALIDATION = 200
"""Windows that the validation looks at, evenly spread; the test looks at all."""
SHOWN, SHOWN_BYTES = 3, 160
"""Samples at each evaluation, and about how long each is."""
GROWTH_SECONDS = 0.05
"""An answer that grows is sent at most so often."""


@dataclass(frozen=True, kw_only=True)
class TextGenerationConfig(TrainingConfig):
    """What can be set for a training on running text."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already read millions of pages, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    tuning: str = tuning_setting()
    lora_rank: int = rank_setting()
    tokens: str = setting("pieces", "It writes in", "Pieces of words, which are learnt from the texts, or single characters: simpler, slower, and good for very little text. For models from zero.", choices=("pieces", "characters"), curve="Losses of pieces and of characters cannot be compared: a piece is harder to guess than a character.")  # fmt: skip  # noqa: E501
    vocabulary_size: int = setting(2000, "Vocabulary size", "For pieces of words: how many different ones there are.", low=300, high=100_000, curve="More pieces start at a higher loss, since there is more to choose from.")  # fmt: skip  # noqa: E501
    context: int = setting(128, "Memory", "How many tokens (pieces or characters) it looks back when it chooses the next one.", low=8, high=4096, curve="Looking back further ends lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    windows: int = setting(512, "Stretches per epoch", "After so many stretches of text it is measured and writes a sample. A long text takes several epochs to be read once.", low=8, high=1_000_000, curve="More stretches make the epochs longer, so that there are fewer points on the validation curve.")  # fmt: skip  # noqa: E501

    @property
    def evaluation_batch_size(self) -> int:
        """A score for each of many tokens at each place: no more at once than in training."""
        return self.batch_size


@dataclass(frozen=True, kw_only=True)
class WritingOptions(Options):
    """What can be set when a model is to write."""

    length: int = setting(200, "Length", "The most tokens (pieces of words or characters) that it writes.", low=1, high=2000)  # fmt: skip  # noqa: E501
    temperature: float = setting(0.8, "Temperature", "How daring it is: 0 always takes the likeliest, 1 draws as it learnt, above that it gets wild.", low=0.0, high=3.0)  # fmt: skip  # noqa: E501
    top_k: int = setting(0, "Best of (top-k)", "It chooses among so many of the likeliest only; 0 among all.", low=0, high=10_000)  # fmt: skip  # noqa: E501
    top_p: float = setting(0.95, "Likely ones (top-p)", "It chooses among the likeliest that together have this share; 1 among all.", low=0.01, high=1.0)  # fmt: skip  # noqa: E501
    seed: int = setting(0, "Seed", "The same number writes the same text again; change it for another.", low=0, high=2**31 - 1)  # fmt: skip  # noqa: E501


# Parameters are counted for a vocabulary of 2,000 pieces.
FROM_ZERO = {"epochs": 20, "batch_size": 16, "weight_decay": 0.01}
FINE_TUNING = {
    "pretrained": True,
    "tuning": "lora",
    "epochs": 5,
    "batch_size": 4,
    "windows": 200,
    "learning_rate": 5e-4,
}
MODELS = (
    ModelSpec(
        "gru",
        "GRU",
        "Reads token by token and keeps a memory of what was. Small and quick, and soon writes "
        "words.",
        "trainroom",
        587_344,
        memory_mb=500,
        defaults={**FROM_ZERO, "learning_rate": 3e-3},
    ),
    ModelSpec(
        "lstm",
        "LSTM",
        "The classic writing network: keeps two kinds of memory, one for now and one for long.",
        "trainroom",
        686_160,
        memory_mb=500,
        defaults={**FROM_ZERO, "learning_rate": 3e-3},
    ),
    ModelSpec(
        "small-gpt",
        "Small GPT",
        "The kind of network behind today's chat programs, in small and from zero: looks back at "
        "everything in its memory at once.",
        "trainroom",
        1_047_296,
        memory_mb=700,
        defaults={**FROM_ZERO, "learning_rate": 2e-3},
    ),
    ModelSpec(
        "distilgpt2",
        "DistilGPT-2",
        "A smaller GPT-2: writes fluent English already and takes on the style of your texts.",
        "transformers",
        81_912_576,
        checkpoint="distilbert/distilgpt2",
        download_mb=353,
        memory_mb=2500,
        licence="Apache-2.0",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "gpt2",
        "GPT-2",
        "The well-known network that writes English, in its smallest size. Wants a graphics card.",
        "transformers",
        124_439_808,
        checkpoint="openai-community/gpt2",
        download_mb=548,
        memory_mb=3500,
        licence="MIT",
        defaults=FINE_TUNING,
    ),
)


@register_task
class TextGeneration(Task):
    name = "text-generation"
    title = "Text generation"
    description = "Learns to write like the texts that it reads, and goes on from your words."
    icon = "edit_note"
    formats = ("text", "text-class")
    input_kind: ClassVar = "text"
    input_hint = "Type how the text begins …"
    answer_kind: ClassVar = "text"
    metrics = (
        Metric("bits_per_byte", "Bits per byte", "How many bits it takes to write down a byte of "
               "text with its help; plain text takes 8. Comparable between all models.",
               percent=False, higher_is_better=False),
        Metric("perplexity", "Perplexity", "Among how many equally likely tokens it seems to "
               "choose; only comparable between models with the same tokens.",
               percent=False, higher_is_better=False, live=False),
    )  # fmt: skip
    config = TextGenerationConfig
    options = WritingOptions
    models = MODELS
    epoch_is_all_examples = False
    place = 40

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if not hub.is_outside_name(name):
            return super().get_model(name)
        known = next((spec for spec in MODELS if spec.checkpoint == name), None)
        return known or hub.describe(name, FINE_TUNING)

    def weights(self, spec: ModelSpec) -> Weights:
        if not spec.checkpoint:
            return Weights.SCRATCH
        found = hub.where(spec)
        if folder := hub.find_folder(spec.checkpoint):
            hub.check_architecture(folder, MADE_TO_WRITE, "to write text", "GPT-2")
        return found

    def prepare(self, dataset: Dataset) -> None:
        """Train the tokenizer that the models from zero share: several seconds, once."""
        self.build_processor(dataset, MODELS[0], self.config())

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models import causal_models, running_text

        chosen = _options(config)
        if spec.checkpoint and (chosen.pretrained or spec.checkpoint not in causal_models.KNOWN):
            return causal_models.pretrained_processor(spec, chosen.context, MADE_TO_WRITE)
        tokenizer = running_text.load_or_train(
            dataset.id, Store.open(dataset), chosen.tokens, chosen.vocabulary_size
        )
        processor = running_text.WritingProcessor(tokenizer, chosen.context)
        if spec.checkpoint:
            causal_models.describe_from_zero(spec, processor)
        return processor

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.running_text import WritingProcessor

        return WritingProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.running_text import Windows

        most = {"train": _options(config).windows, "validation": MOST_VALIDATION, "test": None}
        return Windows(Store.open(dataset), _writing(processor), split, most=most[split])

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        from torch import nn

        from backend.models import causal_models, language_models

        writing, chosen = _writing(processor), _options(config)
        if spec.name == "small-gpt":
            return language_models.SmallGPT(writing.vocabulary_size)
        if spec.name in ("gru", "lstm"):
            cell = nn.GRU if spec.name == "gru" else nn.LSTM
            return language_models.RecurrentLanguageModel(cell, writing.vocabulary_size)
        with_lora = chosen.pretrained and chosen.tuning == "lora"
        return causal_models.build_network(
            spec, writing, pretrained=pretrained, lora_rank=chosen.lora_rank if with_lora else 0
        )

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        from backend.models.running_text import next_token_loss

        return next_token_loss(model(batch["ids"]), batch["targets"])

    def batch_metrics(self, result: Mapping[str, Any], batch: Batch) -> Mapping[str, "Tensor"]:
        from backend.models.running_text import bits_per_byte

        return {"bits_per_byte": bits_per_byte(result["cost"], batch["bytes"]).sum()}

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.running_text import WritingMeter

        return WritingMeter()

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.running_text import Windows, counted_tokens

        assert isinstance(train, Windows)
        assert isinstance(split, Windows)
        return counted_tokens(train, split, _writing(processor).vocabulary_size)

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        """{"text", "continues": True, "hints"} for each prompt: the text without the prompt."""
        return [list(self._grow(model, processor, value, device, options))[-1] for value in inputs]

    def stream(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        options: Options,
    ) -> Iterator[dict[str, Any]]:
        told_at = 0.0
        for answer in self._grow(model, processor, value, device, options):
            now = time.monotonic()
            if answer["hints"] is not None or now - told_at > GROWTH_SECONDS:
                told_at = now
                yield {**answer, "hints": answer["hints"] or []}

    def _grow(
        self, model: "nn.Module", processor: Processor, value: str, device: Any, options: Options
    ) -> Iterator[dict[str, Any]]:
        """The answer after each token; hints is None until it is complete."""
        from backend.models.writing import next_tokens

        writing, how = _writing(processor), _sampling(options)
        prompt = writing([value], device)["prompts"][0]
        answer: dict[str, Any] = {"text": "", "continues": True, "hints": None}
        ids: list[int] = []
        for token in next_tokens(
            model, prompt, how, context=writing.context, end_id=writing.end_id
        ):
            ids.append(token)
            answer = {**answer, "text": writing.decode(ids)}
            yield answer
        hints = []
        if len(ids) < how.length:
            hints.append("Here the model ended its text by itself.")
        if len(prompt) >= writing.context:
            hints.append(f"Your text is long: only its last {writing.context - 1} tokens counted.")
        yield {**answer, "hints": hints}

    def snapshot(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> dict[str, Any] | None:
        """How it goes on from the first words of some validation texts, always the same ones."""
        from backend.models.running_text import Windows
        from backend.models.writing import Sampling, sample_texts

        assert isinstance(validation, Windows)
        texts = validation.texts
        places = sorted({number * (len(texts) - 1) // max(1, SHOWN - 1) for number in range(SHOWN)})
        length = max(8, round(SHOWN_BYTES / validation.bytes_per_token))
        how = Sampling(temperature=0.8, top_p=0.95, length=length)
        chosen = [texts[place] for place in places]
        return {
            "kind": "texts",
            "items": sample_texts(model, _writing(processor), chosen, device, how),
        }

    def examples(self, dataset: Dataset, *, limit: int, seed: int) -> list[Example]:
        """The first words of texts of the test split, to go on from."""
        from backend.datasets.preview import first_words, list_examples

        found = list_examples(dataset, "test", limit=limit, seed=seed)
        begun = [first_words(one.text or "") for one in found]
        return [Example(words, words) for words in dict.fromkeys(begun)]


def _options(config: TrainingConfig) -> TextGenerationConfig:
    assert isinstance(config, TextGenerationConfig)
    return config


def _writing(processor: Processor) -> "WritingProcessor":
    from backend.models.running_text import WritingProcessor

    assert isinstance(processor, WritingProcessor)
    return processor


def _sampling(options: Options) -> "Sampling":
    from backend.models.writing import Sampling

    assert isinstance(options, WritingOptions)
    return Sampling(options.temperature, options.top_k, options.top_p, options.length, options.seed)
