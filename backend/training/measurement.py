"""What a pre-flight finds out: seconds, megabytes and watts; plain numbers, free of torch."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the machine was over a while.

    cores: processor cores that this process used. other_cores: that everything else used.
    watts: drawn for the training; measured says whether a meter or a rule of thumb says so.
    """

    cores: float
    other_cores: float
    watts: float
    watts_measured: bool


class Gauge(Protocol):
    """Reads what the process uses; psutil and the graphics card's library are not training's."""

    def memory_mb(self) -> float:
        """Memory of this process now."""
        ...

    def peak_mb(self) -> float:
        """Most memory of this process since the gauge was made."""
        ...

    def begin(self) -> None:
        """Start to watch the load."""

    def end(self) -> Load:
        """The load since begin()."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One pre-flight's readings: seconds of each part of a run, and what it takes.

    steps_per_epoch: optimizer steps. save_seconds, checkpoint_mb: of one checkpoint. memory_mb:
    the most that the process takes, resting_mb what it took before. device_memory_mb: the same on
    the graphics card, device_room_mb what was free there; None without one.
    """

    device: str
    prepare_seconds: float
    first_step_seconds: float
    step_seconds: float
    measured_steps: int
    steps_per_epoch: int
    loading_seconds: float
    validation_seconds: float
    test_seconds: float
    save_seconds: float
    restore_seconds: float
    checkpoint_mb: float
    memory_mb: float
    resting_mb: float = 0.0
    device_memory_mb: float | None = None
    device_room_mb: float | None = None
    cores: float = 1.0
    other_cores: float = 0.0
    watts: float = 0.0
    watts_measured: bool = False
    image_size: int | None = None
    sampled: bool = False  # the data is large: measured on a part of it

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Measurement":
        """What as_json() gave; fields of another version are left out."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
