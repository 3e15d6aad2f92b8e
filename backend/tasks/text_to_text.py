"""What the tasks have in common that answer a text with a text; the task files extend it.

Each of them says what it is called, which models it offers, what its answers are scored by, and
what it shows of them.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from backend.errors import ConfigError
from backend.models import hub
from backend.models.spec import ModelSpec, Weights
from backend.scores.naive import Naive
from backend.tasks.base import Batch, Meter, Processor, Split, SplitName, Task
from backend.training.config import Options, TrainingConfig, setting
from storage.records import Dataset

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class TextToTextConfig(TrainingConfig):
    """What can be set for a training on pairs of texts."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already read millions of sentences, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    max_length: int = setting(128, "Longest text", "How many tokens (pieces of words) of each text are read; the rest is cut off.", low=4, high=4096, curve="Longer texts can end lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    max_answer: int = setting(64, "Longest answer", "How many tokens an answer has at most.", low=2, high=1024, curve="Too short cuts answers off: the loss falls all the same, the scores do not rise.")  # fmt: skip  # noqa: E501
    vocabulary_size: int = setting(0, "Vocabulary size", "For models that start from zero: how many different tokens they know. 0 chooses by how much text there is; few make short pieces, which little data teaches better.", low=0, high=100_000, curve="Few tokens make the loss fall lower, since each is easier to guess; compare the scores instead.")  # fmt: skip  # noqa: E501
    attention: str = setting("additive", "Attention", "How LSTM and GRU look back at the text while they write: by adding, by multiplying, or not at all.", choices=("additive", "multiplicative", "none"), curve="With attention the loss falls off a cliff once it has found where to look; without it sinks slowly.")  # fmt: skip  # noqa: E501
    copy_words: bool = setting(False, "Copy words", "Lets a model that starts from zero point at pieces of the text and write them down: good for names and numbers.", curve="Where answers repeat parts of the text the loss falls sooner and lower.")  # fmt: skip  # noqa: E501
    prefix: str = setting("", "Instruction", "For models that were trained with instructions (T5): what is put before each text, such as “summarize:”.", curve="The one that the model knows lets the loss start lower.")  # fmt: skip  # noqa: E501


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(Options):
    """What can be set when a trained model is asked."""

    beams: int = setting(1, "Beams", "How many half-written answers it follows at once and then keeps the best of. 1 is quick and what the scores are measured with; 4 is often a little better.", low=1, high=10)  # fmt: skip  # noqa: E501
    longest: int = setting(0, "Longest answer", "In tokens (pieces of words); 0 leaves it as it was while training.", low=0, high=1024)  # fmt: skip  # noqa: E501


class TextToText(Task):
    """A task that learns from pairs of texts, with networks of our own and of transformers."""

    formats = ("text-pair",)
    input_kind: ClassVar = "text"
    answer_kind: ClassVar = "text"
    config = TextToTextConfig
    options = AnswerOptions
    fine_tuning: ClassVar[Mapping[str, Any]]
    """Settings that suit pretrained models."""

    @abstractmethod
    def scores(self, answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
        """How good answers are beside the right ones: the task's metrics by name."""

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if hub.is_outside_name(name):
            return hub.describe(name, {**self.fine_tuning, "pretrained": True})
        return super().get_model(name)

    def weights(self, spec: ModelSpec) -> Weights:
        if not spec.checkpoint:
            return Weights.SCRATCH
        found = hub.where(spec)
        if folder := hub.find_folder(spec.checkpoint):
            hub.check_reads_and_writes(folder)
        return found

    def prepare(self, dataset: Dataset) -> None:
        """Train the tokenizer that the models from zero share: a second or two, once."""
        self.build_processor(dataset, self.models[0], self.config())

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models import huggingface_seq2seq
        from backend.models.text_pairs import TextPairProcessor, load_or_train_pair_tokenizer

        options = _options(config)
        if spec.checkpoint and (
            options.pretrained or spec.checkpoint not in huggingface_seq2seq.KNOWN
        ):
            return huggingface_seq2seq.build_processor(
                spec,
                max_length=options.max_length,
                max_answer=options.max_answer,
                prefix=f"{options.prefix.strip()} ".lstrip(),
                languages=self.languages(config),
            )
        if options.pretrained:
            raise ConfigError(
                f"{spec.title} has no pretrained weights. Switch them off, or choose another model."
            )
        store = Store.open(dataset)
        tokenizer = load_or_train_pair_tokenizer(dataset.id, store, options.vocabulary_size)
        described = None
        if spec.checkpoint:
            vocabulary = tokenizer.get_vocab_size()
            described = huggingface_seq2seq.config_from_zero(spec.checkpoint, vocabulary)
        return TextPairProcessor(
            tokenizer, tokenizer, options.max_length, options.max_answer, model_config=described
        )

    def languages(self, config: TrainingConfig) -> tuple[str, str]:
        """The codes of the languages that go in and come out, where a model knows many."""
        return "", ""

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.text_pairs import TextPairProcessor

        return TextPairProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.text_pairs import TextPairProcessor, TextPairSplit

        assert isinstance(processor, TextPairProcessor)
        return TextPairSplit(Store.open(dataset), processor, split)

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        from torch import nn

        from backend.models import huggingface_seq2seq, seq2seq
        from backend.models.text_pairs import TextPairProcessor

        assert isinstance(processor, TextPairProcessor)
        if spec.checkpoint:
            return huggingface_seq2seq.build_network(spec, processor, pretrained=pretrained)
        options = _options(config)
        vocabulary, longest = processor.vocabulary_size, processor.max_answer
        if spec.name == "transformer":
            return seq2seq.TransformerSeq2Seq(vocabulary, longest, copy=options.copy_words)
        return seq2seq.RecurrentSeq2Seq(
            nn.GRU if spec.name == "gru" else nn.LSTM,
            vocabulary,
            longest,
            attention=cast(seq2seq.Scoring, options.attention),
            copy=options.copy_words,
        )

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        from backend.models import text_answers

        return text_answers.compute(model, batch, train=train)

    def batch_metrics(self, result: Mapping[str, Any], batch: Batch) -> Mapping[str, "Tensor"]:
        from backend.models.text_answers import token_accuracy

        return {"token_accuracy": token_accuracy(result["output"], batch["labels"]).sum()}

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.text_answers import TextMeter
        from backend.models.text_pairs import TextPairProcessor

        assert isinstance(processor, TextPairProcessor)
        return TextMeter(processor, self.scores)

    def effortless(self, texts: Sequence[str]) -> tuple[str, list[str]]:
        """How to answer without having learnt, in words, and what that gives for each text."""
        return "writing down each text as it is", list(texts)

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.text_pairs import TextPairSplit

        assert isinstance(split, TextPairSplit)
        words, answers = self.effortless(split.texts)
        return Naive(words, self.scores(answers, split.truths))

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        from backend.models import text_answers
        from backend.models.text_pairs import TextPairProcessor

        assert isinstance(processor, TextPairProcessor)
        assert isinstance(options, AnswerOptions)
        return text_answers.answers(
            model, processor, inputs, device, beams=options.beams, longest=options.longest
        )

    def snapshot(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> dict[str, Any] | None:
        from backend.models import text_answers
        from backend.models.text_pairs import TextPairProcessor, TextPairSplit

        assert isinstance(processor, TextPairProcessor)
        assert isinstance(validation, TextPairSplit)
        return text_answers.snapshot(model, processor, validation, device)

    def explain(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        about: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from backend.models.explaining_answers import explain_answer
        from backend.models.text_pairs import TextPairProcessor

        assert isinstance(processor, TextPairProcessor)
        yield from explain_answer(model, processor, value, device)

    def features(self, model: "nn.Module", batch: Batch) -> "Tensor | None":
        from backend.models.explaining_answers import source_vectors

        return source_vectors(model, batch)


def _options(config: TrainingConfig) -> TextToTextConfig:
    assert isinstance(config, TextToTextConfig)
    return config
