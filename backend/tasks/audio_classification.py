"""Audio classification: which of the classes is heard, such as a spoken command."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.errors import ConfigError
from backend.models import hub
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
class AudioClassificationConfig(TrainingConfig):
    """What can be set for a training on recordings."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already heard a thousand hours, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    freeze_backbone: bool = setting(False, "Train the last layer only", "Keep the pretrained part as it is: much faster, and good for very small data.", curve="Falls quickly and flattens early; the two losses stay close together.")  # fmt: skip  # noqa: E501
    seconds: float = setting(0.0, "Seconds heard", "How much of each recording is heard, its loudest part; 0 takes the usual length of the data.", low=0.0, high=30.0, curve="Hearing more can end lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    augmentation: str = setting("standard", "Augmentation", "Standard moves, drowns and masks the training sounds a little by chance, so that none is learnt by heart.", choices=("none", "standard"), curve="The training loss falls slower, the validation loss ends lower.")  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.seconds < 0.2:
            raise ConfigError(f"Seconds heard is {self.seconds:g}; it must be 0, or at least 0.2.")
        if self.freeze_backbone and not self.pretrained:
            raise ConfigError(
                "Train the last layer only makes sense with pretrained weights: switch them on, or "
                "let all layers train."
            )


# Parameters are counted for ten classes and one second of sound.
FINE_TUNING = {"epochs": 5, "batch_size": 8, "learning_rate": 3e-5, "scheduler": "linear",
               "pretrained": True}  # fmt: skip
MODELS = (
    ModelSpec(
        "cnn",
        "Small CNN",
        "Looks at the sound as a picture of pitch over time and finds its shapes. The best choice "
        "for commands and noises; a minute or two.",
        "trainroom",
        77_146,
        memory_mb=500,
        defaults={"learning_rate": 3e-3, "epochs": 20, "batch_size": 32},
    ),
    ModelSpec(
        "gru",
        "GRU",
        "Listens from the beginning to the end and back, and remembers. Good where the order of "
        "sounds matters.",
        "trainroom",
        179_970,
        memory_mb=500,
        defaults={"learning_rate": 3e-3, "epochs": 20, "batch_size": 32},
    ),
    ModelSpec(
        "wav2vec2-base",
        "wav2vec 2.0 base",
        "Has listened to a thousand hours of English. The most exact on speech; wants a graphics "
        "card.",
        "transformers",
        94_571_146,
        checkpoint="facebook/wav2vec2-base-960h",
        download_mb=378,
        memory_mb=3500,
        licence="Apache-2.0",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "ast",
        "Audio Spectrogram Transformer",
        "Knows 527 kinds of sound, from dogs to drills. The most exact on noises and music; wants "
        "a graphics card.",
        "transformers",
        85_348_618,
        checkpoint="MIT/ast-finetuned-audioset-10-10-0.4593",
        download_mb=346,
        memory_mb=5000,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
)


@register_task
class AudioClassification(Classification):
    name = "audio-classification"
    title = "Audio classification"
    description = "Sorts recordings into classes, such as spoken commands, birds or machine noises."
    icon = "graphic_eq"
    formats = ("audio-class",)
    input_kind: ClassVar = "audio"
    metrics = CLASSIFICATION_METRICS
    config = AudioClassificationConfig
    models = MODELS

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if hub.is_outside_name(name):
            return hub.describe(name, {**FINE_TUNING, "pretrained": True})
        return super().get_model(name)

    def weights(self, spec: ModelSpec) -> Weights:
        return hub.where(spec) if spec.checkpoint else Weights.SCRATCH

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models.sound_processing import build_sound_processor

        options = _options(config)
        if options.pretrained and not spec.checkpoint:
            raise ConfigError(
                f"{spec.title} has no pretrained weights. Switch them off, or choose another model."
            )
        processor = build_sound_processor(Store.open(dataset), dataset.classes, options.seconds)
        if spec.library != "transformers":
            return processor
        from backend.models import huggingface_audio

        return huggingface_audio.build_processor(spec, processor, pretrained=options.pretrained)

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.huggingface_audio import HubSoundProcessor, is_hub_processor
        from backend.models.sound_processing import SoundProcessor

        kind = HubSoundProcessor if is_hub_processor(folder) else SoundProcessor
        return kind.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.sound_processing import SoundSplit

        augmentation = _options(config).augmentation == "standard" and split == "train"
        return SoundSplit(Store.open(dataset), processor, split, augmentation)

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        import torch

        from backend.models.huggingface_audio import HubSoundProcessor, build_network
        from backend.models.networks import CNN
        from backend.models.sound_networks import SoundGRU
        from backend.models.sound_processing import MELS

        classes = len(processor.classes)
        if spec.name == "cnn":
            # The height of a spectrogram is the pitch, and high is not low: each of the bands that
            # are left after halving three times has weights of its own. Colours last in memory is
            # what convolutions run over; docs/decisions.md has the figures of both.
            network = CNN(1, classes, bands=MELS // 8)
            return network.to(memory_format=torch.channels_last)
        if spec.name == "gru":
            return SoundGRU(MELS, classes)
        assert isinstance(processor, HubSoundProcessor)
        return build_network(
            spec,
            processor,
            pretrained=pretrained,
            freeze_backbone=_options(config).freeze_backbone,
        )

    def logits(self, model: "nn.Module", batch: Batch) -> "Tensor":
        logits: Tensor = model(batch["inputs"])
        return logits

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        from backend.models.classification import answers
        from backend.models.sound_processing import SoundProcessor, hear

        assert isinstance(processor, SoundProcessor)
        features, told = hear(processor, inputs)
        found = answers(model(features.to(device)), processor.classes)
        return [{**answer, **beside} for answer, beside in zip(found, told, strict=True)]

    def explain(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        about: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from backend.models.explaining_sounds import explain_sound
        from backend.models.sound_processing import SoundProcessor

        assert isinstance(processor, SoundProcessor)
        yield from explain_sound(model, processor, value, device, about)


def _options(config: TrainingConfig) -> AudioClassificationConfig:
    assert isinstance(config, AudioClassificationConfig)
    return config
