"""Which device a queued run gets."""

import dataclasses
from pathlib import Path

import pytest

from backend.jobs.slots import choose_device, known_devices, remember_devices
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
    assert choose_device(run, active, devices, per_device) == expected


def test_devices_are_remembered(home: Path) -> None:
    assert known_devices() == []
    home.mkdir()
    remember_devices(TWO_CARDS)
    assert known_devices() == TWO_CARDS
    (home / "devices.json").write_text("{damaged")
    assert known_devices() == []
