"""Which device a queued run gets; asked by the worker that claims and the supervisor that plans."""

import json
import os
from collections import Counter
from collections.abc import Sequence

from backend.settings import RUNS_PER_DEVICE
from storage import files
from storage.records import Run


def runs_per_device() -> int:
    return max(1, int(RUNS_PER_DEVICE.value()))


def choose_device(
    run: Run, active: Sequence[Run], devices: Sequence[str], per_device: int
) -> str | None:
    """The device for a queued run, or None where it has to wait.

    auto takes the first accelerator with a free slot, the processor only where there is no
    accelerator; cuda takes the first free card. A device that does not exist is returned as it
    is: the worker that opens it says so to the user.
    """
    fitting = fitting_devices(run, devices)
    if not fitting:
        return str(run.config.get("device", "auto"))
    used = Counter(other.device for other in active)
    return next((device for device in fitting if used[device] < per_device), None)


def fitting_devices(run: Run, devices: Sequence[str]) -> list[str]:
    """The devices that a run may train on, best first; empty where it asks for one that is not."""
    wanted = str(run.config.get("device", "auto"))
    if wanted == "auto":
        return [device for device in devices if device != "cpu"] or ["cpu"]
    kind = [device for device in devices if device.split(":")[0] == wanted]
    return kind or [device for device in devices if device == wanted]


def remember_devices(devices: Sequence[str]) -> None:
    """Write down what this computer has, for those that must not import torch."""
    path = files.home() / "devices.json"
    part = path.with_name(f"devices-{os.getpid()}.part")
    part.write_text(json.dumps(list(devices)))
    os.replace(part, path)


def known_devices() -> list[str]:
    """The devices that the last worker found; empty before the first one has looked."""
    try:
        found = json.loads((files.home() / "devices.json").read_text())
    except (OSError, ValueError):
        return []
    return [str(device) for device in found]
