"""Sampling, schedule, random state and config, each on its own."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from backend.errors import ConfigError, DeviceError
from backend.models import networks
from backend.training import devices, warmup
from backend.training.config import TrainingConfig, config_from
from backend.training.optimization import build_optimizer, learning_rate
from backend.training.sampling import epoch_batches, ordered_batches
from backend.training.seeds import random_state, restore_random_state, seed_everything

LENGTHS = torch.randint(1, 200, (1000,), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_every_example_once_per_epoch(lengths: torch.Tensor | None) -> None:
    batches = epoch_batches(1000, 16, seed=1, epoch=0, lengths=lengths)
    assert sorted(torch.cat(batches).tolist()) == list(range(1000))
    again = epoch_batches(1000, 16, seed=1, epoch=0, lengths=lengths)
    later = epoch_batches(1000, 16, seed=1, epoch=1, lengths=lengths)
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))
    assert not torch.equal(torch.cat(batches), torch.cat(later))


def test_buckets_save_most_of_the_padding() -> None:
    def padded(batches: list[torch.Tensor]) -> int:
        return sum(int(LENGTHS[batch].max()) * len(batch) for batch in batches)

    plain = padded(epoch_batches(1000, 16, seed=1, epoch=0))
    bucketed = padded(epoch_batches(1000, 16, seed=1, epoch=0, lengths=LENGTHS))
    assert bucketed < 0.65 * plain
    assert bucketed < 1.15 * int(LENGTHS.sum())


def test_groups_come_together_in_handfuls() -> None:
    """A batch of 32 holds about eight classes, four of each, and every epoch others."""
    groups = torch.arange(50).repeat_interleave(20)
    groups = groups[torch.randperm(1000, generator=torch.Generator().manual_seed(3))]
    batches = epoch_batches(1000, 32, seed=1, epoch=0, groups=groups)
    assert len(batches) == 32
    assert sorted(torch.cat(batches).tolist()) == list(range(1000))
    counts = torch.cat([groups[batch].unique(return_counts=True)[1] for batch in batches[:-1]])
    assert float((counts >= 4).float().mean()) > 0.95
    assert 6 <= len(groups[batches[0]].unique()) <= 8
    again = epoch_batches(1000, 32, seed=1, epoch=0, groups=groups)
    later = epoch_batches(1000, 32, seed=1, epoch=1, groups=groups)
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))
    assert not torch.equal(torch.cat(batches), torch.cat(later))


def test_groups_of_any_size_lose_nobody() -> None:
    groups = torch.tensor([0] * 7 + [1] + [2] * 2 + [9] * 13)
    batches = epoch_batches(23, 5, seed=0, epoch=4, groups=groups)
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert sorted(torch.cat(batches).tolist()) == list(range(23))


def test_evaluation_covers_everything_in_order() -> None:
    assert torch.cat(ordered_batches(10, 3)).tolist() == list(range(10))
    by_length = torch.cat(ordered_batches(1000, 16, LENGTHS))
    assert (LENGTHS[by_length].diff() >= 0).all()


@pytest.mark.parametrize("scheduler", ["cosine", "linear", "constant"])
def test_warm_up_is_capped_at_a_tenth_of_the_run(scheduler: str) -> None:
    config = TrainingConfig(learning_rate=1.0, warmup_steps=500, scheduler=scheduler)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert rates[9] == pytest.approx(1.0)
    assert rates[:10] == sorted(rates[:10])
    assert rates[0] == pytest.approx(0.1)
    assert rates[99] == (1.0 if scheduler == "constant" else pytest.approx(0.0, abs=0.02))


def test_cosine_is_at_half_in_the_middle() -> None:
    config = TrainingConfig(learning_rate=0.3, warmup_steps=0)
    assert learning_rate(50, 100, config) == pytest.approx(0.15)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_biases_are_not_decayed(name: str) -> None:
    config = TrainingConfig(optimizer=name, weight_decay=0.5)
    groups = build_optimizer(nn.Linear(3, 2), config, torch.device("cpu")).param_groups
    decays = {weight.ndim: group["weight_decay"] for group in groups for weight in group["params"]}
    assert decays == {2: 0.5, 1: 0.0}


def test_random_state_comes_back() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.rand(), torch.rand(1).item()

    seed_everything(5)
    draw()
    state = random_state()
    expected = draw()
    draw()
    restore_random_state(state)
    assert draw() == expected


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"learning_rate": "nan"}, "Learning rate is nan; it must be a number from"),
        ({"learning_rate": "inf"}, "Learning rate is inf"),
        ({"learning_rate": "-1"}, "Learning rate is -1; it must be from 1e-08 to 10"),
        ({"learning_rate": 1e30}, "it must be from 1e-08 to 10"),
        ({"epochs": 10**9}, "Epochs is 1e"),
        ({"batch_size": 0}, "Batch size is 0; it must be from 1 to 4096"),
        ({"epochs": "３"}, "must be a whole number"),
        ({"epochs": "2.5"}, "must be a whole number"),
        ({"epochs": True}, "must be a whole number"),
        ({"compile": 1}, "must be true or false"),
        ({"compile": "perhaps"}, "it can be true or false"),
        ({"optimizer": "adam"}, "it can be adamw, sgd"),
        ({"device": "cuda:x"}, "it can be auto, cpu"),
        ({"lr": 1}, "There is no setting called 'lr'. Known: epochs"),
    ],
)
def test_bad_settings_get_their_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from(TrainingConfig, values)
    assert sentence in str(caught.value)


def test_good_settings_from_text_and_json() -> None:
    config = config_from(
        TrainingConfig, {"epochs": "3", "learning_rate": 1, "batch_size": 8.0, "compile": "yes"}
    )
    assert (config.epochs, config.learning_rate, config.batch_size, config.compile) == (
        3,
        1.0,
        8,
        True,
    )


@pytest.mark.parametrize(
    ("model", "shared"),
    [
        (networks.MLP(1, 28, 10), False),
        (networks.EmbeddingBagClassifier(8000, 20), False),
        (networks.MLP(3, 224, 10), True),
        (networks.CNN(1, 10), True),
        (networks.TransformerClassifier(100, 5, 16), True),
    ],
    ids=["mlp", "embedding-bag", "mlp of large pictures", "cnn", "transformer"],
)
@pytest.mark.parametrize(("cores", "most"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_only_small_steps_stay_on_few_cores(
    model: nn.Module, shared: bool, cores: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_ALL_CORES", cores)
    assert devices.choose_threads(model) == (cores if shared else 1)
    assert devices.choose_threads(model, if_small=10**6) == (cores if shared else most)


@pytest.mark.parametrize(("cores", "found"), [(2, {1}), (4, {1, 2})])
def test_what_small_networks_like_is_measured_and_nothing_else_changed(
    cores: int, found: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_ALL_CORES", cores)
    before = torch.get_num_threads()
    assert warmup.measure_small_network() in found
    assert torch.get_num_threads() == before


def test_a_card_that_cannot_be_used_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PyTorch behaves beside an old driver: the card counts, and every use of it fails."""

    def fail() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", fail)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    assert devices.list_devices() == ["cpu"]
    assert "driver is too old" in devices.why_no_card()
    with pytest.raises(DeviceError, match=r"no device cuda:0. It has: cpu. .* too old"):
        devices.open_device("cuda:0")
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    assert "installed without support" in devices.why_no_card()
