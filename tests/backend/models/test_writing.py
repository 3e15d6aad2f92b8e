"""Writing: what is drawn, from how many, with what memory; alike with and without a cache."""

import torch
from torch import nn

from backend.models.language_models import RecurrentLanguageModel, SmallGPT
from backend.models.writing import Sampling, choose, next_tokens

V, CONTEXT = 30, 12


def models() -> list[nn.Module]:
    torch.manual_seed(0)
    made = [
        RecurrentLanguageModel(nn.GRU, V, 8, 12),
        RecurrentLanguageModel(nn.LSTM, V, 8, 12),
        SmallGPT(V, 16, 2, 2),
    ]
    for model in made:
        for weight in model.parameters():  # far from uniform, so that a mistake shows
            nn.init.normal_(weight, std=0.5)
    return [model.eval() for model in made]


def test_step_by_step_is_as_all_at_once() -> None:
    ids = torch.randint(0, V, (2, 10))
    for model in models():
        whole = model(ids)
        for first in (1, 4):
            scores, state = model.step(ids[:, :first], None)
            for place in range(first, 10):
                scores, state = model.step(ids[:, place : place + 1], state)
            assert torch.allclose(scores, whole[:, -1], atol=1e-4)
        scores, state = model.step(ids[:, :3], None)
        scores, _ = model.step(ids[:, 3:], state)
        assert torch.allclose(scores, whole[:, -1], atol=1e-4)


def test_no_token_sees_what_comes_after_it() -> None:
    ids = torch.randint(0, V, (1, 8))
    other = ids.clone()
    other[0, 5:] = (other[0, 5:] + 1) % V
    for model in models():
        assert torch.allclose(model(ids)[0, :5], model(other)[0, :5], atol=1e-5)
        assert not torch.allclose(model(ids)[0, 5:], model(other)[0, 5:], atol=1e-3)


def test_greedy_writing_takes_the_likeliest_each_time() -> None:
    """The cached path gives what reading everything anew gives, up to the full context."""
    prompt = torch.randint(1, V, (4,))
    for model in models():
        found = list(
            next_tokens(model, prompt, Sampling(0.0, length=7), context=CONTEXT, end_id=-1)
        )
        ids = prompt.tolist()
        for token in found:
            assert token == int(model(torch.tensor([ids]))[0, -1].argmax())
            ids.append(token)


def test_it_goes_on_beyond_its_memory_and_stops_at_the_end_sign() -> None:
    for model in models():
        how = Sampling(1.0, length=40, seed=1)
        found = list(next_tokens(model, torch.tensor([1, 2]), how, context=CONTEXT, end_id=-1))
        assert len(found) == 40
        again = list(next_tokens(model, torch.tensor([1, 2]), how, context=CONTEXT, end_id=-1))
        assert again == found
        cut = list(next_tokens(model, torch.tensor([1, 2]), how, context=CONTEXT, end_id=found[5]))
        assert cut == found[: found.index(found[5])]
        long = torch.arange(100) % V
        assert len(list(next_tokens(model, long, how, context=CONTEXT, end_id=-1))) == 40


def test_top_k_and_top_p_leave_out_the_unlikely() -> None:
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()

    def drawn(how: Sampling) -> dict[int, float]:
        generator = torch.Generator().manual_seed(0)
        found = [choose(scores, how, generator) for _ in range(2000)]
        return {token: found.count(token) / 2000 for token in set(found)}

    assert set(drawn(Sampling())) == {0, 1, 2, 3}
    assert abs(drawn(Sampling())[0] - 0.5) < 0.05
    assert set(drawn(Sampling(top_k=2))) == {0, 1}
    assert set(drawn(Sampling(top_p=0.6))) == {0, 1}
    assert set(drawn(Sampling(top_p=0.01))) == {0}
    assert set(drawn(Sampling(0.0))) == {0}
    assert drawn(Sampling(0.2))[0] > 0.9
    assert drawn(Sampling(3.0))[3] > 0.1
