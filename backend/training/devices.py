"""Which devices this computer has; called by the worker and the inference process."""

import torch

from backend.errors import UsageError


def list_devices() -> list[str]:
    """Device names, best first; the processor is always the last."""
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def describe_device(name: str) -> str:
    """A device's name as a person knows it, such as the graphics card's product name."""
    if name.startswith("cuda"):
        return torch.cuda.get_device_name(name)
    return {"mps": "Apple graphics"}.get(name, "Processor")


def open_device(name: str) -> torch.device:
    """The device by name; raises UsageError that lists what there is."""
    known = list_devices()
    if name == "cuda":
        name = "cuda:0"
    if name not in known:
        raise UsageError(f"This computer has no device {name}. It has: {', '.join(known)}.")
    return torch.device(name)


def choose_precision(wanted: str, device: torch.device) -> torch.dtype | None:
    """The half-size number type for autocast, or None for full precision.

    auto: bfloat16 on a card that has it in hardware, else float16; full precision elsewhere.
    """
    if wanted == "auto":
        if device.type != "cuda":
            return None
        supported = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if supported else torch.float16
    if wanted == "fp16" and device.type == "cpu":
        raise UsageError("The processor cannot train with fp16. Choose auto, off or bf16.")
    return {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}[wanted]


def device_usage(name: str) -> tuple[float, float]:
    """Load in percent and memory in use in MB of a graphics card, by all its processes."""
    return float(torch.cuda.utilization(name)), torch.cuda.device_memory_used(name) / (1 << 20)
