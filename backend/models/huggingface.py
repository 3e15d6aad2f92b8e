"""Networks, tokenizers and pretrained weights of transformers; its only importer."""

from typing import TYPE_CHECKING

from backend.models.spec import ModelSpec, Weights

if TYPE_CHECKING:
    from torch import nn

    from backend.models.text_processing import TextProcessor


def where(spec: ModelSpec) -> Weights:
    """Where the pretrained weights of a model are; imports nothing heavy."""
    return Weights.DOWNLOAD


def build_processor(spec: ModelSpec, classes: list[str], max_length: int) -> "TextProcessor":
    raise NotImplementedError


def build_network(
    spec: ModelSpec, processor: "TextProcessor", *, pretrained: bool, freeze_backbone: bool
) -> "nn.Module":
    raise NotImplementedError
