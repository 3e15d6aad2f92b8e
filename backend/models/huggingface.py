"""Networks, tokenizers and pretrained weights of transformers; its only importer."""

import json
from typing import TYPE_CHECKING, Any

from backend.errors import ModelError
from backend.models import hub
from backend.models.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tokenizers import Tokenizer
    from torch import nn

    from backend.models.text_processing import TextProcessor

# Architectures that transformers knows by itself and that read MiniLM's own vocabulary (BERT's
# uncased one): from zero they need nothing from the Hub.
KNOWN = {
    "distilbert/distilbert-base-uncased": "distilbert",
    "google-bert/bert-base-uncased": "bert",
}


def build_processor(
    spec: ModelSpec, classes: list[str], max_length: int, *, pretrained: bool
) -> "TextProcessor":
    """The model's own tokenizer and configuration, for these classes; raises ModelError."""
    from backend.models.text_processing import TextProcessor

    config: dict[str, Any]
    if not pretrained and spec.checkpoint in KNOWN and hub.find_folder(hub.MINILM):
        folder, config = hub.open_folder(hub.MINILM), {"model_type": KNOWN[spec.checkpoint]}
    else:
        folder = hub.open_folder(spec.checkpoint)
        config = hub.read_json(folder / "config.json")
    settings = settings_of(folder)
    tokenizer = load_tokenizer(folder)
    config = _complete(config, classes, tokenizer, settings)
    longest = min(max_length, _longest(config, settings))
    return TextProcessor(
        classes,
        longest,
        tokenizer,
        config["pad_token_id"],
        config,
        tokenizer_config=settings,
        mean_pooling=spec.checkpoint not in KNOWN and _has_mean_pooling(folder),
    )


def _has_mean_pooling(folder: "Path") -> bool:
    """Whether a folder is a sentence-transformers model whose vectors are means over tokens.

    Its first token was never trained to stand for the text, which is what the usual head reads:
    88 % of the bundled topics are right with the mean, 71 % with the first token.
    """
    path = folder / "1_Pooling" / "config.json"
    return path.is_file() and hub.read_json(path).get("pooling_mode_mean_tokens") is True


def settings_of(folder: "Path") -> dict[str, Any]:
    """What a folder says about its tokenizer; empty where it says nothing."""
    path = folder / "tokenizer_config.json"
    return hub.read_json(path) if path.is_file() else {}


def load_tokenizer(folder: "Path") -> "Tokenizer":
    """The fast tokenizer of a folder; transformers converts a mere vocabulary."""
    from tokenizers import Tokenizer

    try:
        if (folder / "tokenizer.json").is_file():
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        ).backend_tokenizer
    except Exception as error:  # both libraries raise whatever they meet
        raise ModelError(
            f"The tokenizer of {folder.name} cannot be loaded; it needs a sound tokenizer.json."
        ) from error


def _complete(
    config: dict[str, Any], classes: list[str], tokenizer: "Tokenizer", settings: dict[str, Any]
) -> dict[str, Any]:
    """The full configuration as plain JSON, with our classes and a padding token."""
    options = dict(config)
    options |= {
        "id2label": dict(enumerate(classes)),
        "label2id": {name: number for number, name in enumerate(classes)},
        "problem_type": "single_label_classification",
    }
    options.pop("num_labels", None)
    if not isinstance(options.get("pad_token_id"), int):
        options["pad_token_id"] = _padding(options, tokenizer, settings)
    return plain_config(options)


def plain_config(config: dict[str, Any]) -> dict[str, Any]:
    """A model's configuration with everything that it leaves unsaid, as plain JSON.

    Raises ModelError where transformers does not know that kind of model.
    """
    from transformers import AutoConfig

    options = {
        key: value for key, value in config.items() if key not in ("model_type", "_name_or_path")
    }
    try:
        full = AutoConfig.for_model(str(config.get("model_type")), **options)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"This kind of model ({config.get('model_type')}) is not known to the installed "
            "transformers library. Choose another model."
        ) from error
    return json.loads(full.to_json_string(use_diff=False))


def _padding(config: dict[str, Any], tokenizer: "Tokenizer", settings: dict[str, Any]) -> int:
    """A token to fill up with, for models that have none of their own."""
    token = settings.get("pad_token")
    token = token.get("content") if isinstance(token, dict) else token
    number = tokenizer.token_to_id(token) if isinstance(token, str) else None
    end = config.get("eos_token_id")
    return number if number is not None else end if isinstance(end, int) else 0


def _longest(config: dict[str, Any], settings: dict[str, Any]) -> int:
    """Tokens that the model can read at most."""
    limits = [10**6]
    if isinstance(length := settings.get("model_max_length"), int):
        limits.append(length)
    for key in ("max_position_embeddings", "n_positions"):
        if isinstance(places := config.get(key), int) and places > 0:
            # RoBERTa and its kin count positions from pad_token_id + 1.
            limits.append(
                places - (config["pad_token_id"] + 1 if 0 < config["pad_token_id"] < 4 else 0)
            )
    return max(1, min(limits))


def build_network(
    spec: ModelSpec,
    processor: "TextProcessor",
    *,
    pretrained: bool,
    freeze_backbone: bool,
    lora_rank: int = 0,
) -> "nn.Module":
    """A transformers model with a new last layer: forward(input_ids, attention_mask).

    lora_rank: with more than 0 its encoder learns small additions only, the new layer in full.
    Returns scores [b, classes], or an object that holds them as logits. Raises ModelError.
    """
    from safetensors import SafetensorError

    from backend.models.freezing import freeze
    from backend.models.lora import add_lora
    from backend.models.networks import MeanPoolingClassifier

    folder = hub.open_folder(spec.checkpoint) if pretrained else None
    try:
        model = _load(processor, folder)
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{spec.title} cannot be used for classification ({hub.first_line(error)})."
        ) from error
    backbone = model.base_model_prefix
    if processor.mean_pooling:
        model.pooler = None  # reads the first token only
        model = MeanPoolingClassifier(model, model.config.hidden_size, len(processor.classes))
        backbone = "encoder"
    if freeze_backbone:
        freeze(model, [name for name, _ in model.named_children() if name != backbone])
    elif lora_rank:
        add_lora(getattr(model, backbone), lora_rank)
    return model


def build_encoder(spec: ModelSpec, processor: "TextProcessor", *, pretrained: bool) -> Any:
    """A transformers model that gives states [b, length, width] first; raises ModelError."""
    from safetensors import SafetensorError

    try:
        model = _load(processor, hub.open_folder(spec.checkpoint) if pretrained else None)
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{spec.title} cannot be used to compare texts ({hub.first_line(error)})."
        ) from error
    model.pooler = None  # reads the first token only
    return model


def _load(processor: "TextProcessor", folder: "Path | None") -> Any:
    """A model of the processor's configuration, with a folder's weights if one is given."""
    from transformers import AutoModel, AutoModelForSequenceClassification

    assert processor.model_config is not None
    auto: Any = AutoModel if processor.mean_pooling else AutoModelForSequenceClassification
    return load_model(auto, processor.model_config, folder)


def load_picture_classifier(model_config: "Mapping[str, Any]", folder: "Path | None") -> Any:
    """A network that sorts pictures, with a folder's weights if one is given."""
    from transformers import AutoModelForImageClassification

    return load_model(AutoModelForImageClassification, model_config, folder)


def load_model(auto: Any, model_config: "Mapping[str, Any]", folder: "Path | None") -> Any:
    """A network of one of transformers' Auto classes, with a folder's weights if one is given."""
    import torch
    from transformers import AutoConfig
    from transformers.utils import logging

    # The library's notes on new layers are for programmers, and a new last layer is meant here.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    options = dict(model_config)
    config = AutoConfig.for_model(options.pop("model_type"), **options)
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
