"""Networks of transformers that listen (wav2vec 2.0, HuBERT, AST and their kin), and their inputs.

Beside huggingface.py the only importer of transformers for sound; the folders are hub.py's.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backend.datasets.store import SAMPLE_RATE
from backend.errors import CheckpointError, ModelError
from backend.models import hub
from backend.models.freezing import freeze
from backend.models.sound_processing import SoundProcessor, read_record
from backend.models.spec import ModelSpec

# Architectures that transformers knows by itself: from zero they need nothing from the Hub.
AST = "audio-spectrogram-transformer"
KNOWN = {
    "facebook/wav2vec2-base-960h": ("wav2vec2", "Wav2Vec2FeatureExtractor"),
    "MIT/ast-finetuned-audioset-10-10-0.4593": (
        AST, "ASTFeatureExtractor",
    ),
}  # fmt: skip
# Samples from one of its frames to the next, and the fewest that it can cut into patches.
FRAME, LEAST_FRAMES = 160, 26
MODEL_CONFIG, EXTRACTOR = "config.json", "preprocessor_config.json"


@dataclass
class HubSoundProcessor(SoundProcessor):
    """A recording as a pretrained network wants it: its own feature extractor decides."""

    model_config: dict[str, Any] = field(default_factory=dict)
    extractor: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _extract(self) -> Any:
        return _build_extractor(self.extractor)

    def features(self, waves: Tensor) -> Tensor:
        """The network's main input of waves [b, length], on their device."""
        arrays = [wave.numpy() for wave in waves.cpu()]
        found = self._extract(arrays, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        values: Tensor = found[self._extract.model_input_names[0]]
        return values.to(waves.device)

    @classmethod
    def load(cls, folder: Path) -> "HubSoundProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            return cls(**read_record(folder))
        except TypeError as error:
            raise CheckpointError(
                "The saved model's description of its recordings is damaged. Train it again."
            ) from error


def is_hub_processor(folder: Path) -> bool:
    """Whether the processor that was saved there belongs to a network of transformers."""
    return "model_config" in read_record(folder)


def _build_extractor(settings: dict[str, Any]) -> Any:
    """The feature extractor that a preprocessor_config.json describes; raises ModelError."""
    import transformers
    from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

    name = str(settings.get("feature_extractor_type"))
    kind = getattr(transformers, name, None)
    # A class of the library that makes sequences of sound, and nothing else that a file may name.
    if not (isinstance(kind, type) and issubclass(kind, SequenceFeatureExtractor)):
        raise ModelError(
            f"This model prepares its input with {name[:60]}, which is not known to the installed "
            "transformers library. Choose another model."
        )
    extractor: Any = kind.from_dict(settings)
    if extractor.sampling_rate != SAMPLE_RATE:
        raise ModelError(
            f"This model listens at {extractor.sampling_rate:,} samples a second; Trainroom keeps "
            f"recordings at {SAMPLE_RATE:,}. Choose another model."
        )
    return extractor


def build_processor(
    spec: ModelSpec, base: SoundProcessor, *, pretrained: bool
) -> HubSoundProcessor:
    """The model's own configuration and feature extractor, for these classes; raises ModelError."""
    from transformers import AutoConfig

    config: dict[str, Any]
    settings: dict[str, Any]
    if not pretrained and spec.checkpoint in KNOWN:
        kind, extractor = KNOWN[spec.checkpoint]
        config, settings = {"model_type": kind}, {"feature_extractor_type": extractor}
        if kind == AST:  # which else looks at ten seconds, however short the recordings are
            frames = {"max_length": max(LEAST_FRAMES, base.length // FRAME)}
            config, settings = {**config, **frames}, {**settings, **frames}
    else:
        folder = hub.open_folder(spec.checkpoint)
        config = hub.read_json(folder / MODEL_CONFIG)
        settings = hub.read_json(folder / EXTRACTOR)
        # Folders of before 2022 leave the kind of extractor to be told by the model's.
        settings.setdefault("feature_extractor_type", "Wav2Vec2FeatureExtractor")
    options = {
        key: value for key, value in config.items() if key not in ("model_type", "_name_or_path")
    }
    options |= {
        "id2label": dict(enumerate(base.classes)),
        "label2id": {name: number for number, name in enumerate(base.classes)},
    }
    options.pop("num_labels", None)
    try:
        full = AutoConfig.for_model(str(config.get("model_type")), **options)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"This kind of model ({config.get('model_type')}) is not known to the installed "
            "transformers library. Choose another model."
        ) from error
    processor = HubSoundProcessor(
        base.classes, base.length, base.mean, base.std,
        json.loads(full.to_json_string(use_diff=False)), settings,
    )  # fmt: skip
    processor.features(torch.zeros(1, base.length))  # what does not fit shows here, not later
    return processor


class HubSoundClassifier(nn.Module):
    """A network of transformers that answers as ours do: inputs in, scores out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.input_name = str(model.main_input_name)

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores [b, classes] of the network's main input, whose name it knows."""
        scores: Tensor = self.model(**{self.input_name: inputs}).logits
        return scores


def build_network(
    spec: ModelSpec, processor: HubSoundProcessor, *, pretrained: bool, freeze_backbone: bool
) -> nn.Module:
    """A network of transformers with a new last layer; raises ModelError."""
    from safetensors import SafetensorError

    folder = hub.open_folder(spec.checkpoint) if pretrained else None
    try:
        model = _load(processor, folder)
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{spec.title} cannot be used to sort recordings ({hub.first_line(error)})."
        ) from error
    if pretrained and hasattr(model, "freeze_feature_encoder"):
        # As wav2vec 2.0 is fine-tuned (Baevski et al., 2020): its ears are kept as they are.
        model.freeze_feature_encoder()
    if freeze_backbone:
        backbone = model.base_model_prefix
        freeze(model, [name for name, _ in model.named_children() if name != backbone])
    return HubSoundClassifier(model)


def _load(processor: HubSoundProcessor, folder: Path | None) -> Any:
    from transformers import AutoConfig, AutoModelForAudioClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    options = dict(processor.model_config)
    config = AutoConfig.for_model(options.pop("model_type"), **options)
    auto: Any = AutoModelForAudioClassification
    if folder is None:
        return auto.from_config(config, trust_remote_code=False, dtype=torch.float32)
    return auto.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        ignore_mismatched_sizes=True,
        dtype=torch.float32,
    )
