"""Frozen records that storage returns and everything above it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the supervisor reads these records too, and needs no arrays
    import numpy as np
    from numpy.typing import NDArray


class RunStatus(StrEnum):
    """Where a run is: queued -> starting -> running -> stopping -> one of the four ends."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"


ACTIVE = (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING)
ENDED = (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.STOPPED, RunStatus.LOST)


class Reason(StrEnum):
    """Why a run ended; the sentence for the user is stored beside it."""

    USER_STOP = "user_stop"
    OOM_GPU = "oom_gpu"
    OOM_HOST = "oom_host"
    NAN_LOSS = "nan_loss"
    DISK_FULL = "disk_full"
    BAD_DATA = "bad_data"
    BAD_CONFIG = "bad_config"
    BAD_CHECKPOINT = "bad_checkpoint"
    DOWNLOAD = "download"
    KILLED = "killed"
    HOST_LOST = "host_lost"
    TIMEOUT = "timeout"
    DEVICE = "device"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Run:
    """One training run; times are unix seconds, metrics the newest summary value of each name."""

    id: int
    name: str
    task: str
    model: str
    dataset_id: str
    dataset_name: str
    config: dict[str, Any]
    status: RunStatus
    reason: Reason | None
    message: str | None
    attempt: int
    device: str | None
    step: int
    total_steps: int
    epoch: float
    metrics: dict[str, float]
    best_step: int | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    heartbeat_at: float | None
    held: bool = False
    dataset_version: int = 1
    parent_id: int | None = None  # the run that it was made from

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def progress(self) -> float:
        """Share of the steps done, 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a run by one process; start_step is the step it went on from."""

    run_id: int
    number: int
    token: str
    pid: int
    process_started: float
    host: str
    device: str
    start_step: int
    started_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a run's append-only history."""

    id: int
    run_id: int
    attempt: int
    time: float
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run showed at one evaluation; content is plain JSON, its shape told by kind."""

    id: int
    run_id: int
    step: int
    epoch: float
    time: float
    kind: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a snapshot was taken, without what it holds; snapshot is its id."""

    snapshot: int
    step: int
    epoch: float


@dataclass(frozen=True, slots=True)
class Pin:
    """An example of the user's own that a run answers at every evaluation.

    file: the name of the file below the run's folder that holds it. truth: the right answer, where
    it is known.
    """

    id: int
    run_id: int
    file: str
    title: str
    truth: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Series:
    """One metric's points in step order; all arrays have shape [n], times are unix seconds."""

    name: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    epochs: NDArray[np.float64]
    times: NDArray[np.float64]


class PreflightState(StrEnum):
    """Where a pre-flight is: waiting -> measuring -> done or failed, or back to waiting."""

    WAITING = "waiting"
    MEASURING = "measuring"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Preflight:
    """What somebody wants to know before a run; result is what was measured, as plain JSON.

    key: stands for everything that the measurement depends on. asked_at: when somebody last
    wanted it. message, reason: why it failed.
    """

    id: int
    key: str
    task: str
    model: str
    dataset_id: str
    config: dict[str, Any]
    state: PreflightState
    message: str | None
    reason: Reason | None
    result: dict[str, Any] | None
    pid: int | None
    process_started: float | None
    asked_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One stored data set as of one version; splits maps train / validation / test to a number.

    rows, classes, splits and the counts in details are those of the version.
    """

    id: str
    name: str
    task: str
    rows: int
    classes: list[str]
    splits: dict[str, int]
    source: str
    licence: str
    bundled: bool
    bytes: int
    created_at: float
    skipped: list[dict[str, str]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    format: str = ""  # what it holds, such as text-class: a name of backend.datasets.formats
    version: int = 1


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """One state of a data set: when and how it came about, and what it holds.

    sha256 is that of items, labels, splits and targets together; details has the counts of each
    class in each split, and the number of the version that it was made from.
    """

    dataset_id: str
    number: int
    created_at: float
    summary: str
    sha256: str
    rows: int
    classes: list[str]
    splits: dict[str, int]
    details: dict[str, Any] = field(default_factory=dict)
