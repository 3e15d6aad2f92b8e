"""Which devices this computer has; called by the worker and the inference process."""

import torch
from torch import nn

from backend.errors import DeviceError, UsageError, explain

# Layers that take each example once; convolutions, recurrence and attention take it many times.
_PLAIN = (nn.Linear, nn.ReLU, nn.Flatten, nn.Dropout, nn.EmbeddingBag)
_SMALL_WEIGHTS = 1_000_000
_ALL_CORES = torch.get_num_threads()


def list_devices() -> list[str]:
    """Device names, best first; the processor is always the last."""
    # A card whose driver is too old is counted too, but no tensor ever gets there.
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [f"cuda:{index}" for index in range(count)]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def describe_device(name: str) -> str:
    """A device's name as a person knows it, such as the graphics card's product name."""
    if name.startswith("cuda"):
        return torch.cuda.get_device_name(name)
    return {"mps": "Apple graphics"}.get(name, "Processor")


def open_device(name: str) -> torch.device:
    """The device by name; raises DeviceError that lists what there is."""
    known = list_devices()
    if name == "cuda":
        name = "cuda:0"
    if name not in known:
        unused = torch.cuda.device_count() and known == ["cpu"]
        raise DeviceError(
            f"This computer has no device {name}. It has: {', '.join(known)}."
            + (f" {why_no_card()}" if unused else "")
        )
    return torch.device(name)


def why_no_card() -> str:
    """Why a graphics card that is there cannot be used, in a sentence."""
    if not torch.backends.cuda.is_built():
        return (
            "The graphics card is not used: PyTorch was installed without support for it. Set "
            "Trainroom up anew, or train on the processor."
        )
    try:
        torch.cuda.init()
    except Exception as error:  # whatever its driver says
        return explain(error)[1]
    return ""


def half_of_the_cores() -> int:
    """What a small step may take: the rest is the browser's, the pages' and the recorder's."""
    return max(1, _ALL_CORES // 2)


def choose_threads(model: nn.Module, if_small: int = 1) -> int:
    """How many of the processor's cores a model's steps should be shared among.

    if_small: for a network whose step takes about a millisecond; there it depends on the machine
    whether sharing brings anything (warmup.measure_small_network finds out), and never more than
    half of the cores: so short a step waits for the slowest of them. All for others.
    """
    leaves = [module for module in model.modules() if not [*module.children()]]
    dense = sum(leaf.weight.numel() for leaf in leaves if isinstance(leaf, nn.Linear))
    if all(isinstance(leaf, _PLAIN) for leaf in leaves) and dense < _SMALL_WEIGHTS:
        return min(if_small, half_of_the_cores())
    return _ALL_CORES


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


def device_watts(name: str) -> float:
    """What a graphics card draws, in watts, by its own meter (a mean over about a second)."""
    return torch.cuda.power_draw(name) / 1000


def free_device_memory_mb(device: torch.device) -> float | None:
    """What is free of a graphics card's own memory; None where it has none or does not tell."""
    if device.type != "cuda":
        return None
    return torch.cuda.mem_get_info(device)[0] / (1 << 20)


def free_cached_memory() -> None:
    """Give memory that torch keeps for later back to the graphics card."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
