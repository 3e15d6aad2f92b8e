"""What a training process uses of its computer; sampled by the recorder once a second."""

import psutil

MEGABYTE = 1 << 20


class UsageMeter:
    """Reads memory and load of this process, and of its graphics card if it trains on one."""

    def __init__(self, device: str) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._card = device if device.startswith("cuda") else None

    def read(self) -> dict[str, float]:
        """Values by metric name: MB, and percent (100 is one core, or the whole card)."""
        values = {
            "system/memory_mb": self._process.memory_info().rss / MEGABYTE,
            "system/cpu_percent": self._process.cpu_percent(),
        }
        if self._card is not None:
            try:
                values |= _card_usage(self._card)
            except Exception:
                # No driver library, or a card that tells nothing: the run goes on without.
                self._card = None
        return values


def _card_usage(device: str) -> dict[str, float]:
    from backend.training.devices import device_usage

    percent, used_mb = device_usage(device)
    return {"system/gpu_percent": percent, "system/gpu_memory_mb": used_mb}


def card_watts(device: str) -> float | None:
    """Watts that a graphics card draws now, by its own meter; None where there is none."""
    if not device.startswith("cuda"):
        return None
    try:
        from backend.training.devices import device_watts

        return device_watts(device)
    except Exception:
        return None
