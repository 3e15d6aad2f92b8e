"""Losses and sums that still lie on the device, fetched together; used by the loop."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor

# Seconds between two readings from the device: each waits for it.
READ_INTERVAL = 0.2
GRADIENT = "grad_norm"
"""The name of the gradient's length before it was clipped."""


class Readings:
    """What steps gave since the last reading, and the time that their batches took to come."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, float, Mapping[str, Tensor]]] = []
        self._read_at, self._fetching = time.monotonic(), 0.0

    def fetched(self, seconds: float) -> None:
        """A batch took so long to come."""
        self._fetching += seconds

    def add(self, step: int, examples: int, rate: float, sums: Mapping[str, Tensor]) -> None:
        """Keep what a step gave: its mean loss, sums over its examples, the gradient's length."""
        self._waiting.append((step, examples, rate, sums))

    def is_due(self, now: float) -> bool:
        return now - self._read_at > READ_INTERVAL

    def restart(self) -> None:
        """Count time from now on: what was done meanwhile was no training."""
        self._read_at, self._fetching = time.monotonic(), 0.0

    def take(self) -> list[tuple[int, dict[str, float]]]:
        """The values of each step by metric name, fetched in one go; the last one with the pace."""
        if not self._waiting:
            return []
        steps, sizes, rates, readings = zip(*self._waiting, strict=True)
        self._waiting = []
        names = [name if name == GRADIENT else f"train/{name}" for name in readings[0]]
        is_sum = [name not in ("loss", GRADIENT) for name in readings[0]]
        rows = torch.stack([torch.stack([*row.values()]).float() for row in readings]).tolist()
        taken = []
        for step, size, rate, row in zip(steps, sizes, rates, rows, strict=True):
            shares = [v / size if summed else v for v, summed in zip(row, is_sum, strict=True)]
            taken.append((step, {**dict(zip(names, shares, strict=True)), "lr": rate}))
        taken[-1][1].update(self._pace(sum(sizes)))
        return taken

    def _pace(self, examples: int) -> dict[str, float]:
        """Examples per second since the last reading, and the share of it that batches took."""
        seconds = max(time.monotonic() - self._read_at, 1e-9)
        waited = min(100.0, 100 * self._fetching / seconds)
        self.restart()
        return {"samples_per_second": examples / seconds, "system/data_percent": waited}
