"""Finds an answer token by token, for networks of our own: greedily in batches, or with beams."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

State = dict[str, Tensor]
Step = Callable[[Tensor, State], tuple[Tensor, State]]
"""Tokens [b] and a state in, logarithms of the next tokens' probabilities [b, vocabulary] out."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The tokens that are no text: what an answer begins with, ends with, is filled up with."""

    start: int
    end: int
    pad: int


def greedy(step: Step, state: State, marks: Marks, longest: int) -> Tensor:
    """The likeliest token each time: answers [b, at most longest], int64, without the start."""
    batch = next(iter(state.values()))
    tokens = torch.full((len(batch),), marks.start, device=batch.device)
    over = torch.zeros_like(tokens, dtype=torch.bool)
    answers: list[Tensor] = []
    for _ in range(longest):
        scores, state = step(tokens, state)
        tokens = scores.argmax(dim=1).masked_fill(over, marks.pad)
        answers.append(tokens)
        over = over | (tokens == marks.end)
        if bool(over.all()):
            break
    return torch.stack(answers, dim=1)


def beam_search(step: Step, state: State, marks: Marks, longest: int, beams: int) -> Tensor:
    """The answers with the best mean logarithm per token among `beams` that are kept each time.

    Shape and meaning as greedy(). A finished answer stays in its beam and competes with those
    that go on; dividing by the length keeps short ones from winning for being short (Wu et al.,
    2016, with an exponent of 1).
    """
    count = len(next(iter(state.values())))
    device = next(iter(state.values())).device
    state = {name: part.repeat_interleave(beams, dim=0) for name, part in state.items()}
    tokens = torch.full((count * beams,), marks.start, device=device)
    # All beams begin alike: only the first may go on, or they would all stay the same.
    totals = torch.full((count, beams), -torch.inf, device=device)
    totals[:, 0] = 0
    lengths = torch.zeros_like(totals)
    answers = torch.empty(count, beams, 0, dtype=torch.int64, device=device)
    over = torch.zeros_like(totals, dtype=torch.bool)
    first = torch.arange(count, device=device).unsqueeze(1) * beams
    for _ in range(longest):
        scores, state = step(tokens, state)
        scores = scores.unflatten(0, (count, beams))
        scores = scores.masked_fill(over.unsqueeze(2), -torch.inf)
        scores[:, :, marks.pad] = torch.where(over, 0.0, -torch.inf)
        longer = lengths + (~over).float()
        found = totals.unsqueeze(2) + scores
        order = (found / longer.unsqueeze(2)).flatten(1).topk(beams, dim=1).indices
        parent, token = order // scores.shape[2], order % scores.shape[2]
        totals = found.flatten(1).gather(1, order)
        lengths, over = longer.gather(1, parent), over.gather(1, parent)
        kept = answers.gather(1, parent.unsqueeze(2).expand_as(answers))
        answers = torch.cat([kept, token.unsqueeze(2)], dim=2)
        over = over | (token == marks.end)
        state = {name: part[(first + parent).flatten()] for name, part in state.items()}
        tokens = token.flatten()
        # None of those that go on can get better than with only sure tokens from here on.
        hope = (totals / longest).masked_fill(over, -torch.inf).amax(dim=1)
        best = (totals / lengths).masked_fill(~over, -torch.inf).amax(dim=1)
        if bool((best >= hope).all()):
            break
    chosen = (totals / lengths).argmax(dim=1, keepdim=True)
    needed = int(lengths.gather(1, chosen).max())
    return answers.gather(1, chosen.unsqueeze(2).expand_as(answers[:, :1]))[:, 0, :needed]
