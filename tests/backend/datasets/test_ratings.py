"""Ratings by person: what counts as liked, which part is whose, and lists for the playground."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.ratings import Ratings, find_threshold, list_items, list_people
from backend.datasets.store import Store
from tests.backend.tasks.samples import rating_dataset


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        ([1, 2, 3, 4, 5, 5, 4], 4),  # stars: above the mean of 3.4
        ([1, 1, 1], 1),  # somebody bought it, no more is known
        ([0, 1, 1, 0], 1),  # thumbs
        ([0.5, 3.5, 4.0, 5.0], 3.5),
        ([3, 17, 250, 1, 90], 1),  # how often it was played: all of it
        ([*range(1, 40)], 1),
    ],
)
def test_from_where_on_a_thing_is_liked(values: list[float], threshold: float) -> None:
    assert find_threshold(np.array(values, np.float32)) == threshold


def test_each_person_has_its_own_things_in_each_part(home: Path) -> None:
    dataset = rating_dataset()
    ratings = Ratings(Store.open(dataset.id))
    assert ratings.liked_from == 5
    assert (ratings.people, len(ratings.items)) == (40, 30)
    parts = {
        split: ratings.by_person(split, liked=False) for split in ("train", "validation", "test")
    }
    for person in range(40):
        things = np.concatenate([parts[split][person] for split in parts])
        assert len(things) == len(set(things.tolist())) == 20
        assert all(len(parts[split][person]) for split in parts)
        liked = ratings.by_person("train", "test", liked=True)[person]
        kinds = {ratings.items[thing].split()[0] for thing in liked.tolist()}
        assert kinds == {"Tea" if person % 2 == 0 else "Café"}


def test_a_threshold_that_is_set_counts(home: Path) -> None:
    ratings = Ratings(Store.open(rating_dataset().id), liked_from=2.0)
    everything = ratings.by_person("train", liked=False)
    found = ratings.by_person("train", liked=True)
    assert [one.tolist() for one in found] == [one.tolist() for one in everything]


def test_lists_for_the_playground(home: Path) -> None:
    dataset = rating_dataset()
    names = list_items(dataset)
    assert len(names) == 30
    assert names == sorted(names, key=str.casefold)
    people = list_people(dataset, limit=5, picks=3, seed=0)
    assert len(people) == 5
    for liked, later in people:
        assert 1 <= len(liked) <= 3
        assert later
        assert not set(liked) & set(later)
        assert len({name.split()[0] for name in [*liked, *later]}) == 1
    assert list_people(dataset, limit=5, picks=3, seed=0) == people
    assert list_people(dataset, limit=5, picks=3, seed=1) != people
