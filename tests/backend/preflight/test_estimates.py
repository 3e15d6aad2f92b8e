"""From a measurement to a whole run: the sum of its parts, the verdict, the sentences."""

import dataclasses
from typing import Any

import pytest

from backend.preflight.estimates import (
    AROUND_SECONDS,
    REWARM_AFTER,
    REWARM_SECONDS,
    Room,
    estimate,
    judge,
)
from backend.training.config import SAVE_INTERVAL, TrainingConfig
from backend.training.measurement import Measurement

MEASURED = Measurement(
    device="cpu",
    prepare_seconds=1.0,
    first_step_seconds=0.3,
    step_seconds=0.1,
    measured_steps=8,
    steps_per_epoch=10,
    loading_seconds=0.5,
    validation_seconds=0.4,
    test_seconds=0.2,
    save_seconds=0.05,
    restore_seconds=0.02,
    checkpoint_mb=10.0,
    memory_mb=800.0,
    resting_mb=700.0,
    cores=1.0,
    watts=36.0,
)
ROOM = Room(free_memory_mb=8000.0, free_disk_mb=50_000.0, cores=4)


def measured(**changes: Any) -> Measurement:
    return dataclasses.replace(MEASURED, **changes)


def test_the_parts_add_up() -> None:
    found = estimate(MEASURED, TrainingConfig(epochs=3), ROOM)
    once = 1.0 + (0.3 - 0.1) + 0.5 + 0.02 + 0.2 + AROUND_SECONDS
    epoch = 10 * 0.1 + 0.4 + 0.05
    assert found.seconds == pytest.approx(once + 3 * epoch)
    assert found.energy_kwh == pytest.approx(36 * found.seconds / 3.6e6)
    assert found.memory_mb == 800


def test_a_resumed_run_pays_for_the_epochs_that_are_left() -> None:
    whole = estimate(MEASURED, TrainingConfig(epochs=3), ROOM)
    rest = estimate(MEASURED, TrainingConfig(epochs=3), ROOM, done_epochs=2)
    assert whole.seconds - rest.seconds == pytest.approx(2 * (10 * 0.1 + 0.4 + 0.05))
    none = estimate(MEASURED, TrainingConfig(epochs=3), ROOM, done_epochs=9)
    assert none.seconds < rest.seconds


def test_long_epochs_are_saved_in_between() -> None:
    slow = measured(step_seconds=SAVE_INTERVAL, steps_per_epoch=2, save_seconds=7.0)
    epoch = 2 * SAVE_INTERVAL + 0.4 + 3 * 7.0
    two = estimate(slow, TrainingConfig(epochs=2), ROOM)
    one = estimate(slow, TrainingConfig(epochs=1), ROOM)
    assert two.seconds - one.seconds == pytest.approx(epoch)


@pytest.mark.parametrize(("epochs", "keep", "copies"), [(1, 2, 1), (2, 2, 2), (9, 2, 3), (9, 5, 6)])
def test_disk_holds_the_newest_copies_and_the_best(epochs: int, keep: int, copies: int) -> None:
    config = TrainingConfig(epochs=epochs, keep_checkpoints=keep)
    assert estimate(MEASURED, config, ROOM).disk_mb == pytest.approx(10 * copies, abs=0.5)


@pytest.mark.parametrize(("cores", "room", "more"), [(2.0, 2, True), (1.0, 4, False)])
def test_the_next_workers_warm_up_takes_its_part(cores: float, room: int, more: bool) -> None:
    found = measured(cores=cores, step_seconds=1.0)
    here = dataclasses.replace(ROOM, cores=room)
    config = TrainingConfig(epochs=3)
    alone = dataclasses.replace(ROOM, cores=64)
    extra = estimate(found, config, here).seconds - estimate(found, config, alone).seconds
    assert extra == pytest.approx(REWARM_SECONDS / 2 if more else 0.0)
    short = estimate(found, TrainingConfig(epochs=1), here)
    assert short.seconds > REWARM_AFTER  # ten steps of a second: the run is long enough


def judged(found: Measurement = MEASURED, room: Room = ROOM, download: float = 0.0, **config: Any):  # type: ignore[no-untyped-def]
    settings = TrainingConfig(**config)
    return judge(estimate(found, settings, room), found, settings, room, download_mb=download)


def test_what_fits_is_green_and_says_its_figures_first() -> None:
    verdict, sentences = judged()
    assert verdict == "green"
    assert sentences[0] == (
        "About 10 seconds, 800 MB of memory, 30 MB of disk, less than 0.001 kWh."
    )
    assert "rough guess" in sentences[-1]


@pytest.mark.parametrize(
    ("found", "room", "download", "verdict", "words"),
    [
        (measured(memory_mb=9000), ROOM, 0, "red", "lack of memory"),
        (measured(memory_mb=8000), ROOM, 0, "amber", "close other programs"),
        (measured(), dataclasses.replace(ROOM, free_disk_mb=220), 0, "red", "Delete old runs"),
        (measured(step_seconds=100.0), ROOM, 0, "amber", "That is long"),
        (measured(step_seconds=5000.0), ROOM, 0, "red", "more than a day"),
        (measured(other_cores=1.5, step_seconds=3.0), ROOM, 0, "amber", "1.5 of 4 processor cores"),
        (measured(other_cores=1.5), ROOM, 0, "green", "1.5 of 4 processor cores"),  # 10 seconds
        (measured(), ROOM, 45, "amber", "45 MB have to be downloaded"),
        (measured(device_memory_mb=900, device_room_mb=800), ROOM, 0, "red", "graphics card"),
    ],
)
def test_what_speaks_against_it_is_said(
    found: Measurement, room: Room, download: float, verdict: str, words: str
) -> None:
    given, sentences = judged(found, room, download)
    assert given == verdict
    assert words in sentences[1]


def test_the_most_serious_comes_first() -> None:
    verdict, sentences = judged(measured(memory_mb=9000, other_cores=2.0), download=45)
    assert verdict == "red"
    assert "memory" in sentences[1]
    assert len(sentences) == 5


def test_early_stopping_makes_it_an_upper_bound() -> None:
    _, sentences = judged(early_stopping=3)
    assert sentences[0].startswith("At most about 10 seconds")
    assert any("ends earlier" in sentence for sentence in sentences)


def test_a_cards_own_memory_is_what_counts_on_a_card() -> None:
    found = measured(device="cuda:0", device_memory_mb=5000.0, device_room_mb=80_000.0)
    assert estimate(found, TrainingConfig(), ROOM).memory_mb == 5000
    assert judged(found)[0] == "green"


def test_a_measured_power_is_not_called_a_guess() -> None:
    _, sentences = judged(measured(watts_measured=True))
    assert not any("guess" in sentence for sentence in sentences)


def test_a_measurement_survives_the_database() -> None:
    assert Measurement.from_json({**MEASURED.as_json(), "of_another_version": 1}) == MEASURED
