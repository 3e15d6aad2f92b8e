"""Which device a queued run gets; asked by the worker that claims and the supervisor that plans."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.preferences import load_preferences
from backend.settings import RUNS_PER_DEVICE
from storage import files, runs
from storage.records import ACTIVE, Run


class Placeable(Protocol):
    """What asks for a device by its settings: a run, or a pre-flight."""

    @property
    def config(self) -> dict[str, Any]: ...


def slots_of(devices: Iterable[str]) -> dict[str, int]:
    """How many runs may train on each of these devices at the same time, in the same order."""
    usual = max(1, int(RUNS_PER_DEVICE.value()))
    on_processor = load_preferences().runs_on_processor or usual
    return {device: on_processor if device == "cpu" else usual for device in devices}


def choose_device(run: Placeable, active: Sequence[Run], slots: Mapping[str, int]) -> str | None:
    """The device for a queued run, or None where it has to wait; slots: by device, best first.

    auto takes the first accelerator with a free slot, the processor only where there is no
    accelerator; cuda takes the first free card. A device that does not exist is returned as it
    is: the worker that opens it says so to the user.
    """
    fitting = fitting_devices(run, slots)
    if not fitting:
        return str(run.config.get("device", "auto"))
    used = Counter(other.device for other in active)
    return next((device for device in fitting if used[device] < slots[device]), None)


def fitting_devices(run: Placeable, devices: Iterable[str]) -> list[str]:
    """The devices that a run may train on, best first; empty where it asks for one that is not."""
    wanted = str(run.config.get("device", "auto"))
    if wanted == "auto":
        return [device for device in devices if device != "cpu"] or ["cpu"]
    kind = [device for device in devices if device.split(":")[0] == wanted]
    return kind or [device for device in devices if device == wanted]


@dataclass(frozen=True, slots=True)
class Places:
    """What one worker may take: the devices of its computer."""

    devices: Sequence[str]

    def choose(self, run: Placeable, active: Sequence[Run]) -> str | None:
        """The device for a queued run, or None where it has to wait."""
        # Asked anew each time: how many runs a device bears is a preference, which may change.
        return choose_device(run, active, slots_of(self.devices))

    def run_can_start(self) -> bool:
        """Whether a queued run would find a device now."""
        queue = [run for run in runs.queue() if not run.held]
        active = runs.list_runs(ACTIVE) if queue else []
        return any(self.choose(run, active) for run in queue)

    def at_rest(self, wish: Placeable) -> str | None:
        """The device for a measurement; None while a run trains on it, which would disturb both."""
        active = runs.list_runs(ACTIVE)
        device = self.choose(wish, active)
        return None if any(run.device == device for run in active) else device


def remember_devices(devices: Sequence[str], problem: str = "") -> None:
    """Write down what this computer has, for those that must not import torch.

    problem: why a graphics card that is there cannot be used, in a sentence.
    """
    path = files.home() / "devices.json"
    part = path.with_name(f"devices-{os.getpid()}.part")
    part.write_text(json.dumps({"devices": list(devices), "problem": problem}))
    os.replace(part, path)


def known_devices() -> list[str]:
    """The devices that the last worker found; empty before the first one has looked."""
    return [str(device) for device in _remembered().get("devices", [])]


def device_problem() -> str:
    """Why a graphics card that is there cannot be used, as the last worker found; else empty."""
    return str(_remembered().get("problem", ""))


def _remembered() -> dict[str, Any]:
    try:
        found = json.loads((files.home() / "devices.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
