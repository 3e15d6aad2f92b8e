"""Which devices this computer has; called by the worker and the inference process."""

import torch
from torch import nn

from backend.errors import UsageError

# Layers that take each example once; convolutions, recurrence and attention take it many times.
_PLAIN = (nn.Linear, nn.ReLU, nn.Flatten, nn.Dropout, nn.EmbeddingBag)
_SMALL_WEIGHTS = 1_000_000
_ALL_CORES = torch.get_num_threads()


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


def choose_threads(model: nn.Module) -> int:
    """How many of the processor's cores a model's steps should be shared among.

    One where a step takes about a millisecond: sharing it costs as much as it brings, and the
    other cores are then free for everything beside (docs/decisions.md has the figures). A
    function of the model alone, so a resumed run computes the very same.
    """
    leaves = [module for module in model.modules() if not [*module.children()]]
    dense = sum(leaf.weight.numel() for leaf in leaves if isinstance(leaf, nn.Linear))
    if all(isinstance(leaf, _PLAIN) for leaf in leaves) and dense < _SMALL_WEIGHTS:
        return 1
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
