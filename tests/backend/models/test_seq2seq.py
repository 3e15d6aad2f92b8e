"""Encoder-decoders of our own: whole answers and single steps agree, padding counts for nothing."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from backend.models.seq2seq import RecurrentSeq2Seq, Seq2Seq, TransformerSeq2Seq
from backend.models.text_pairs import END_ID, PAD_ID, START_ID

VOCABULARY, LONGEST = 30, 12
NETWORKS: dict[str, Any] = {
    "gru": lambda **k: RecurrentSeq2Seq(nn.GRU, VOCABULARY, LONGEST, width=16, hidden=12, **k),
    "lstm": lambda **k: RecurrentSeq2Seq(nn.LSTM, VOCABULARY, LONGEST, width=16, hidden=12, **k),
    "multiplicative": lambda **k: RecurrentSeq2Seq(
        nn.GRU, VOCABULARY, LONGEST, width=16, hidden=12, attention="multiplicative", **k
    ),
    "none": lambda **k: RecurrentSeq2Seq(
        nn.LSTM, VOCABULARY, LONGEST, width=16, hidden=12, attention="none", **k
    ),
    "transformer": lambda **k: TransformerSeq2Seq(VOCABULARY, LONGEST, width=16, **k),
}
CASES = [(name, copy) for name in NETWORKS for copy in (False, True)]


def build(name: str, copy: bool) -> Seq2Seq:
    torch.manual_seed(0)
    network: Seq2Seq = NETWORKS[name](copy=copy)
    # Random weights of a usual size: the fresh ones are so small that all answers look alike.
    for weight in network.parameters():
        weight.data = torch.randn_like(weight) * 0.5
    return network.eval()


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Two texts of 7 and 4 tokens, and the same answer begun for both."""
    texts = torch.randint(4, VOCABULARY, (2, 7), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(texts)
    texts[1, 4:], mask[1, 4:] = PAD_ID, 0
    begun = torch.tensor([[START_ID, 9, 12, 7, 21]] * 2)
    return texts, mask, begun


@pytest.mark.parametrize(("name", "copy"), CASES)
def test_single_steps_give_what_the_whole_gives(name: str, copy: bool) -> None:
    network, (texts, mask, begun) = build(name, copy), inputs()
    with torch.inference_mode():
        whole = network(texts, mask, begun).log_softmax(dim=-1)
        state = network.encode(texts, mask)
        for place in range(begun.shape[1]):
            states, weights, state = network.decode(begun[:, place : place + 1], state, watch=True)
            step = network.score(states, weights, texts).log_softmax(dim=-1)
            assert torch.allclose(step[:, 0], whole[:, place], atol=1e-4), place


@pytest.mark.parametrize(("name", "copy"), CASES)
def test_padding_changes_nothing(name: str, copy: bool) -> None:
    network, (texts, mask, begun) = build(name, copy), inputs()
    with torch.inference_mode():
        together = network(texts, mask, begun)[1]
        alone = network(texts[1:, :4], mask[1:, :4], begun[1:])[0]
    assert torch.allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize(("name", "copy"), CASES)
def test_later_tokens_are_not_seen(name: str, copy: bool) -> None:
    network, (texts, mask, begun) = build(name, copy), inputs()
    other = begun.clone()
    other[:, 3:] = 5
    with torch.inference_mode():
        first, second = network(texts, mask, begun), network(texts, mask, other)
    assert torch.allclose(first[:, :3], second[:, :3], atol=1e-5)
    assert not torch.allclose(first[:, 3:], second[:, 3:], atol=1e-2)


@pytest.mark.parametrize("name", NETWORKS)
def test_attention_is_shared_out_among_what_is_there(name: str) -> None:
    network, (texts, mask, begun) = build(name, False), inputs()
    with torch.inference_mode():
        weights = network.attend(texts, mask, begun)
    if name == "none":
        assert weights is None
        return
    assert weights is not None
    assert weights.shape == (2, 5, 7)
    assert torch.allclose(weights.sum(dim=2), torch.ones(2, 5), atol=1e-5)
    assert float(weights[1, :, 4:].sum()) == 0


@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_copying_gives_the_inputs_tokens_what_attention_says(name: str) -> None:
    network, (texts, mask, begun) = build(name, True), inputs()
    assert network.gate is not None
    network.gate.weight.data.zero_()
    with torch.inference_mode():
        weights = network.attend(texts, mask, begun)
        network.gate.bias.data.fill_(40.0)  # copies only
        found = network(texts, mask, begun).exp()
        assert torch.allclose(found.sum(dim=2), torch.ones(2, 5), atol=1e-4)
        assert weights is not None
        for token in set(texts[0].tolist()):
            share = weights[0, :, texts[0] == token].sum(dim=1)
            assert torch.allclose(found[0, :, token], share, atol=1e-4)
        network.gate.bias.data.fill_(-40.0)  # never copies
        never = network(texts, mask, begun).exp()
        network.gate = None
        plain = network(texts, mask, begun).softmax(dim=2)
    assert torch.allclose(never, plain, atol=1e-4)


@pytest.mark.parametrize(("name", "copy"), CASES)
def test_answers_end_and_are_filled_up(name: str, copy: bool) -> None:
    network, (texts, mask, _) = build(name, copy), inputs()
    with torch.inference_mode():
        for beams in (1, 3):
            answers = network.generate(texts, mask, num_beams=beams)
            assert answers.shape[0] == 2
            assert 1 <= answers.shape[1] <= LONGEST
            for row in answers.tolist():
                if END_ID in row:
                    assert set(row[row.index(END_ID) + 1 :]) <= {PAD_ID}
        assert network.generate(texts, mask, max_new_tokens=2).shape[1] <= 2
