"""Ratings by person: who liked what in which split; for recommenders and the playground's lists."""

import numpy as np
from numpy.typing import NDArray

from backend.datasets.store import Store
from storage.records import Dataset

# More different values than this, or a larger one, are counts (plays, purchases) and no stars.
MOST_STARS = 20


class Ratings:
    """The ratings of a store by person: what they liked and what they met, in each split."""

    def __init__(self, store: Store, liked_from: float = 0.0) -> None:
        """liked_from: the least rating that counts as liked; 0 finds it in the training split."""
        self.rows, self.names = store.ratings(), store.names()
        train = self.rows["value"][store.indices("train")]
        self.liked_from = liked_from or find_threshold(train)
        self._liked = self.rows["value"] >= self.liked_from
        self._store = store

    @property
    def items(self) -> list[str]:
        return self.names["items"]

    @property
    def people(self) -> int:
        return len(self.names["users"])

    def by_person(self, *splits: str, liked: bool) -> list[NDArray[np.int64]]:
        """The things of each person in some splits, without repetition, in stored order."""
        chosen = np.sort(np.concatenate([self._store.indices(name) for name in splits]))
        if liked:
            chosen = chosen[self._liked[chosen]]
        who = self.rows["user"][chosen]
        order = np.argsort(who, kind="stable")
        ends = np.searchsorted(who[order], np.arange(1, self.people))
        things = self.rows["item"][chosen][order].astype(np.int64)
        parts = np.split(things, ends)
        return [np.array(list(dict.fromkeys(part.tolist())), np.int64) for part in parts]


def find_threshold(values: NDArray[np.float32]) -> float:
    """From which rating on a thing counts as liked.

    Stars: those above their mean. Counts, and marks that are all alike: every one of them.
    """
    kinds = np.unique(values)
    if len(kinds) < 2 or len(kinds) > MOST_STARS or kinds[-1] > MOST_STARS:
        return float(kinds[0]) if len(kinds) else 0.0
    return float(kinds[kinds > values.mean()][0])


def list_items(dataset: Dataset) -> list[str]:
    """The names of everything that was rated, in alphabetical order."""
    return sorted(Store.open(dataset).names()["items"], key=str.casefold)


def list_people(
    dataset: Dataset, *, limit: int, picks: int, seed: int
) -> list[tuple[list[str], list[str]]]:
    """What some people liked, at most `picks` each, and what they liked beside it in the test."""
    ratings = Ratings(Store.open(dataset))
    before, later = (ratings.by_person(split, liked=True) for split in ("train", "test"))
    able = [who for who in range(ratings.people) if len(before[who]) and len(later[who])]
    rng = np.random.default_rng(seed)
    return [
        (
            [ratings.items[i] for i in rng.permutation(before[who])[:picks]],
            [ratings.items[i] for i in later[who]],
        )
        for who in rng.permutation(able)[:limit].tolist()
    ]
