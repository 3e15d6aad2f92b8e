"""Vectors of whole texts: passages, a pretrained sentence encoder, and how it goes on learning.

It learns that two halves of one passage belong together (independent parts of one document as in
Izacard et al., 2022; the loss of Oord et al., 2018, among the passages of a batch).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.datasets.store import Store
from backend.errors import CheckpointError, DataError
from backend.models.networks import masked_mean
from backend.models.text_processing import TextProcessor, Tokens
from backend.models.vector_maps import MOST_SHOWN, add_map, moved_map
from backend.models.vector_questions import nearest, neighbours_answer

PASSAGE_WORDS = 40
FEWEST_WORDS = 6
MOST_INDEXED = 500
"""Passages of the training texts among which a trained model looks for the nearest."""
MOST_LEARNT, MOST_HELD_OUT = 4000, 400
TEMPERATURE = 0.05
DECOYS = 9
ENCODED_AT_ONCE = 32
PASSAGE_TOKENS = 128
SHOWN = 60
"""Characters of a text on a map."""
PASSAGES = "passages.json"


def passages_of(texts: Sequence[str], most: int) -> list[str]:
    """Stretches of PASSAGE_WORDS words of the texts, each once; evenly spread if beyond `most`.

    Scripts without spaces are cut by characters.
    """
    found: dict[str, None] = {}
    for text in texts:
        words, space = text.split(), " "
        if words and len(text) > 20 * len(words):
            words, space = list("".join(words)), ""
        for start in range(0, len(words), PASSAGE_WORDS):
            part = words[start : start + PASSAGE_WORDS]
            if len(part) >= FEWEST_WORDS or (start == 0 and part):
                found.setdefault(space.join(part))
    passages = list(found)
    if len(passages) > most:
        places = torch.linspace(0, len(passages) - 1, most).round().long()
        passages = [passages[place] for place in places.tolist()]
    return passages


def halves(passage: str) -> tuple[str, str]:
    """A passage cut in the middle, between two words where it has several."""
    words, space = passage.split(), " "
    if len(words) < 2:
        words, space = list(passage.strip()), ""
    middle = max(1, len(words) // 2)
    first, second = words[:middle], words[middle:] or words
    return space.join(first), space.join(second)


@dataclass
class PassageProcessor:
    """The encoder's tokenizer, and the passages among which the nearest are looked for."""

    tokens: TextProcessor
    passages: list[str]
    classes: list[str] = field(default_factory=list)

    @classmethod
    def fit(cls, tokens: TextProcessor, store: Store) -> "PassageProcessor":
        texts = [store.text(index) for index in store.indices("train").tolist()]
        passages = passages_of(texts, MOST_INDEXED)
        if not passages:
            raise DataError("There is nothing but blank texts in this data set.")
        return cls(tokens, passages)

    def save(self, folder: Path) -> None:
        self.tokens.save(folder)
        (folder / PASSAGES).write_text(json.dumps(self.passages), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "PassageProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            passages = json.loads((folder / PASSAGES).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                "The saved model's texts are missing or damaged. Train the model again."
            ) from error
        return cls(TextProcessor.load(folder), passages)

    def __call__(
        self, inputs: Sequence[str], device: "torch.device | str" = "cpu"
    ) -> dict[str, Any]:
        return self.tokens(inputs, device)


class Halves:
    """The passages of one split, each as two halves, tokenized once."""

    lengths: Tensor | None

    def __init__(self, store: Store, processor: PassageProcessor, split: str) -> None:
        texts = [store.text(index) for index in store.indices(split).tolist()]
        most = MOST_LEARNT if split == "train" else MOST_HELD_OUT
        pairs = [halves(passage) for passage in passages_of(texts, most)]
        tokens = processor.tokens
        self.parts = [Tokens.pack(tokens.encode([pair[side] for pair in pairs])) for side in (0, 1)]
        self.pad_id = tokens.pad_id
        # While learning, passages of one length stand against each other.
        self.lengths = self.parts[0].lengths

    def __len__(self) -> int:
        return len(self.parts[0].lengths)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Any]:
        """{"first", "second"}: input_ids and attention_mask [b, length] of either half."""
        first, second = (part.padded(indices, self.pad_id, device) for part in self.parts)
        return {"first": first, "second": second}


class SentenceVectors(nn.Module):
    """A text encoder whose mean over the tokens is a text's direction (Sentence-BERT, 2019).

    index holds the directions of the processor's passages, filled at each evaluation and saved
    along.
    """

    index: Tensor
    indexed: Tensor
    layout: Tensor

    def __init__(self, encoder: Any, *, passages: int, mapped: int) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.register_buffer("index", torch.zeros(passages, width))
        self.register_buffer("indexed", torch.zeros(1, dtype=torch.bool))
        add_map(self, mapped, width)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Directions [b, width] of token ids [b, length] and their mask (1 = token)."""
        if self.training:
            self.indexed.fill_(False)  # its weights are about to change
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        return F.normalize(masked_mean(states, attention_mask), dim=1)

    def fill_index(self, processor: PassageProcessor, device: torch.device) -> Tensor:
        """The directions of the passages [n, width]; computed where the weights have changed."""
        if not bool(self.indexed):
            rows = []
            for start in range(0, len(processor.passages), ENCODED_AT_ONCE):
                part = processor.passages[start : start + ENCODED_AT_ONCE]
                rows.append(self(**processor(part, device)))
            self.index.copy_(torch.cat(rows))
            self.indexed.fill_(True)
        return self.index

    def learn(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """The loss of telling each first half's own second half from the others', both ways."""
        first, second = self(**batch["first"]), self(**batch["second"])
        scores = first @ second.T / TEMPERATURE
        own = torch.arange(len(first), device=first.device)
        loss = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
        return {"loss": loss, "first": first.detach(), "second": second.detach()}

    def ask(
        self, processor: PassageProcessor, question: str, device: torch.device, count: int
    ) -> dict[str, Any]:
        """The passages nearest to a text."""
        asked, index = self(**processor([question], device))[0], self.fill_index(processor, device)
        found = nearest(asked, index, count=count)
        others = torch.linspace(0, len(index) - 1, min(MOST_SHOWN, len(index))).round().long()
        return neighbours_answer(
            asked, question.strip()[:SHOWN], index, processor.passages, found, others.tolist()
        )

    def draw_map(self, processor: PassageProcessor, device: torch.device) -> dict[str, Any]:
        """Points and groups of the map of some passages, lying as at the last evaluation."""
        index = self.fill_index(processor, device)
        places = torch.linspace(0, len(index) - 1, len(self.layout)).round().long().tolist()
        texts = [shortened(processor.passages[place]) for place in places]
        return moved_map(self, index[places], texts)


def shortened(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1].rstrip() + "…"


def half_hits(first: Tensor, second: Tensor) -> Tensor:
    """Whether the own second half is nearer than DECOYS others, [n], as floats."""
    count = len(first)
    generator = torch.Generator().manual_seed(0)
    steps = torch.randint(1, max(2, count), (count, min(DECOYS, count - 1)), generator=generator)
    others = (torch.arange(count).unsqueeze(1) + steps) % count
    own = (first * second).sum(1)
    if others.shape[1] == 0:
        return torch.zeros(count)
    near = (second[others] @ first.unsqueeze(2)).squeeze(2)
    return (own > near.max(1).values).float()
