"""Every kind of finding on curves made by hand: seen where it is, and not where it is not."""

from typing import Any

import numpy as np
import pytest

from backend.reading import read_curves
from backend.reading.evidence import Evidence, Points
from backend.reading.finding import Finding
from backend.tasks.base import Metric

EPOCHS, PER_EPOCH = 10, 50
ACCURACY = Metric("accuracy", "Right answers", "")
GUESS = 2.3


def falling(start: float = GUESS, end: float = 0.1, epochs: int = EPOCHS) -> np.ndarray:
    """A training loss as it should be, with the noise of batches, [steps]."""
    steps = np.arange(epochs * PER_EPOCH)
    noise = 1 + 0.05 * np.random.default_rng(0).standard_normal(len(steps))
    return (end + (start - end) * np.exp(-steps / (0.2 * len(steps)))) * noise


def each_epoch(values: Any) -> Points:
    values = np.asarray(values, float)
    return (PER_EPOCH * np.arange(1, len(values) + 1), values)


def evidence(train: Any = None, val: Any = None, score: Any = None, **changes: Any) -> Evidence:
    """A healthy run of ten epochs, but for what is given."""
    train = falling() if train is None else np.asarray(train, float)
    epochs = len(train) // PER_EPOCH
    val = train[PER_EPOCH - 1 :: PER_EPOCH] * 1.05 if val is None else val
    score = np.linspace(0.5, 0.95, epochs) if score is None else score
    series: dict[str, Points] = {
        "train/loss": (np.arange(1, len(train) + 1), train),
        "val/loss": each_epoch(val),
        "val/accuracy": each_epoch(score),
        "val/top_share": each_epoch(np.full(epochs, 0.12)),
        "val/top_class": each_epoch(np.zeros(epochs)),
        "naive_val/loss": each_epoch([GUESS]),
        "naive_val/accuracy": each_epoch([0.1]),
        "system/data_percent": (np.arange(1, len(train) + 1), np.full(len(train), 8.0)),
    }
    given = changes.pop("series", {})
    config = {
        "epochs": EPOCHS, "learning_rate": 1e-3, "early_stopping": 0, "augmentation": "none",
        "class_balance": "none", **changes.pop("config", {}),
    }  # fmt: skip
    facts: dict[str, Any] = {
        "metric": ACCURACY, "own_rate": 1e-3, "classes": tuple("abcdefghij"), "seconds": 100.0,
        "examples": {"train": 4000, "validation": 500, "test": 500},
        "finished": True, "ended": True,
    }  # fmt: skip
    return Evidence(
        series={**series, **given}, config=config, steps_per_epoch=PER_EPOCH, **{**facts, **changes}
    )


def only(seen: Evidence) -> Finding:
    (found,) = read_curves(seen)
    return found


def test_a_healthy_run_gives_nothing_to_say() -> None:
    assert read_curves(evidence()) == []
    assert read_curves(evidence().until(3)) == []
    assert read_curves(Evidence(series={}, config={}, steps_per_epoch=1)) == []


def test_memorising_is_told_at_the_best_epoch_with_its_numbers() -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.55, 0.6, 0.66, 0.7, 0.75, 0.8]
    found = only(evidence(val=val, score=[0.5, 0.7, 0.8, 0.9] + 6 * [0.9]))
    assert (found.kind, found.step) == ("memorising", 4 * PER_EPOCH)
    assert "from 0.5 to 0.8 since epoch 4" in found.sentence
    assert found.action is not None
    assert (found.action.action, found.action.config) == ("again", {"augmentation": "standard"})


def test_while_it_trains_memorising_offers_to_stop_within_an_epoch_of_its_rise() -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.2]
    seen = evidence(val=val, score=4 * [0.9] + 6 * [0.88])
    assert read_curves(seen.until(4 * PER_EPOCH)) == []
    found = only(seen.until(5 * PER_EPOCH))
    assert found.kind == "memorising"
    assert found.action is not None
    assert found.action.action == "stop"


def test_one_odd_evaluation_is_no_learning_by_heart() -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.57, 0.48, 0.46, 0.45, 0.45, 0.45]
    seen = evidence(val=val, score=[0.5, 0.7, 0.8, 0.9] + 6 * [0.9])
    assert all(read_curves(seen.until(epoch * PER_EPOCH)) == [] for epoch in range(1, EPOCHS + 1))


def test_two_small_rises_in_a_row_far_above_the_training_loss_are_told() -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.505, 0.51, 0.515, 0.52, 0.525, 0.53]
    seen = evidence(falling(end=0.05), val, [0.5, 0.7, 0.8, 0.9] + 6 * [0.9])
    assert read_curves(seen.until(5 * PER_EPOCH)) == []
    assert only(seen.until(6 * PER_EPOCH)).kind == "memorising"
    near = evidence(falling(end=0.4), val, [0.5, 0.7, 0.8, 0.9] + 6 * [0.9])
    assert read_curves(near.until(6 * PER_EPOCH)) == []


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"augmentation": "none", "image_size": 28}, {"augmentation": "light"}),
        ({"augmentation": "standard"}, {"early_stopping": 2}),
        ({"augmentation": "standard", "early_stopping": 4}, {}),
    ],
)
def test_against_memorising_the_first_thing_not_yet_tried(
    config: dict[str, Any], expected: dict[str, Any]
) -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.55, 0.6, 0.66, 0.7, 0.75, 0.8]
    found = only(evidence(val=val, score=10 * [0.9], config=config))
    assert found.action is not None
    assert found.action.config == expected


KNOWING = {
    "knowing": ("minilm", "MiniLM"),
    "examples": {"train": 1000, "validation": 500, "test": 500},
}


def test_with_few_examples_a_model_that_knows_something_comes_first() -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.55, 0.6, 0.66, 0.7, 0.75, 0.8]
    found = only(evidence(val=val, score=10 * [0.9], **KNOWING))
    assert found.action is not None
    assert (found.action.action, found.action.model, found.action.config) == ("again", "minilm", {})
    assert found.action.label == "Train the pretrained MiniLM"
    many = {**KNOWING, "examples": {"train": 4000, "validation": 500}}
    other = only(evidence(val=val, score=10 * [0.9], **many))
    assert other.action is not None
    assert not other.action.model


def test_a_network_from_zero_that_finds_nothing_in_few_examples_is_sent_to_one_that_knows() -> None:
    still = {"train": np.full(EPOCHS * PER_EPOCH, 2.3), "val": np.full(EPOCHS, 2.31)}
    found = only(evidence(**still, score=np.full(EPOCHS, 0.11), **KNOWING))
    assert found.kind == "not-learning"
    assert "With about 100 training examples of each class" in found.sentence
    assert found.action is not None
    assert found.action.model == "minilm"


def test_losses_far_apart_are_learning_by_heart_too() -> None:
    train = falling(end=0.005)
    val = [1.9, 1.4, 1.0, 0.8, 0.7, 0.64, 0.61, 0.6, 0.6, 0.6]
    seen = evidence(train, val, [0.4] + 9 * [0.8], examples={"train": 120, "validation": 500})
    found = only(seen)
    assert found.kind == "memorising"
    assert "on those that are kept aside 0.6" in found.sentence
    assert "about 12 training examples" in found.sentence
    assert read_curves(evidence(falling(end=0.1), val, [0.4] + 9 * [0.8])) == []


def test_a_rising_loss_is_no_harm_where_the_score_still_grows() -> None:
    val = [1.2, 0.8, 0.6, 0.5, 0.52, 0.53, 0.54, 0.55, 0.56, 0.57]
    assert read_curves(evidence(val=val)) == []


def test_a_score_that_grows_is_no_excuse_for_a_loss_above_that_of_a_guess() -> None:
    val = [2.31, 2.4, 2.5, 2.6, 2.7, 2.75, 2.8, 2.8, 2.85, 2.9]
    found = only(evidence(val=val, score=np.linspace(0.1, 0.3, EPOCHS)))
    assert found.kind == "memorising"
    assert found.action is not None
    assert found.action.action == "data"  # to stop in time helps nothing that was never good


def test_no_better_than_guessing_with_a_rate_too_low() -> None:
    train = np.linspace(2.31, 2.29, EPOCHS * PER_EPOCH)
    score = np.full(EPOCHS, 0.1)
    found = only(evidence(train, np.full(EPOCHS, 2.3), score, config={"learning_rate": 1e-6}))
    assert (found.kind, found.step) == ("not-learning", PER_EPOCH)
    assert "no better than guessing" in found.sentence
    assert "too low" in found.sentence
    assert found.action is not None
    assert found.action.config == {"learning_rate": 1e-3}


def test_one_slip_back_to_guessing_is_not_called_so() -> None:
    val = np.array([2.3, 2.0, 1.8, 2.6, 1.6, 1.4, 1.3, 1.2, 1.1, 1.0])
    score = [0.1, 0.2, 0.3, 0.1, 0.4, 0.5, 0.5, 0.6, 0.6, 0.7]
    seen = evidence(val=val, score=score)
    assert read_curves(seen.until(4 * PER_EPOCH)) == []
    val[4:] = 2.6
    fallen = evidence(np.full(EPOCHS * PER_EPOCH, 2.3), val, [0.1, 0.2, 0.3] + 7 * [0.1])
    assert only(fallen.until(5 * PER_EPOCH)).kind == "not-learning"


def test_no_better_than_guessing_with_an_ordinary_rate_leads_to_the_data() -> None:
    train = np.full(EPOCHS * PER_EPOCH, 2.3)
    seen = evidence(train, np.full(EPOCHS, 2.31), np.full(EPOCHS, 0.11))
    found = only(seen)
    assert (found.kind, found.step) == ("not-learning", PER_EPOCH)
    assert found.action is not None
    assert found.action.action == "data"
    assert only(seen.until(PER_EPOCH)).kind == "not-learning"
    by_heart = only(evidence(falling(), np.full(EPOCHS, 2.4), np.full(EPOCHS, 0.1)))
    assert "by heart" in by_heart.sentence


def test_a_run_of_a_few_steps_is_too_short_to_have_learnt() -> None:
    train = np.full(PER_EPOCH, 2.3)
    found = only(evidence(train, [2.31], [0.11], config={"epochs": 1}))
    assert "only 50 steps" in found.sentence
    assert found.action is not None
    assert found.action.config == {"epochs": 6}


def test_a_loss_that_jumps_up_and_stays_there() -> None:
    train = falling()
    train[20:] = 9.0
    found = only(evidence(train, np.full(EPOCHS, 8.0), np.full(EPOCHS, 0.1)))
    assert found.kind == "rate-too-high"
    assert 15 <= found.step <= 30
    assert "from 2.2" in found.sentence
    assert found.action is not None
    assert found.action.config == {"learning_rate": 1e-4}
    odd = evidence(train, np.full(EPOCHS, 8.0), np.full(EPOCHS, 0.1), config={"learning_rate": 0.5})
    action = only(odd).action
    assert action is not None
    assert action.config == {"learning_rate": 1e-3}


def test_a_jump_that_was_overcome_is_no_trouble() -> None:
    train = falling()
    train[60:75] = 9.0
    assert read_curves(evidence(train)) == []


def test_a_loss_that_is_no_number() -> None:
    train = falling()
    train[100:] = np.nan
    calm = only(evidence(train, [1.2, 0.8], ended=True, finished=False, broken=True))
    assert (calm.kind, calm.step) == ("not-a-number", 101)
    assert calm.action is not None
    assert calm.action.action == "data"
    train[60:100] = 50.0
    wild = only(evidence(train, [1.2], ended=True, finished=False, broken=True))
    assert "too high" in wild.sentence
    assert wild.action is not None
    assert wild.action.config == {"learning_rate": 1e-4}


def test_one_answer_for_everything() -> None:
    series = {
        "val/top_share": each_epoch(np.full(EPOCHS, 0.99)),
        "val/top_class": each_epoch(np.full(EPOCHS, 2.0)),
        "naive_val/accuracy": each_epoch([0.9]),
        "naive_val/loss": each_epoch([0.4]),
    }
    found = only(evidence(falling(0.5, 0.3), np.full(EPOCHS, 0.4), np.full(EPOCHS, 0.9),
                          series=series))  # fmt: skip
    assert (found.kind, found.step) == ("one-class", PER_EPOCH)
    assert "“c”" in found.sentence
    assert found.action is not None
    assert found.action.config == {"class_balance": "sampling"}


def test_nothing_gets_better_any_more() -> None:
    val = [1.2, 0.5] + 8 * [0.5]
    seen = evidence(val=val, score=[0.5] + 9 * [0.9])
    found = only(seen)
    assert (found.kind, found.step) == ("plateau", 2 * PER_EPOCH)
    assert found.action is not None
    assert found.action.config == {"epochs": 4}
    running = only(seen.until(7 * PER_EPOCH))
    assert running.action is not None
    assert running.action.action == "stop"
    assert "3 epochs that are left" in running.sentence
    assert read_curves(seen.until(6 * PER_EPOCH)) == []
    assert read_curves(seen.until(8 * PER_EPOCH)) == []  # hardly anything is left to save


def test_still_improving_at_the_end_offers_two_more_epochs() -> None:
    found = only(evidence(val=np.linspace(2.0, 0.8, EPOCHS)))
    assert (found.kind, found.step) == ("unfinished", EPOCHS * PER_EPOCH)
    assert found.action is not None
    assert (found.action.action, found.action.config) == ("resume", {"epochs": EPOCHS + 2})
    assert read_curves(evidence(val=np.linspace(2.0, 0.8, EPOCHS), finished=False)) == []


def test_a_single_epoch_shows_by_its_training_loss_whether_more_are_worth_it() -> None:
    one = {"config": {"epochs": 1}}
    found = only(evidence(np.linspace(2.3, 1.0, PER_EPOCH), [1.0], [0.6], **one))
    assert found.kind == "unfinished"
    flat = np.concatenate([np.linspace(2.3, 1.0, 20), np.full(30, 1.0)])
    assert read_curves(evidence(flat, [1.0], [0.6], **one)) == []


def test_waiting_for_the_data() -> None:
    series = {"system/data_percent": (np.arange(1, 21) * 10, np.full(20, 72.0))}
    found = only(evidence(series=series))
    assert found.kind == "slow-data"
    assert "72 %" in found.sentence
    assert read_curves(evidence(series=series, seconds=4.0)) == []


def test_too_few_examples_to_check_on() -> None:
    found = only(evidence(examples={"train": 100, "validation": 12, "test": 12}))
    assert (found.kind, found.step) == ("small-validation", PER_EPOCH)
    assert "12 examples" in found.sentence


@pytest.mark.parametrize(
    ("of_class", "word"),
    [({"a": 4, "b": 3, "c": 4}, "about 4"), ({"a": 400, "b": 300, "c": 2}, "“c” has 2")],
)
def test_too_few_examples_to_learn_from(of_class: dict[str, int], word: str) -> None:
    found = only(evidence(of_class=of_class))
    assert found.kind == "few-examples"
    assert word in found.sentence
