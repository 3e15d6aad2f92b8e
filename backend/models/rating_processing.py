"""Ratings as a recommender takes them: names as numbers, histories, what is left to be found.

One path for training, evaluation and use: a person is always the things that they liked.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.datasets.ratings import Ratings
from backend.errors import CheckpointError, DataError, UsageError
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes

FILE = "processor.json"
# The most that is read of what somebody liked, rated or is to be suggested.
LONGEST = 256
SUGGESTED = 10


@dataclass
class RatingProcessor:
    """The names of all things, in the order of their numbers, and from where on one is liked."""

    items: list[str]
    people: int
    liked_from: float
    classes: list[str]

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "RatingProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                "The saved model's list of things is missing or damaged. Train the model again."
            ) from error

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {_plain(name): number for number, name in enumerate(self.items)}

    def find(self, names: Sequence[str]) -> list[int]:
        """The numbers of things by name, whatever the case; raises UsageError."""
        found: dict[int, None] = {}
        for name in names:
            number = self.numbers.get(_plain(name))
            if number is None and name.strip():
                raise UsageError(self._unknown(name))
            if number is not None:
                found[number] = None
        if not found:
            raise UsageError("Pick at least one thing that you like.")
        return list(found)[:LONGEST]

    def _unknown(self, name: str) -> str:
        folded = _plain(name)
        near = [one for one in self.numbers if folded in one][:3]
        near = near or difflib.get_close_matches(folded, self.numbers, 3, 0.5)
        names = ", ".join(f"“{self.items[self.numbers[one]]}”" for one in near)
        hint = f"Did you mean {names}?" if names else "Pick from the list of the data set."
        return f"The model knows nothing called “{name[:80]}”. {hint}"

    def __call__(
        self, inputs: Sequence[Sequence[str]], device: "torch.device | str" = "cpu"
    ) -> dict[str, Tensor]:
        """What each of some people likes, by name, as {"history": int64 [b, n]}."""
        rows = [self.find(names) for names in inputs]
        return {"history": _padded(rows, len(self.items)).to(device)}


def _plain(name: str) -> str:
    """A name without regard to case and spaces."""
    return " ".join(name.casefold().split())


def build_rating_processor(ratings: Ratings) -> RatingProcessor:
    """The names that are known, and from where on a rating counts as liked."""
    return RatingProcessor(ratings.items, ratings.people, ratings.liked_from, [])


class TrainingRatings:
    """Each liked thing of the training split, with what else the person liked."""

    lengths: Tensor | None = None

    def __init__(self, ratings: Ratings) -> None:
        histories = ratings.by_person("train", liked=True)
        self.histories = _padded([one.tolist() for one in histories], len(ratings.items))
        pairs = [(who, what) for who, one in enumerate(histories) for what in one.tolist()]
        if not pairs:
            raise DataError(
                "Nobody likes anything in this data. Lower the setting “Liked from”, or bring "
                "ratings of which some are high."
            )
        self.pairs = torch.tensor(pairs)
        self.things = len(ratings.items)

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor]:
        """{"people", "targets": [b], "history": [b, n] without the target}, on the device."""
        people, targets = self.pairs[indices].unbind(dim=1)
        history = self.histories[people]
        history = history.masked_fill(history == targets.unsqueeze(1), self.things)
        return {
            "people": people.to(device),
            "targets": targets.to(device),
            "history": history.to(device),
        }


class HeldOutRatings:
    """The people of whose likes some were held out: what they liked, met, and will like.

    What was met before is never suggested: the training split, and validation when it is a test.
    """

    lengths: Tensor | None = None

    def __init__(self, ratings: Ratings, split: str) -> None:
        before = ("train",) if split == "validation" else ("train", "validation")
        histories = ratings.by_person("train", liked=True)
        met = ratings.by_person(*before, liked=False)
        wanted = [
            np.setdiff1d(one, known, assume_unique=True)
            for one, known in zip(ratings.by_person(split, liked=True), met, strict=True)
        ]
        self.people = [who for who, one in enumerate(wanted) if len(one) and len(histories[who])]
        self.indices = np.array(self.people, np.int64)
        self.rows = (histories, met, wanted)
        self.things = len(ratings.items)
        self.baselines = self._measure_baselines(histories)

    def __len__(self) -> int:
        return len(self.people)

    def batch(self, indices: Tensor, device: "torch.device | str") -> dict[str, Tensor]:
        """{"history", "met", "wanted": int64 [b, n], "baselines": [b, 4]} on the device."""
        batch = {**self._given(indices), "baselines": self.baselines[indices]}
        return {name: value.to(device) for name, value in batch.items()}

    def most_popular(self) -> Naive:
        """What suggesting everybody the most popular things gets."""
        recall, ndcg = self.baselines[:, :2].double().mean(dim=0).tolist()
        words = "suggesting everybody the ten most popular things"
        return Naive(words, {"recall_10": recall, "ndcg_10": ndcg})

    def _given(self, indices: Tensor) -> dict[str, Tensor]:
        people = [self.people[place] for place in indices.tolist()]
        histories, met, wanted = ([one[who].tolist() for who in people] for one in self.rows)
        return {
            "history": _padded(histories, self.things),
            "met": _padded(met, self.things, longest=self.things),
            "wanted": _padded(wanted, self.things),
        }

    def _measure_baselines(self, histories: list[NDArray[np.int64]]) -> Tensor:
        """recall and NDCG of the most popular, and of the likeliest neighbours, [people, 4].

        Neighbours: the cosine between the columns of who liked what (Sarwar et al., 2001).
        """
        rows = [(who, what) for who, one in enumerate(histories) for what in one.tolist()]
        where = torch.tensor(rows).T.reshape(2, -1)
        things, shape = self.things, (len(histories), self.things)
        liked = torch.sparse_coo_tensor(
            where, torch.ones(where.shape[1]), shape, check_invariants=False
        ).coalesce()
        popularity = torch.bincount(where[1], minlength=things).float()
        norms = popularity.sqrt().clamp(min=1)
        turned = liked.T.coalesce()
        found = [torch.empty(0, 4)]
        for part in torch.arange(len(self.people)).split(LONGEST):
            given = self._given(part)
            own = torch.zeros(len(part), things + 1).scatter_(1, given["history"], 1.0)
            own = own[:, :things] / norms
            alike = torch.sparse.mm(turned, torch.sparse.mm(liked, own.T)).T / norms
            scores = (
                measure(guess, given["met"], given["wanted"])
                for guess in (popularity.expand(len(part), -1), alike)
            )
            found.append(torch.cat([torch.stack([*pair], dim=1) for pair in scores], dim=1))
        return torch.cat(found)


def measure(scores: Tensor, met: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Recall and NDCG of the ten best, [b] each, of scores [b, things].

    met, wanted: int64 [b, n], filled up with the number of things. Recall is the share of what
    could be found among ten (Liang et al., 2018), NDCG weighs a find by its place (Järvelin and
    Kekäläinen, 2002).
    """
    things = scores.shape[1]
    mask = torch.zeros(len(scores), things + 1, dtype=torch.bool, device=scores.device)
    open_scores = scores.masked_fill(mask.scatter(1, met, True)[:, :things], float("-inf"))
    top = open_scores.topk(min(SUGGESTED, things), dim=1).indices
    hits = mask.scatter(1, wanted, True)[:, :things].gather(1, top).float()
    most = (wanted < things).sum(dim=1).clamp(max=top.shape[1])
    places = 1 / torch.arange(2, top.shape[1] + 2, device=scores.device).log2()
    ideal = places.cumsum(0)[most.clamp(min=1) - 1]
    return hits.sum(dim=1) / most.clamp(min=1), (hits * places).sum(dim=1) / ideal


class RecommendationMeter:
    """The mean over the people of a split (backend.tasks.base.Meter)."""

    NAMES = (
        "recall_10", "ndcg_10", "popular_recall_10", "popular_ndcg_10", "neighbours_recall_10",
        "neighbours_ndcg_10",
    )  # fmt: skip

    def __init__(self) -> None:
        self.rows: list[Tensor] = []

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        own = torch.stack([*result["output"]], dim=1)
        self.rows.append(torch.cat([own, batch["baselines"]], dim=1).double().cpu())

    def compute(self) -> dict[str, float]:
        return dict(zip(self.NAMES, torch.cat(self.rows).mean(dim=0).tolist(), strict=True))

    def outcomes(self) -> Outcomes:
        columns = torch.cat(self.rows).float().numpy().T
        return Outcomes(values=dict(zip(self.NAMES, columns, strict=True)))


def _padded(rows: Sequence[Sequence[int]], filling: int, longest: int = LONGEST) -> Tensor:
    """Rows of numbers as int64 [b, n], cut off at the longest allowed and filled up."""
    lengths = [min(len(row), longest) for row in rows]
    table = torch.full((len(rows), max([1, *lengths])), filling, dtype=torch.int64)
    for place, length in enumerate(lengths):
        table[place, :length] = torch.tensor(rows[place][:length], dtype=torch.int64)
    return table
