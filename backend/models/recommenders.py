"""Networks that suggest things from what somebody liked; built by the task file.

Both are trained with one softmax over all things (the multinomial likelihood of Liang et al.,
2018), and both answer people whom they have never met from what these people pick.
"""

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

# Words share this many vectors by a hash of their letters: no list of words has to be kept.
WORD_VECTORS = 1024
# What pulls the vector of a new person to zero while it is found; measured on the bundled films.
PULL, FOLD_STEPS = 0.03, 40
START = 0.1


class MatrixFactorisation(nn.Module):
    """A vector per person, a vector and a bias per thing; their product says how well they fit.

    Koren, Bell and Volinsky, 2009. A new person's vector is the one that explains the picked
    things best while the things' vectors stay (folding in, as Hu, Koren and Volinsky, 2008, for
    another loss).
    """

    def __init__(self, people: int, things: int, width: int) -> None:
        super().__init__()
        self.people = nn.Embedding(people, width)
        self.things = nn.Embedding(things, width)
        self.bias = nn.Parameter(torch.zeros(things))
        for table in (self.people, self.things):
            nn.init.normal_(table.weight, std=START)

    def forward(self, people: Tensor, history: Tensor) -> Tensor:
        """Scores [b, things] of known people, int64 [b]; what they liked stays unread."""
        return self.people(people) @ self.things.weight.T + self.bias

    def suggest(self, history: Tensor) -> Tensor:
        """Scores [b, things] for whoever liked these, int64 [b, n], filled up with `things`."""
        vectors = self.vectors()
        liked = _mean(vectors, history)
        # No step longer than what the loss's curvature allows, so this cannot run away.
        step = 1 / (vectors.square().sum(dim=1).max() / 2 + PULL)
        person = ahead = torch.zeros_like(liked)
        for number in range(FOLD_STEPS):
            chances = torch.softmax(ahead @ vectors.T + self.bias, dim=1)
            moved = ahead - step * (chances @ vectors - liked + PULL * ahead)
            # Nesterov's momentum: a third of the steps for the same result.
            ahead, person = moved + (moved - person) * number / (number + 3), moved
        return person @ vectors.T + self.bias

    def vectors(self) -> Tensor:
        """What is known of each thing, [things, width]; alike things lie in one direction."""
        return self.things.weight


class TwoTower(nn.Module):
    """One tower reads what somebody liked, the other a thing and the words of its name.

    The retrieval network of Covington, Adams and Sargin, 2016. In training some of what was liked
    is hidden by chance, so that short histories are met too.
    """

    word_ids: Tensor
    word_starts: Tensor

    def __init__(self, names: Sequence[str], width: int, hidden_share: float = 0.2) -> None:
        super().__init__()
        self.liked = nn.Embedding(len(names), width)
        self.liked_words = nn.EmbeddingBag(WORD_VECTORS, width, mode="mean")
        self.things = nn.Embedding(len(names), width)
        self.words = nn.EmbeddingBag(WORD_VECTORS, width, mode="mean")
        self.bias = nn.Parameter(torch.zeros(len(names)))
        self.reader = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )
        self.hidden_share = hidden_share
        for table in (self.liked, self.liked_words, self.things, self.words):
            nn.init.normal_(table.weight, std=START)
        ids, starts = _hash_words(names)
        self.register_buffer("word_ids", ids, persistent=False)
        self.register_buffer("word_starts", starts, persistent=False)

    def forward(self, people: Tensor, history: Tensor) -> Tensor:
        """Scores [b, things]; who the people are stays unread."""
        kept = torch.rand(history.shape, device=history.device) >= self.hidden_share
        return self._score(torch.where(kept, history, self.liked.num_embeddings))

    def suggest(self, history: Tensor) -> Tensor:
        """Scores [b, things] for whoever liked these, int64 [b, n], filled up with `things`."""
        return self._score(history)

    def _score(self, history: Tensor) -> Tensor:
        table = self.liked.weight + self.liked_words(self.word_ids, self.word_starts)
        count = (history < len(table)).sum(dim=1, keepdim=True).clamp(min=1)
        # The mean times a root: many likes make a surer person, though not in proportion.
        summary = _mean(table, history) * count.sqrt()
        person = summary + self.reader(summary)
        return person @ self.vectors().T + self.bias

    def vectors(self) -> Tensor:
        """What is known of each thing, [things, width]; alike things lie in one direction."""
        return self.things.weight + self.words(self.word_ids, self.word_starts)


def _mean(table: Tensor, history: Tensor) -> Tensor:
    """The mean [b, width] of the rows that are named; numbers past the table's end are filling."""
    known = history < len(table)
    rows = F.embedding(history.clamp(max=len(table) - 1), table) * known.unsqueeze(2)
    return rows.sum(dim=1) / known.sum(dim=1, keepdim=True).clamp(min=1)


def _hash_words(names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The vectors of each name's words, one after the other, and where each name begins."""
    ids: list[int] = []
    starts: list[int] = []
    for name in names:
        starts.append(len(ids))
        letters = "".join(sign if sign.isalnum() else " " for sign in name.casefold())
        ids += [zlib.crc32(word.encode()) % WORD_VECTORS for word in letters.split() or [name]]
    return torch.tensor(ids), torch.tensor(starts)
