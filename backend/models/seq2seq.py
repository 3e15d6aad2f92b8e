"""Encoder-decoders of our own: recurrent with attention, and a small Transformer; both can copy.

They share Seq2Seq: encode once, then step by step (decoding.py); forward() takes whole answers.
"""

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.models import decoding
from backend.models.networks import turned
from backend.models.text_pairs import END_ID, PAD_ID, START_ID

State = dict[str, Tensor]
"""What decoding remembers: the first dimension of each tensor is the batch."""
Scoring = Literal["multiplicative", "additive", "none"]
LEAST = 1e-9
"""Added to probabilities before their logarithm."""


class Seq2Seq(nn.Module, ABC):
    """What both kinds have in common: shared token vectors, the output layer, copying.

    The same vectors read the input, read the answer and score the next token (Press and Wolf,
    2017). With copying, each token's probability is a mixture of the vocabulary's and of pointing
    at the input's tokens (See et al., 2017).
    """

    def __init__(self, vocabulary: int, width: int, longest: int, *, copy: bool) -> None:
        super().__init__()
        self.longest, self.width = longest, width
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PAD_ID)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        nn.init.zeros_(self.embedding.weight.data[PAD_ID])
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.gate = nn.Linear(width, 1) if copy else None

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor
    ) -> Tensor:
        """Scores of each next token [b, t, vocabulary]; decoder_input_ids [b, t] begin with START.

        Without copying raw scores, with it logarithms of probabilities: cross-entropy takes both.
        """
        state = self.encode(input_ids, attention_mask)
        states, weights, _ = self.decode(decoder_input_ids, state, watch=self.gate is not None)
        return self.score(states, weights, input_ids)

    def attend(
        self, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor
    ) -> Tensor | None:
        """How much each answer's token looked at each of the input's, [b, t, s]; None if not."""
        state = self.encode(input_ids, attention_mask)
        return self.decode(decoder_input_ids, state, watch=True)[1]

    def generate(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        *,
        num_beams: int = 1,
        max_new_tokens: int | None = None,
    ) -> Tensor:
        """Answers [b, length], without START, filled up with PAD; as transformers' generate()."""
        start = self.encode(input_ids, attention_mask)

        def step(tokens: Tensor, state: State) -> tuple[Tensor, State]:
            states, weights, state = self.decode(
                tokens.unsqueeze(1), state, watch=self.gate is not None
            )
            scores = self.score(states, weights, state["input_ids"])
            return F.log_softmax(scores[:, 0].float(), dim=-1), state

        longest = max_new_tokens or self.longest
        marks = decoding.Marks(START_ID, END_ID, PAD_ID)
        state = {**start, "input_ids": input_ids}
        if num_beams == 1:
            return decoding.greedy(step, state, marks, longest)
        return decoding.beam_search(step, state, marks, longest, num_beams)

    def vectors(self, tokens: Tensor) -> Tensor:
        """Of tokens [b, t] what is read, [b, t, width], of size 1 where scoring wants it small."""
        return self.embedding(tokens) * math.sqrt(self.width)

    def score(self, states: Tensor, weights: Tensor | None, input_ids: Tensor) -> Tensor:
        """Scores [b, t, vocabulary] of states [b, t, width] that looked at the input [b, s]."""
        scores = F.linear(states, self.embedding.weight, self.bias)
        if self.gate is None or weights is None:
            return scores
        # In full precision also where the rest is not: logarithms of small numbers follow.
        share, scores, weights = (
            self.gate(states).float().sigmoid(),
            scores.float(),
            weights.float(),
        )
        copied = torch.zeros_like(scores).scatter_add(
            2, input_ids.unsqueeze(1).expand_as(weights), weights
        )
        return ((1 - share) * scores.softmax(dim=-1) + share * copied + LEAST).log()

    @abstractmethod
    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> State:
        """What the decoder needs to know of the input [b, s] before its first token."""

    @abstractmethod
    def decode(
        self, tokens: Tensor, state: State, *, watch: bool
    ) -> tuple[Tensor, Tensor | None, State]:
        """States [b, t, width] after reading tokens [b, t], what they looked at, the new state.

        Called with whole answers or with one token at a time, on from the state that it gave.
        watch: whether what they looked at, [b, t, s], is wanted at all.
        """


class RecurrentSeq2Seq(Seq2Seq):
    """An LSTM or GRU reads the text in both directions, another one writes the answer.

    Attention comes after the recurrent layer, as in Luong et al. (2015), so that a whole answer
    is read at once while training; its scores are Luong's general ones (multiplicative) or those
    of Bahdanau et al. (2015, additive). With none, all that the decoder knows of the text is one
    vector, as in Sutskever et al. (2014).
    """

    def __init__(
        self,
        cell: type[nn.LSTM] | type[nn.GRU],
        vocabulary: int,
        longest: int,
        *,
        attention: Scoring = "multiplicative",
        copy: bool = False,
        width: int = 128,
        hidden: int = 128,
    ) -> None:
        super().__init__(vocabulary, width, longest, copy=copy and attention != "none")
        self.forwards = cell(width, hidden, batch_first=True)
        self.backwards = cell(width, hidden, batch_first=True)
        self.bridge = nn.Linear(2 * hidden, 2 * hidden)
        self.decoder = cell(width, hidden, batch_first=True)
        self.attention = attention
        self.keys = nn.Linear(2 * hidden, hidden, bias=False)
        if attention == "additive":
            self.query = nn.Linear(hidden, hidden)
            self.scorer = nn.Linear(hidden, 1, bias=False)
        self.output = nn.Linear(hidden if attention == "none" else 3 * hidden, width)
        self.dropout = nn.Dropout(0.2)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> State:
        vectors = self.dropout(self.vectors(input_ids))
        turn = turned(attention_mask)
        ahead = self.forwards(vectors)[0]
        back = self.backwards(vectors.gather(1, turn.unsqueeze(2).expand_as(vectors)))[0]
        last = (attention_mask.sum(dim=1, keepdim=True) - 1).unsqueeze(2).expand_as(ahead[:, :1])
        ends = torch.cat([ahead.gather(1, last), back.gather(1, last)], dim=2)
        begin, cell = self.bridge(ends).tanh().chunk(2, dim=2)
        back = back.gather(1, turn.unsqueeze(2).expand_as(back))  # each state to its own token
        memory = self.dropout(torch.cat([ahead, back], dim=2))
        return {
            "hidden": begin,
            "cell": cell,
            "memory": memory,
            "keys": self.keys(memory),
            "hide": attention_mask == 0,
        }

    def decode(
        self, tokens: Tensor, state: State, *, watch: bool
    ) -> tuple[Tensor, Tensor | None, State]:
        vectors = self.dropout(self.vectors(tokens))
        hidden = state["hidden"].transpose(0, 1).contiguous()
        if isinstance(self.decoder, nn.LSTM):
            cell = state["cell"].transpose(0, 1).contiguous()
            states, (hidden, cell) = self.decoder(vectors, (hidden, cell))
            state = {**state, "cell": cell.transpose(0, 1)}
        else:
            states, hidden = self.decoder(vectors, hidden)
        state = {**state, "hidden": hidden.transpose(0, 1)}
        states = self.dropout(states)
        if self.attention == "none":
            return self.output(states).tanh(), None, state
        weights = self._scores(states, state["keys"])
        weights = weights.masked_fill(state["hide"].unsqueeze(1), -math.inf).softmax(dim=-1)
        seen = weights @ state["memory"]
        return self.output(torch.cat([states, seen], dim=2)).tanh(), weights, state

    def _scores(self, states: Tensor, keys: Tensor) -> Tensor:
        """How well each state [b, t, hidden] and each key [b, s, hidden] fit, [b, t, s]."""
        if self.attention == "additive":
            both = self.query(states).unsqueeze(2) + keys.unsqueeze(1)
            return self.scorer(both.tanh()).squeeze(3)
        return states @ keys.transpose(1, 2)


class Attention(nn.Module):
    """Attention with several heads (Vaswani et al., 2017), its keys and values kept apart."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)

    def remember(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [b, heads, s, width / heads] of what is looked at [b, s, width]."""
        return self._part(self.key(memory)), self._part(self.value(memory))

    def forward(
        self, states: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None
    ) -> Tensor:
        """What states [b, t, width] see; allowed is True where they may look, [b, 1, t or 1, s]."""
        rate = self.rate if self.training else 0.0
        seen = F.scaled_dot_product_attention(
            self._part(self.query(states)), keys, values, attn_mask=allowed, dropout_p=rate
        )
        return self.output(seen.transpose(1, 2).flatten(2))

    def weights(self, states: Tensor, keys: Tensor, allowed: Tensor) -> Tensor:
        """How much states [b, t, width] look at each key, mean over the heads, [b, t, s]."""
        query = self._part(self.query(states))
        scores = query @ keys.transpose(2, 3) / math.sqrt(query.shape[3])
        return scores.masked_fill(~allowed, -math.inf).softmax(dim=-1).mean(dim=1)

    def _part(self, vectors: Tensor) -> Tensor:
        return vectors.unflatten(2, (self.heads, -1)).transpose(1, 2)


class DecoderLayer(nn.Module):
    """Looks at the answer so far, then at the input, then thinks; norms come first."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.own, self.cross = (Attention(width, heads, dropout) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, states: Tensor, number: int, state: State, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """States [b, t, width] of layer `number` thought on, and with what it asked the input.

        state: keys and values of the input, and of the answer so far, to which these are added.
        """
        looking = self.norms[0](states)
        for name, new in zip(("own_keys", "own_values"), self.own.remember(looking), strict=True):
            before = state.get(f"{name}{number}")
            state[f"{name}{number}"] = new if before is None else torch.cat([before, new], dim=2)
        keys, values = state[f"own_keys{number}"], state[f"own_values{number}"]
        states = states + self.dropout(self.own(looking, keys, values, allowed))
        asking = self.norms[1](states)
        keys, values = state[f"keys{number}"], state[f"values{number}"]
        states = states + self.dropout(self.cross(asking, keys, values, state["visible"]))
        return states + self.dropout(self.feed(self.norms[2](states))), asking


class TransformerSeq2Seq(Seq2Seq):
    """A small Transformer (Vaswani et al., 2017; norm first) with its sinusoidal positions.

    What an answer's token looked at is the mean over the heads of the last layer's attention.
    """

    def __init__(
        self,
        vocabulary: int,
        longest: int,
        *,
        copy: bool = False,
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(vocabulary, width, longest, copy=copy)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=dropout, batch_first=True, norm_first=True
        )
        # Nested tensors need norm_first=False; without them eval and train compute alike.
        self.encoder = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.layers = nn.ModuleList(DecoderLayer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the encoder makes of each token, [b, s, width]."""
        vectors = self._embed(input_ids, 0)
        states: Tensor = self.encoder(vectors, src_key_padding_mask=attention_mask == 0)
        return states

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> State:
        memory = self.read(input_ids, attention_mask)
        state: State = {"visible": (attention_mask != 0)[:, None, None]}
        for number, layer in enumerate(self._layers):
            state[f"keys{number}"], state[f"values{number}"] = layer.cross.remember(memory)
        return state

    def decode(
        self, tokens: Tensor, state: State, *, watch: bool
    ) -> tuple[Tensor, Tensor | None, State]:
        state = dict(state)
        before = state["own_keys0"].shape[2] if "own_keys0" in state else 0
        length = tokens.shape[1]
        allowed = torch.ones(length, before + length, dtype=torch.bool, device=tokens.device)
        states, asking = self._embed(tokens, before), tokens
        for number, layer in enumerate(self.layers):
            states, asking = layer(states, number, state, allowed.tril(before))
        weights = None
        if watch:
            last = len(self.layers) - 1
            weights = self._layers[last].cross.weights(
                asking, state[f"keys{last}"], state["visible"]
            )
        return self.norm(states), weights, state

    @property
    def _layers(self) -> list[DecoderLayer]:
        return [layer for layer in self.layers if isinstance(layer, DecoderLayer)]

    def _embed(self, tokens: Tensor, first: int) -> Tensor:
        """Token vectors with their positions, counted from first."""
        vectors = self.vectors(tokens)
        places = torch.arange(first, first + tokens.shape[1], device=tokens.device)
        return self.dropout(vectors + sinusoids(places, self.width).to(vectors.dtype))


def sinusoids(places: Tensor, width: int) -> Tensor:
    """Sines and cosines of places [n] in waves of many lengths, [n, width]."""
    steps = torch.arange(0, width, 2, device=places.device) / width
    angles = places.unsqueeze(1) / 10_000**steps
    return torch.cat([angles.sin(), angles.cos()], dim=1)
