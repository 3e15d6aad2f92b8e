"""Pretrained models of transformers that write text: their tokenizers, networks and checks."""

import inspect
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backend.errors import ModelError
from backend.models import hub, huggingface
from backend.models.running_text import WritingProcessor
from backend.models.spec import ModelSpec

# Architectures that transformers knows by itself, with what differs from its defaults: from zero
# they need nothing from the Hub.
KNOWN: dict[str, dict[str, Any]] = {
    "distilbert/distilgpt2": {"model_type": "gpt2", "n_layer": 6},
    "openai-community/gpt2": {"model_type": "gpt2"},
}


class CausalModel(nn.Module):
    """A transformers model with the two ways in that the task uses: forward() and step()."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        # Newer versions of transformers call cache what older ones call past_key_values.
        known = inspect.signature(model.forward).parameters
        self.cache = "cache" if "cache" in known else "past_key_values"

    def forward(self, ids: Tensor) -> Tensor:
        """Scores [b, t, vocabulary] of the token after each of ids, int64 [b, t]."""
        return self.model(input_ids=ids, use_cache=False).logits

    def step(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Scores [b, vocabulary] after the last of ids, and the cached keys and values so far."""
        result = self.model(input_ids=ids, use_cache=True, **{self.cache: state})
        return result.logits[:, -1], getattr(result, self.cache)


def pretrained_processor(
    spec: ModelSpec, context: int, architectures: tuple[str, ...]
) -> WritingProcessor:
    """The tokenizer and configuration of a model's folder; raises ModelError.

    architectures: how the names of those end that fit.
    """
    folder = hub.open_folder(spec.checkpoint)
    hub.check_architecture(folder, architectures, "to write text", "GPT-2")
    config = full_config(hub.read_json(folder / "config.json"))
    tokenizer = huggingface.load_tokenizer(folder)
    end = config.get("eos_token_id")
    if isinstance(end, list):
        end = end[0]
    known = tokenizer.get_vocab_size()
    if not isinstance(end, int) or not 0 <= end < known or known > config["vocab_size"]:
        raise ModelError(
            f"The tokenizer and the model in {folder.name} do not belong together: its end sign "
            "or its number of tokens is another. Choose another model."
        )
    return WritingProcessor(tokenizer, min(context, longest(config)), end, config)


def describe_from_zero(spec: ModelSpec, processor: WritingProcessor) -> None:
    """Give a processor of our own the configuration of a known architecture."""
    marks = {"bos_token_id": processor.end_id, "eos_token_id": processor.end_id}
    own = {"vocab_size": processor.vocabulary_size, **marks}
    processor.model_config = full_config({**KNOWN[spec.checkpoint], **own})
    processor.context = min(processor.context, longest(processor.model_config))


def full_config(config: dict[str, Any]) -> dict[str, Any]:
    """A model's whole configuration as plain JSON; raises ModelError."""
    options = {key: value for key, value in config.items() if key != "_name_or_path"}
    return json.loads(_config(options).to_json_string(use_diff=False))


def longest(config: dict[str, Any]) -> int:
    """Tokens that the model can read at most."""
    limits = [config.get(key) for key in ("max_position_embeddings", "n_positions")]
    return max(2, min([one for one in limits if isinstance(one, int) and one > 0] or [10**6]))


def build_network(
    spec: ModelSpec, processor: WritingProcessor, *, pretrained: bool, lora_rank: int
) -> CausalModel:
    """The network of the processor's configuration; lora_rank 0 trains all of it.

    Raises ModelError.
    """
    from safetensors import SafetensorError

    from backend.models.lora import add_lora

    folder = hub.open_folder(spec.checkpoint) if pretrained else None
    try:
        model = _load(processor, folder)
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{spec.title} cannot be used for writing ({hub.first_line(error)})."
        ) from error
    if lora_rank:
        add_lora(model, lora_rank)
    return CausalModel(model)


def _config(options: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    rest = {key: value for key, value in options.items() if key != "model_type"}
    try:
        return AutoConfig.for_model(str(options.get("model_type")), **rest)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"This kind of model ({options.get('model_type')}) is not known to the installed "
            "transformers library. Choose another model."
        ) from error


def _load(processor: WritingProcessor, folder: Path | None) -> Any:
    """A model of the processor's configuration, with a folder's weights if one is given."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()  # the library's notes are for programmers
    logging.disable_progress_bar()
    assert processor.model_config is not None
    config = _config(dict(processor.model_config))
    if folder is None:
        return AutoModelForCausalLM.from_config(
            config, trust_remote_code=False, dtype=torch.float32
        )
    return AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        dtype=torch.float32,
    )
