"""Networks that guess the next token, from scratch: LSTM, GRU and a small GPT.

Each has forward(), for training on whole windows, and step(), which remembers what it has read, for
writing one token at a time. Built by the task file for text generation.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

ROTARY_BASE = 10_000.0


class RecurrentLanguageModel(nn.Module):
    """An LSTM or GRU over token vectors; the last layer shares the vectors' weights.

    Weight tying: Press and Wolf, 2017.
    """

    def __init__(
        self,
        cell: type[nn.LSTM] | type[nn.GRU],
        vocabulary: int,
        width: int = 128,
        hidden: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.cell = cell(width, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.back = nn.Linear(hidden, width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids: Tensor) -> Tensor:
        """Scores [b, t, vocabulary] of the token after each of ids, int64 [b, t]."""
        return self._read(ids, None)[0]

    def step(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Scores [b, vocabulary] after the last of ids, and the new state; None is the first."""
        scores, state = self._read(ids, state)
        return scores[:, -1], state

    def _read(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        states, state = self.cell(self.dropout(self.embedding(ids)), state)
        vectors = self.back(self.dropout(states))
        return F.linear(vectors, self.embedding.weight, self.bias), state


class SmallGPT(nn.Module):
    """A decoder-only Transformer (Radford et al., 2018; norm first as in GPT-2).

    Rotary positions (Su et al., 2021), so that where a token stands counts relative to others.
    """

    def __init__(
        self,
        vocabulary: int,
        width: int = 128,
        heads: int = 4,
        layers: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.apply(_initialise)
        # Each block adds to one stream: as in GPT-2 its last layers begin smaller by their number.
        for name, weight in self.named_parameters():
            if name.endswith(("mix.weight", "down.weight")):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers))

    def forward(self, ids: Tensor) -> Tensor:
        """Scores [b, t, vocabulary] of the token after each of ids, int64 [b, t]."""
        return F.linear(self._read(ids, [None] * len(self.blocks))[0], self.embedding.weight)

    def step(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Scores [b, vocabulary] after the last of ids, and the cached keys and values so far."""
        states, cache = self._read(ids, state or [None] * len(self.blocks))
        return F.linear(states[:, -1], self.embedding.weight), cache

    def _read(self, ids: Tensor, cache: list[Any]) -> tuple[Tensor, list[Any]]:
        states = self.dropout(self.embedding(ids))
        new = []
        for block, past in zip(self.blocks, cache, strict=True):
            states, kept = block(states, past)
            new.append(kept)
        return self.norm(states), new


class _Block(nn.Module):
    """Attention to what came before, then two layers per token; both add to the stream."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, past: Any) -> tuple[Tensor, Any]:
        """States [b, t, width] after the block, and the keys and values of all tokens so far."""
        attended, kept = self._attend(self.attention_norm(states), past)
        states = states + self.dropout(attended)
        grown = self.down(F.gelu(self.up(self.norm(states))))
        return states + self.dropout(grown), kept

    def _attend(self, states: Tensor, past: Any) -> tuple[Tensor, Any]:
        b, t, width = states.shape
        queries, keys, values = (
            part.view(b, t, self.heads, -1).transpose(1, 2)
            for part in self.project(states).split(width, dim=2)
        )
        before = 0 if past is None else past[0].shape[2]
        places = torch.arange(before, before + t, device=states.device)
        queries, keys = _rotate(queries, places), _rotate(keys, places)
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        # A token sees itself and what came before it; the cached ones did all come before.
        mask = None
        if before and t > 1:
            mask = torch.arange(before + t, device=states.device) <= places.unsqueeze(1)
        mixed = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=mask,
            dropout_p=self.rate if self.training else 0.0,
            is_causal=not before and t > 1,
        )
        return self.mix(mixed.transpose(1, 2).reshape(b, t, width)), (keys, values)


def _rotate(vectors: Tensor, places: Tensor) -> Tensor:
    """Queries or keys [b, heads, t, size] turned by an angle that grows with their place."""
    half = vectors.shape[-1] // 2
    rates = ROTARY_BASE ** (-torch.arange(half, device=vectors.device) / half)
    angles = places.unsqueeze(1) * rates
    cosine, sine = angles.cos().to(vectors.dtype), angles.sin().to(vectors.dtype)
    first, second = vectors[..., :half], vectors[..., half:]
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def _initialise(part: nn.Module) -> None:
    if isinstance(part, nn.Linear | nn.Embedding):
        nn.init.normal_(part.weight, std=0.02)
    if isinstance(part, nn.Linear) and part.bias is not None:
        nn.init.zeros_(part.bias)
