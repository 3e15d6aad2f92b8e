"""Summarization: a long text in, what matters of it in a few words out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from backend.models.spec import ModelSpec
from backend.tasks.base import Metric, Processor, Split, register_task
from backend.tasks.text_to_text import TextToText, TextToTextConfig
from backend.training.config import Options, setting

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class SummarizationConfig(TextToTextConfig):
    """What can be set for a summarization: texts are longer, and names are copied."""

    max_length: int = setting(256, "Longest text", "How many tokens (pieces of words) of each text are read; the rest is cut off.", low=4, high=4096, curve="Longer texts can end lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    copy_words: bool = setting(True, "Copy words", "Lets a model that starts from zero point at pieces of the text and write them down: good for names and numbers.", curve="Where answers repeat parts of the text the loss falls sooner and lower.")  # fmt: skip  # noqa: E501


# Parameters are counted for 1,000 tokens.
FINE_TUNING = {
    "epochs": 3, "batch_size": 8, "learning_rate": 5e-5, "scheduler": "linear", "max_length": 512,
    "max_answer": 128,
}  # fmt: skip
MODELS = (
    ModelSpec(
        "transformer",
        "Small Transformer that copies",
        "Starts from zero and learns to pick names and numbers out of a text. Enough for short "
        "reports of one kind; it will not understand a real newspaper.",
        "trainroom",
        792_169,
        memory_mb=900,
        defaults={"learning_rate": 1e-3, "epochs": 15, "batch_size": 32},
    ),
    ModelSpec(
        "gru",
        "GRU that copies",
        "Reads the text piece by piece in both directions, then writes and points. The classic "
        "pointer network, from zero.",
        "trainroom",
        590_825,
        memory_mb=900,
        defaults={"learning_rate": 3e-3, "epochs": 12, "batch_size": 32},
    ),
    ModelSpec(
        "t5-small",
        "T5 small",
        "The smallest T5: knows English and has practised summing up. A good start for texts of "
        "your own.",
        "transformers",
        60_506_624,
        checkpoint="google-t5/t5-small",
        download_mb=242,
        memory_mb=3000,
        licence="Apache-2.0",
        defaults={**FINE_TUNING, "learning_rate": 1e-4, "prefix": "summarize:"},
    ),
    ModelSpec(
        "bart-base",
        "BART base",
        "Reads and writes English well after some training on your texts. Wants a graphics card.",
        "transformers",
        139_420_416,
        checkpoint="facebook/bart-base",
        download_mb=558,
        memory_mb=5000,
        licence="Apache-2.0",
        defaults=FINE_TUNING,
    ),
)


@register_task
class Summarization(TextToText):
    name = "summarization"
    title = "Summarization"
    description = "Says in a few words what matters of a longer text, such as a headline."
    icon = "short_text"
    metrics = (
        Metric("rougeL", "ROUGE-L", "How much of the right summary's words it says in the same "
               "order, without saying others, 0 to 100.", percent=False),
        Metric("rouge1", "ROUGE-1", "The same for single words in any order, 0 to 100.",
               percent=False, live=False),
        Metric("rouge2", "ROUGE-2", "The same for pairs of words that follow each other, 0 to 100.",
               percent=False, live=False),
        Metric("token_accuracy", "Right next pieces", "How often it knows the next piece of the "
               "summary, given the right ones before."),
    )  # fmt: skip
    best_metric = "rougeL"
    config = SummarizationConfig
    fine_tuning: ClassVar = FINE_TUNING
    models = MODELS
    place = 65
    input_hint = "Paste a text …"

    def scores(self, answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
        from backend.models import text_scores

        return text_scores.rouge(answers, truths)

    def effortless(self, texts: Sequence[str]) -> tuple[str, list[str]]:
        from backend.models.sentences import first_sentence

        return "repeating the first sentence of each text", [first_sentence(text) for text in texts]

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        """As the others, and how long the answer is beside the text: {"compression": share}."""
        found = super().predict(model, processor, inputs, device, options)
        for text, answer in zip(inputs, found, strict=True):
            answer["compression"] = round(
                len(answer["text"].split()) / max(1, len(text.split())), 3
            )
        return found

    def snapshot(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> dict[str, Any] | None:
        """As the others, with the score of what costs nothing: the first sentence of each text."""
        from backend.models.text_pairs import TextPairSplit

        assert isinstance(validation, TextPairSplit)
        shown = super().snapshot(model, processor, validation, device)
        _, leads = self.effortless(validation.texts)
        score = self.scores(leads, validation.truths)["rougeL"]
        note = f"Repeating the first sentence of each text would get a ROUGE-L of {score:.1f}."
        return {**(shown or {}), "note": note}
