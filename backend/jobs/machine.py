"""What this computer is: processor, memory, graphics cards; read by pages and command line."""

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from backend.jobs import slots


def machine_summary() -> dict[str, Any]:
    """Cores, memory and graphics cards, without torch.

    {"cores", "memory_gb", "memory_used_share", "graphics_cards": [names], "devices": [names that
    the setting `device` takes], "problem": why a card that is there cannot be used, or an empty
    text}; the first graphics card listed is the one that `auto` prefers.
    """
    memory = psutil.virtual_memory()
    cards, mps = _graphics_cards(), _has_mps()
    return {
        "cores": _cores(),
        "memory_gb": memory.total / 2**30,
        "memory_used_share": 1 - memory.available / memory.total,
        "graphics_cards": [*cards, *(["Apple graphics"] if mps else [])],
        "devices": [
            "auto",
            *(f"cuda:{index}" for index in range(len(cards))),
            *(["mps"] if mps else []),
            "cpu",
        ],
        "problem": slots.device_problem(),
    }


def free_memory_mb() -> float:
    """Memory that a new program could take, in MB; in a container at most what it is given."""
    free = float(psutil.virtual_memory().available)
    limit, used = (_read_number(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:
        # Files that are only cached count as used there, and would make room.
        cached = _read_number("/sys/fs/cgroup/memory.stat", "inactive_file") or 0.0
        free = min(free, limit - used + cached)
    return max(0.0, free) / 2**20


def _read_number(path: str, name: str = "") -> float | None:
    """The number in a file of the system, or behind a name in it; None where there is none."""
    try:
        words = Path(path).read_text().split()
        return float(words[words.index(name) + 1] if name else words[0])
    except (OSError, ValueError, IndexError):
        return None


def _cores() -> int:
    """Cores that this process may use, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _has_mps() -> bool:
    return platform.system() == "Darwin" and platform.machine() == "arm64"


@cache
def _graphics_cards() -> tuple[str, ...]:
    """Names of the NVIDIA cards, by NVIDIA's own library; none where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
        try:
            handles = [
                pynvml.nvmlDeviceGetHandleByIndex(index)
                for index in range(pynvml.nvmlDeviceGetCount())
            ]
            return tuple(str(pynvml.nvmlDeviceGetName(handle)) for handle in handles)
        finally:
            pynvml.nvmlShutdown()
    except Exception:
        # A missing driver, library or permission all mean the same here: no card to use.
        return ()
