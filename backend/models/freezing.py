"""Keeps the pretrained part of a network as it is; called by the loaders of outside libraries."""

from collections.abc import Callable, Collection

from torch import nn


def freeze(model: nn.Module, heads: Collection[str]) -> None:
    """Let only the parts named in heads learn.

    The rest keeps its weights, and stays in evaluation mode for good: neither dropout nor the
    running statistics of batch norms change what it computes.
    """
    prefixes = tuple(f"{head}." for head in heads)
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.startswith(prefixes))
    for name, part in model.named_modules():
        holds_a_head = not name or any(f"{head}.".startswith(f"{name}.") for head in heads)
        if not holds_a_head and not name.startswith(prefixes):
            hold(part)


def hold(part: nn.Module) -> None:
    """Keep one part in evaluation mode for good, whatever its network is asked."""
    part.training = False
    # The loop calls model.train() each epoch, which asks every part in turn.
    part.train = _unchanged(part)  # type: ignore[method-assign,assignment]


def _unchanged(part: nn.Module) -> Callable[[bool], nn.Module]:
    """A train() that leaves the part as it is."""

    def train(mode: bool = True) -> nn.Module:
        return part

    return train
