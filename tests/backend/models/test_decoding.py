"""Finding answers: greedy takes the likeliest next token, beams the likeliest whole."""

import itertools
import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from backend.models.decoding import Marks, State, beam_search, greedy

MARKS = Marks(start=1, end=2, pad=0)
VOCABULARY = 6


def table(chances: Mapping[tuple[int, ...], Mapping[int, float]], count: int = 1) -> State:
    """A state for step(): nothing was written yet."""
    return {"written": torch.zeros(count, 0, dtype=torch.int64)}


def stepper(chances: Mapping[tuple[int, ...], Mapping[int, float]]):  # type: ignore[no-untyped-def]
    """A model that knows for each beginning how likely each next token is."""

    def step(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        written = torch.cat([state["written"], tokens.unsqueeze(1)], dim=1)
        scores = torch.full((len(tokens), VOCABULARY), -math.inf)
        for row, begun in enumerate(written.tolist()):
            for token, chance in chances.get(tuple(begun[1:]), {2: 1.0}).items():
                scores[row, token] = math.log(chance)
        return scores, {"written": written}

    return step


GARDEN_PATH = {
    (): {3: 0.6, 4: 0.4},
    (3,): {3: 0.3, 4: 0.3, 5: 0.4},
    (4,): {5: 0.99, 3: 0.01},
}
"""The likeliest first token leads to nothing likely."""


def test_greedy_walks_into_the_trap_and_beams_do_not() -> None:
    step = stepper(GARDEN_PATH)
    assert greedy(step, table(GARDEN_PATH), MARKS, 5).tolist() == [[3, 5, 2]]
    assert beam_search(step, table(GARDEN_PATH), MARKS, 5, 2).tolist() == [[4, 5, 2]]


def test_one_beam_is_greedy() -> None:
    step = stepper(GARDEN_PATH)
    assert beam_search(step, table(GARDEN_PATH), MARKS, 5, 1).tolist() == [[3, 5, 2]]


def test_short_answers_do_not_win_for_being_short() -> None:
    chances = {(): {2: 0.3, 3: 0.7}, (3,): {4: 0.6, 2: 0.4}, (3, 4): {2: 0.7, 5: 0.3}}
    # Per token 0.3, (0.7 * 0.4) ** 1/2 = 0.53, (0.7 * 0.6 * 0.7) ** 1/3 = 0.66.
    assert beam_search(stepper(chances), table(chances), MARKS, 5, 3).tolist() == [[3, 4, 2]]


def test_enough_beams_find_the_best_of_all() -> None:
    generator = torch.Generator().manual_seed(3)
    letters = (3, 4, 5)
    chances = {}
    for length in range(3):
        for begun in itertools.product(letters, repeat=length):
            shares = torch.rand(4, generator=generator).softmax(dim=0).tolist()
            chances[begun] = dict(zip((2, *letters), shares, strict=True))

    def mean(answer: tuple[int, ...]) -> float:
        known = [chances.get(answer[:place], {2: 1.0})[token] for place, token in enumerate(answer)]
        return sum(map(math.log, known)) / len(known)

    answers = [
        (*begun, 2) for length in range(4) for begun in itertools.product(letters, repeat=length)
    ]
    best = max(answers, key=mean)
    [found] = beam_search(stepper(chances), table(chances), MARKS, 4, 40).tolist()
    assert tuple(found[: len(best)]) == best


@pytest.mark.parametrize("beams", [1, 3])
def test_each_of_a_batch_goes_its_own_way(beams: int) -> None:
    def step(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Writes its own letter so many times, then ends."""
        scores = torch.full((len(tokens), VOCABULARY), -20.0)
        over = state["left"] == 0
        scores[torch.arange(len(tokens)), torch.where(over, 2, state["letter"])] = -0.01
        return scores, {**state, "left": state["left"] - 1}

    state = {"letter": torch.tensor([3, 4, 5]), "left": torch.tensor([1, 3, 0])}
    found = (
        greedy(step, state, MARKS, 9) if beams == 1 else beam_search(step, state, MARKS, 9, beams)
    )
    assert found.tolist() == [[3, 2, 0, 0], [4, 4, 4, 2], [2, 0, 0, 0]]


def test_an_answer_without_end_is_cut() -> None:
    chances = {(3,) * length: {3: 1.0} for length in range(20)}
    for beams in (1, 2):
        found = beam_search(stepper(chances), table(chances), MARKS, 6, beams)
        assert found.tolist() == [[3] * 6]
    assert greedy(stepper(chances), table(chances), MARKS, 6).tolist() == [[3] * 6]
