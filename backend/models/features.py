"""What a network made of an input before its last layer: which training examples are alike to it.

Called by the task files; the inference process compares these vectors.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from backend.models.networks import masked_mean


def before_last_layer(
    model: nn.Module, ask: Callable[[], Any], mask: Tensor | None = None
) -> Tensor | None:
    """What goes into the last linear layer while ask() is answered, [b, width].

    mask: [b, length] of tokens, for networks whose last layer sees each token; the mean counts.
    None where a network has no linear layer.
    """
    layers = [part for part in model.modules() if isinstance(part, nn.Linear)]
    if not layers:
        return None
    seen: list[Tensor] = []
    hook = layers[-1].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    try:
        with torch.inference_mode():
            ask()
    finally:
        hook.remove()
    if not seen:
        return None
    vectors = seen[-1].float()
    if vectors.ndim == 3:
        return vectors.mean(dim=1) if mask is None else masked_mean(vectors, mask)
    return vectors.flatten(1)


def of_maps(maps: Any) -> Tensor:
    """The means of a detector's coarsest maps, [b, width]: what is in a picture, not where."""
    last = [*maps.values()][-1] if isinstance(maps, dict) else maps
    vectors: Tensor = last.float().mean(dim=(2, 3))
    return vectors
