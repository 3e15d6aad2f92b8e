"""Which device a queued run gets."""

import dataclasses
from pathlib import Path

import pytest

from backend.errors import ConfigError
from backend.jobs.machine import machine_summary
from backend.jobs.slots import (
    choose_device,
    device_problem,
    known_devices,
    remember_devices,
    slots_of,
)
from backend.preferences import save_preferences
from storage.records import Run, RunStatus

RUN = Run(
    id=1, name="", task="", model="", dataset_id="", dataset_name="", config={}, reason=None,
    status=RunStatus.QUEUED, message=None, attempt=0, device=None, step=0, total_steps=0, epoch=0.0,
    metrics={}, best_step=None, created_at=0.0, started_at=None, ended_at=None, heartbeat_at=None,
)  # fmt: skip
CPU = ["cpu"]
TWO_CARDS = ["cuda:0", "cuda:1", "cpu"]


@pytest.mark.parametrize(
    ("wanted", "busy", "devices", "per_device", "expected"),
    [
        ("auto", [], CPU, 1, "cpu"),
        ("auto", ["cpu"], CPU, 1, None),
        ("auto", ["cpu"], CPU, 2, "cpu"),
        ("auto", [], TWO_CARDS, 1, "cuda:0"),
        ("auto", ["cuda:0"], TWO_CARDS, 1, "cuda:1"),
        # With cards, auto waits for one rather than crawl on the processor.
        ("auto", ["cuda:0", "cuda:1"], TWO_CARDS, 1, None),
        ("auto", [], ["mps", "cpu"], 1, "mps"),
        ("cuda", ["cuda:0"], TWO_CARDS, 1, "cuda:1"),
        ("cuda:1", ["cuda:1"], TWO_CARDS, 1, None),
        ("cpu", ["cuda:0"], TWO_CARDS, 1, "cpu"),
        # What is not there is given out, so that the worker can say so.
        ("cuda", [], CPU, 1, "cuda"),
        ("cuda:7", [], TWO_CARDS, 1, "cuda:7"),
        ("mps", ["cpu"], CPU, 1, "mps"),
    ],
)
def test_choose_device(
    wanted: str, busy: list[str], devices: list[str], per_device: int, expected: str | None
) -> None:
    run = dataclasses.replace(RUN, config={"device": wanted})
    active = [dataclasses.replace(RUN, device=device) for device in busy]
    assert choose_device(run, active, dict.fromkeys(devices, per_device)) == expected


def test_slots_are_a_setting_and_a_preference(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slots_of(TWO_CARDS) == {"cuda:0": 1, "cuda:1": 1, "cpu": 1}
    monkeypatch.setenv("TRAINROOM_RUNS_PER_DEVICE", "2")
    assert slots_of(TWO_CARDS) == {"cuda:0": 2, "cuda:1": 2, "cpu": 2}
    save_preferences(runs_on_processor=3)
    assert slots_of(TWO_CARDS) == {"cuda:0": 2, "cuda:1": 2, "cpu": 3}
    with pytest.raises(ConfigError, match="From 1 to 16"):
        save_preferences(runs_on_processor=17)


def test_devices_are_remembered(home: Path) -> None:
    assert known_devices() == []
    home.mkdir()
    remember_devices(TWO_CARDS)
    assert known_devices() == TWO_CARDS
    assert device_problem() == ""
    remember_devices(CPU, "Its driver is too old.")
    assert (known_devices(), device_problem()) == (CPU, "Its driver is too old.")
    assert machine_summary()["problem"] == "Its driver is too old."
    for damaged in ("{damaged", '["cpu"]'):
        (home / "devices.json").write_text(damaged)
        assert (known_devices(), device_problem()) == ([], "")
