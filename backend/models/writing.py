"""Writes on from a prompt, token by token: choosing the next one, and what the model remembers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from backend.datasets.preview import first_words


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn, and how many; temperature 0 always takes the likeliest."""

    temperature: float = 1.0
    top_k: int = 0  # only among so many likeliest; 0 among all
    top_p: float = 1.0  # only among the likeliest that have this share together
    length: int = 200
    seed: int = 0


def next_tokens(
    model: nn.Module, prompt: Tensor, how: Sampling, *, context: int, end_id: int
) -> Iterator[int]:
    """Token ids that go on from a prompt, int64 [n], until the end sign or `how.length`.

    The model remembers what it read (its step()). It was trained on windows of `context` tokens:
    where these are full, it reads the second half again and goes on from there.
    """
    generator = torch.Generator().manual_seed(how.seed)
    ids = prompt[-(context - 1) :] if context > 1 else prompt[-1:]
    new, state, read = ids, None, 0
    for _ in range(how.length):
        if read + len(new) > context:
            new, state, read = ids[-max(1, context // 2) :], None, 0
        scores, state = model.step(new.unsqueeze(0), state)  # type: ignore[operator]
        read += len(new)
        token = choose(scores[0], how, generator)
        if token == end_id:
            return
        yield token
        new = torch.tensor([token], device=prompt.device)
        ids = torch.cat([ids, new])[-context:]


def choose(scores: Tensor, how: Sampling, generator: torch.Generator) -> int:
    """One token by its scores [vocabulary]; top-p is nucleus sampling (Holtzman et al., 2020)."""
    scores = scores.float().cpu()
    if how.temperature <= 0:
        return int(scores.argmax())
    scores = scores / how.temperature
    if 0 < how.top_k < len(scores):
        least = scores.topk(how.top_k).values[-1]
        scores = scores.masked_fill(scores < least, float("-inf"))
    shares = scores.softmax(0)
    if how.top_p < 1:
        ranked, order = shares.sort(descending=True, stable=True)
        # Those after which the share was reached already; the first always stays.
        beyond = ranked.cumsum(0) - ranked >= how.top_p
        shares[order[beyond]] = 0.0
    return int(torch.multinomial(shares, 1, generator=generator))


def sample_texts(
    model: Any, processor: Any, texts: list[str], device: torch.device, how: Sampling
) -> list[dict[str, Any]]:
    """What the model writes after the first words of the texts, as items of a snapshot."""
    given = [first_words(text) for text in texts]
    items = []
    for seed, (words, prompt) in enumerate(
        zip(given, processor(given, device)["prompts"], strict=True)
    ):
        own = replace(how, seed=seed)  # or a model that knows little writes the same each time
        limits = {"context": processor.context, "end_id": processor.end_id}
        ids = list(next_tokens(model, prompt, own, **limits))
        items.append({"given": words, "answer": processor.decode(ids), "truth": None})
    return items
