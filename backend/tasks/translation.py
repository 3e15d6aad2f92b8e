"""Translation: one text in, the text that means the same out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from backend.models.spec import ModelSpec
from backend.tasks.base import Metric, register_task
from backend.tasks.text_to_text import TextToText, TextToTextConfig
from backend.training.config import TrainingConfig, setting

SHORT = 5
"""Up to so many words on average answers can be expected to be right to the letter."""


@dataclass(frozen=True, kw_only=True)
class TranslationConfig(TextToTextConfig):
    """What can be set for a translation."""

    source_language: str = setting("", "From language", "For models that know many languages (mBART, NLLB): the code of what goes in, such as de_DE.", curve="The right code lets the loss start lower.")  # fmt: skip  # noqa: E501
    target_language: str = setting("", "To language", "For models that know many languages: the code of what comes out, such as en_XX.", curve="The right code lets the loss start lower.")  # fmt: skip  # noqa: E501


# Parameters are counted for 1,000 tokens.
FINE_TUNING = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-4, "scheduler": "linear"}
MODELS = (
    ModelSpec(
        "gru",
        "GRU with attention",
        "Reads the text in both directions, then writes the translation and looks back at the text "
        "for each piece. Learns dates and numbers in about a minute.",
        "trainroom",
        590_696,
        memory_mb=600,
        defaults={"learning_rate": 3e-3, "epochs": 12, "batch_size": 64},
    ),
    ModelSpec(
        "lstm",
        "LSTM with attention",
        "The same with the longer memory of an LSTM: the classic of machine translation before "
        "Transformers.",
        "trainroom",
        689_768,
        memory_mb=600,
        defaults={"learning_rate": 3e-3, "epochs": 12, "batch_size": 64},
    ),
    ModelSpec(
        "transformer",
        "Small Transformer",
        "The network that replaced them, in small: attention and nothing else. Wants more data or "
        "more time than the other two.",
        "trainroom",
        792_040,
        memory_mb=700,
        defaults={"learning_rate": 1e-3, "epochs": 40, "batch_size": 32},
    ),
    ModelSpec(
        "t5-small",
        "T5 small",
        "Knows English, German, French and Romanian. A good start for sentences of your own; "
        "mBART and Marian know more languages: name them under “Another model”.",
        "transformers",
        60_506_624,
        checkpoint="google-t5/t5-small",
        download_mb=242,
        memory_mb=2500,
        licence="Apache-2.0",
        defaults=FINE_TUNING,
    ),
)


@register_task
class Translation(TextToText):
    name = "translation"
    title = "Translation"
    description = (
        "Turns a text into another one that means the same: sentences into another language, or "
        "dates and numbers in words into their standard form."
    )
    icon = "translate"
    metrics = (
        Metric("exact_match", "Right to the letter", "The share of answers that are exactly the "
               "right one."),
        Metric("chrf", "chrF", "How many runs of letters answers and right answers have in common, "
               "0 to 100: the fairest for whole sentences.", percent=False, live=False),
        Metric("bleu", "BLEU", "The same with runs of words, 0 to 100: what papers report.",
               percent=False, live=False),
        Metric("token_accuracy", "Right next pieces", "How often it knows the next piece of the "
               "answer, given the right ones before."),
    )  # fmt: skip
    best_metric = "chrf"
    config = TranslationConfig
    fine_tuning: ClassVar = FINE_TUNING
    models = MODELS
    place = 60
    input_hint = "Type what is to be translated …"

    def scores(self, answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
        """chrF and BLEU; whether answers are right to the letter where they are short."""
        from backend.models import text_scores

        found = {
            "chrf": text_scores.chrf(answers, truths),
            "bleu": text_scores.bleu(answers, truths),
        }
        if sum(len(truth.split()) for truth in truths) <= SHORT * len(truths):
            found["exact_match"] = text_scores.exact_match(answers, truths)
        return found

    def languages(self, config: TrainingConfig) -> tuple[str, str]:
        assert isinstance(config, TranslationConfig)
        return config.source_language.strip(), config.target_language.strip()
