"""Recommenders: what people like is found, names are known, scores are counted rightly."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.datasets.ratings import Ratings
from backend.datasets.store import Store
from backend.errors import DataError, UsageError
from backend.models.rating_processing import (
    HeldOutRatings,
    RatingProcessor,
    TrainingRatings,
    build_rating_processor,
    measure,
)
from backend.models.recommenders import MatrixFactorisation, TwoTower
from backend.tasks import get_task
from backend.tasks.recommendation import RecommendationOptions
from tests.backend.tasks.samples import rating_dataset

CPU = torch.device("cpu")
NAMES = ["Silent Harbour (crime)", "Cold Witness (crime)", "Moonlit Crown (fantasy)", "Über Alles"]


def rows(*values: list[int]) -> Tensor:
    return torch.tensor([*values])


def test_ten_best_by_hand() -> None:
    """Twelve things; the best two are met already, of two wanted one stands third, one last."""
    scores = torch.arange(12.0).flip(0).unsqueeze(0)
    recall, ndcg = measure(scores, rows([0, 1]), rows([4, 12]))
    assert float(recall) == 1
    assert float(ndcg) == pytest.approx(1 / 2)  # place 3: 1 / log2(4)
    recall, ndcg = measure(scores, rows([0, 12]), rows([1, 11]))
    assert float(recall) == 0.5  # the eleventh place is too far down
    best = 1 + 1 / torch.tensor(3.0).log2()
    assert float(ndcg) == pytest.approx(1 / float(best))


def test_more_wanted_than_ten_can_still_be_a_full_score() -> None:
    scores = torch.arange(20.0).flip(0).unsqueeze(0)
    recall, ndcg = measure(scores, rows([20]), rows([*range(15)]))
    assert (float(recall), float(ndcg)) == pytest.approx((1.0, 1.0))


def test_a_history_never_holds_its_own_target(home: Path) -> None:
    ratings = Ratings(Store.open(rating_dataset().id))
    split = TrainingRatings(ratings)
    batch = split.batch(torch.arange(len(split)), CPU)
    assert not (batch["history"] == batch["targets"].unsqueeze(1)).any()
    counts = (batch["history"] < len(ratings.items)).sum(dim=1)
    liked = ratings.by_person("train", liked=True)
    assert counts.tolist() == [len(liked[who]) - 1 for who in batch["people"].tolist()]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_was_met_is_neither_wanted_nor_suggested(home: Path, split: str) -> None:
    held_out = HeldOutRatings(Ratings(Store.open(rating_dataset().id)), split)
    batch = held_out.batch(torch.arange(len(held_out)), CPU)
    for met, wanted in zip(batch["met"].tolist(), batch["wanted"].tolist(), strict=True):
        assert not (set(met) & set(wanted)) - {held_out.things}
    assert batch["baselines"].shape == (len(held_out), 4)
    assert ((batch["baselines"] >= 0) & (batch["baselines"] <= 1)).all()
    # People like what those like who like the same: fame knows nothing of that.
    fame, likeness = batch["baselines"][:, 0].mean(), batch["baselines"][:, 2].mean()
    assert likeness > fame + 0.1


def test_likeness_by_hand() -> None:
    """The cosine between columns, as a table of everything would give it."""
    torch.manual_seed(0)

    parts = {"train": [[0, 1], [0, 1, 2], [2, 3], [0]], "validation": [[2], [3], [0], [1]]}

    class Few:
        items, people = ("a", "b", "c", "d"), 4

        def by_person(self, *splits: str, liked: bool) -> list[np.ndarray]:
            return [np.array(one, np.int64) for one in parts[splits[0]]]

    found = HeldOutRatings(Few(), "validation").baselines  # type: ignore[arg-type]
    table = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 0]])
    likeness = table.T @ table / table.norm(dim=0).outer(table.norm(dim=0))
    for person in range(4):
        history = parts["train"][person]
        expected = measure(
            (table[person] @ likeness).unsqueeze(0), rows(history),
            rows(parts["validation"][person]),
        )  # fmt: skip
        assert found[person, 2:].tolist() == pytest.approx([float(one) for one in expected])


@pytest.mark.parametrize("kind", ["matrix-factorisation", "two-tower"])
def test_a_new_person_gets_things_of_the_liked_kind(home: Path, kind: str) -> None:
    """Trained for two seconds, asked with three things of one kind, as the playground asks."""
    dataset, task = rating_dataset(), get_task("recommendation")
    torch.manual_seed(0)
    config = task.config(**{**task.get_model(kind).defaults, "weight_decay": 0.3})
    processor = task.build_processor(dataset, task.get_model(kind), config)
    model = task.build_model(task.get_model(kind), processor, config, pretrained=False)
    split = task.load_split(dataset, processor, config, "train")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.3)
    for step in range(120):
        indices = torch.randperm(len(split), generator=torch.Generator().manual_seed(step))[:128]
        loss = task.compute(model, split.batch(indices, CPU), train=True)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    options = RecommendationOptions(count=6)
    with torch.inference_mode():
        for kind_of_thing in ("Tea", "Café"):
            picked = [f"{kind_of_thing} {number}" for number in (1, 4, 8)]
            (answer,) = task.predict(model, processor, [picked], CPU, options)
            names = [one["item"] for one in answer["items"]]
            assert len(names) == 6
            assert all(name.startswith(kind_of_thing) for name in names)
            assert {one["because"] for one in answer["items"]} <= set(picked)


def test_folding_in_finds_the_vector_that_explains_the_picks() -> None:
    """The gradient of the loss is zero there: no step could make it better."""
    torch.manual_seed(0)
    model = MatrixFactorisation(5, 40, 8)
    with torch.no_grad():
        model.things.weight.mul_(8)
    picked = rows([1, 5, 9, 40])
    scores = model.suggest(picked)
    vectors = model.vectors().detach()
    person = torch.linalg.lstsq(vectors, scores[0].detach().unsqueeze(1)).solution.T
    chances = (person @ vectors.T).softmax(dim=1)
    gradient = chances @ vectors - vectors[[1, 5, 9]].mean(dim=0) + 0.03 * person
    assert gradient.norm() < 0.02 * vectors.norm(dim=1).mean()


def test_filling_changes_nothing() -> None:
    torch.manual_seed(0)
    for model in (MatrixFactorisation(3, 4, 8), TwoTower(NAMES, 8)):
        model.eval()
        short, long = model.suggest(rows([2, 0])), model.suggest(rows([2, 0, 4, 4, 4]))
        assert torch.allclose(short, long)


def test_words_of_names_are_shared() -> None:
    """Only the words differ from name to name: those that share one lie nearer."""
    torch.manual_seed(0)
    model = TwoTower(NAMES, 64)
    with torch.no_grad():
        model.things.weight.zero_()
    crime, other, fantasy, _ = torch.nn.functional.normalize(model.vectors(), dim=1)
    assert crime @ other > crime @ fantasy + 0.1


def test_names_are_found_whatever_the_case() -> None:
    processor = RatingProcessor(NAMES, 3, 1.0, [])
    assert processor.find(["silent harbour (CRIME)", " Über  alles ", "Über Alles"]) == [0, 3]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Witness"], "Did you mean “Cold Witness"),
        (["Moonlight Crwn (fantasy)"], "Did you mean “Moonlit Crown"),
        (["zzzzzz"], "Pick from the list"),
        ([], "at least one"),
        (["  "], "at least one"),
    ],
)
def test_an_unknown_name_gets_a_sentence(names: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        RatingProcessor(NAMES, 3, 1.0, []).find(names)


def test_nobody_likes_anything(home: Path) -> None:
    ratings = Ratings(Store.open(rating_dataset().id), liked_from=9.0)
    assert build_rating_processor(ratings).liked_from == 9
    with pytest.raises(DataError, match="Liked from"):
        TrainingRatings(ratings)
