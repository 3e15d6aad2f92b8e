"""What spoke for an answer by gradients through the network; the only importer of captum.

Feature maps for convolutions, attention for vision Transformers, the input itself for the rest,
token vectors for texts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from backend.models.explaining import Ask, affordable, log_odds, measure
from backend.models.picture_cells import border_colour

Heat = Callable[[int], Tensor]
"""A class's number in, a map [h, w] of any size out: what spoke for it."""

FINEST_MAP = 7
"""Of a network's feature maps the last one with so many places along a side is looked at."""
STEPS = (6, 32)
"""How many points the path of integrated gradients has: least and most."""


@contextmanager
def _differentiable() -> Iterator[None]:
    """Gradients on; cuDNN off, whose recurrent layers have none outside of training."""
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        yield


def heat_of(model: nn.Module, ask: Ask, image: Tensor) -> Heat:
    """What makes a map [h, w] of what in a picture [c, h, w] spoke for a class, by its number."""
    if any(isinstance(part, nn.MultiheadAttention) for part in model.modules()):
        return lambda index: attention_relevance(model, ask, image, index)
    layer = last_feature_map(model, ask, image)
    if layer is not None:
        return lambda index: feature_map_relevance(ask, image, index, layer)
    return lambda index: input_relevance(ask, image, index)


def last_feature_map(model: nn.Module, ask: Ask, image: Tensor) -> nn.Module | None:
    """The last part of a network that gives a map with enough places; None where none does.

    Enough is FINEST_MAP along the shorter side, or half of the picture's where that is less.
    """
    enough = min(FINEST_MAP, min(image.shape[1:]) // 2)
    found: list[nn.Module] = []

    def note(part: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) >= enough:
            found.append(part)

    hooks = [part.register_forward_hook(note) for part in model.modules()]
    try:
        with torch.inference_mode():
            ask(image[None])
    finally:
        for hook in hooks:
            hook.remove()
    return found[-1] if found else None


def feature_map_relevance(ask: Ask, image: Tensor, index: int, layer: nn.Module) -> Tensor:
    """Activations times their gradients, summed over the channels, [h, w].

    Of the Grad-CAM family (Selvaraju et al., 2017) the one that keeps each place's own gradient:
    HiResCAM (Draelos and Carin, 2020).
    """
    from captum.attr import LayerGradientXActivation

    with _differentiable():
        method = LayerGradientXActivation(lambda images: log_odds(ask(images), index), layer)
        found = method.attribute(image[None].clone())
    return found[0].sum(dim=0).detach()


def input_relevance(ask: Ask, image: Tensor, index: int) -> Tensor:
    """Integrated gradients (Sundararajan et al., 2017) from an empty picture, [h, w]."""
    from captum.attr import IntegratedGradients

    with _differentiable():
        method = IntegratedGradients(lambda images: log_odds(ask(images), index))
        empty = border_colour(image).expand_as(image)
        found = method.attribute(image[None].clone(), empty[None], n_steps=STEPS[1])
    return found[0].sum(dim=0).detach().float()


def attention_relevance(model: nn.Module, ask: Ask, image: Tensor, index: int) -> Tensor:
    """Attention weighed by its gradients and followed through all layers, [places, places].

    The rule for self-attention of Chefer, Gur and Wolf (2021), "Generic attention-model
    explainability": of what each layer mixed only what spoke for the class is followed.
    """
    weights: list[Tensor] = []
    with _differentiable(), _keeping_attention(model, weights):
        score = log_odds(ask(image[None].clone().requires_grad_()), index)[0]
        gradients = torch.autograd.grad(score, weights)
    count = weights[0].shape[-1]
    relevance = torch.eye(count, device=image.device)
    for weight, gradient in zip(weights, gradients, strict=True):
        mixed = (weight * gradient).clamp(min=0).mean(dim=0)
        relevance = relevance + mixed @ relevance
    side = int((count - 1) ** 0.5)
    return relevance[0, 1 : 1 + side * side].view(side, side).detach()  # the first token answers


@contextmanager
def _keeping_attention(model: nn.Module, weights: list[Tensor]) -> Iterator[None]:
    """Within this block every attention layer adds its weights, [b * heads, to, from].

    What the layer hands out is a view of the weights; the answer was computed from their base.
    """
    layers = [part for part in model.modules() if isinstance(part, nn.MultiheadAttention)]

    def ask_for_weights(_: nn.Module, args: Any, options: dict[str, Any]) -> Any:
        return args, {**options, "need_weights": True, "average_attn_weights": False}

    def keep(_: nn.Module, __: Any, output: Any) -> Any:
        weights.append(output[1]._base)
        return output

    hooks = [layer.register_forward_pre_hook(ask_for_weights, with_kwargs=True) for layer in layers]
    hooks += [layer.register_forward_hook(keep) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def word_vectors(model: nn.Module) -> nn.Embedding | None:
    """The part that looks up the vectors of tokens: of all such parts the one with the most."""
    parts = [part for part in model.modules() if isinstance(part, nn.Embedding)]
    return max(parts, key=lambda part: part.num_embeddings, default=None)


def token_relevance(
    ask: Callable[[Tensor, Tensor], Tensor],
    layer: nn.Embedding,
    ids: Tensor,
    mask: Tensor,
    pad_id: int,
    index: int,
) -> Tensor:
    """What each token [1, n] added to a class's score: integrated gradients, [n].

    ask: token ids and their mask in, scores [b, classes] out. The path begins at padding.
    """
    from captum.attr import LayerIntegratedGradients

    with torch.inference_mode():
        _, seconds = measure(lambda: ask(ids, mask))
    # A gradient costs twice what the answer itself does.
    steps = affordable(3 * seconds, *STEPS)
    with _differentiable():
        method = LayerIntegratedGradients(
            lambda tokens, masks: log_odds(ask(tokens, masks), index), layer
        )
        found = method.attribute(
            ids, torch.full_like(ids, pad_id), additional_forward_args=(mask,), n_steps=steps,
            internal_batch_size=STEPS[1],
        )  # fmt: skip
    return found[0].sum(dim=1).detach().float().cpu()
