"""From a measurement to what a whole run takes, and whether that is fine: values in, words out."""

from dataclasses import dataclass
from typing import Literal

from backend.training.config import SAVE_INTERVAL, TrainingConfig
from backend.training.measurement import Measurement
from backend.wording import about, kilowatt_hours, megabytes

Verdict = Literal["green", "amber", "red"]

# From the claim of a run to the loop, and from the loop's end to the run's: log, database, lock.
AROUND_SECONDS = 0.4
# A while after a run has begun the next worker warms up: so many seconds of one core.
REWARM_AFTER, REWARM_SECONDS = 10.0, 5.0
LOG_MB = 0.1
LONG_SECONDS, TOO_LONG_SECONDS = 3600.0, 86_400.0
TIGHT, SPARE_DISK_MB = 0.85, 200.0
BUSY_CORES = 0.3
SHORT_SECONDS = 60.0
"""Below this nobody closes a program to have it sooner: the browser alone is busy enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run takes: at most, where it may stop early."""

    seconds: float
    memory_mb: float
    disk_mb: float
    energy_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What this computer has to give now."""

    free_memory_mb: float
    free_disk_mb: float
    cores: int


Remark = tuple[Verdict, str]
"""Something to say about a plan, and how serious it is; what is green is only worth knowing."""


def estimate(
    found: Measurement, config: TrainingConfig, room: Room, *, done_epochs: int = 0
) -> Estimate:
    """Scale a measurement to a whole run, or to what is left of it after some epochs."""
    epochs = max(0, config.epochs - done_epochs)
    epoch_seconds = found.steps_per_epoch * found.step_seconds + found.validation_seconds
    saves = 1 + int(epoch_seconds / SAVE_INTERVAL)
    seconds = (
        AROUND_SECONDS
        + found.prepare_seconds
        + found.first_step_seconds
        - found.step_seconds
        + epochs * (epoch_seconds + saves * found.save_seconds)
        + found.loading_seconds
        + found.restore_seconds
        + found.test_seconds
    )
    if seconds > REWARM_AFTER and found.cores > room.cores - 1:
        seconds += REWARM_SECONDS / 2
    copies = min(config.epochs * saves, config.keep_checkpoints + 1)
    return Estimate(
        seconds=seconds,
        memory_mb=found.memory_mb if found.device_memory_mb is None else found.device_memory_mb,
        disk_mb=copies * found.checkpoint_mb + LOG_MB,
        energy_kwh=found.watts * seconds / 3.6e6,
    )


def judge(
    expected: Estimate,
    found: Measurement,
    config: TrainingConfig,
    room: Room,
    *,
    download_mb: float,
) -> tuple[Verdict, list[str]]:
    """Green, amber or red, and the sentences: the figures, then the most serious first.

    download_mb: what the run has to fetch first.
    """
    remarks = [
        *_on_time(expected),
        *_on_memory(found, room),
        *_on_disk(expected, room),
        *_on_download(download_mb),
        *_on_others(expected, found, room),
        *_worth_knowing(found, config),
    ]
    order: list[Verdict] = ["red", "amber", "green"]
    remarks.sort(key=lambda remark: order.index(remark[0]))
    verdict = remarks[0][0] if remarks else "green"
    return verdict, [figures(expected, config), *(sentence for _, sentence in remarks)]


def figures(expected: Estimate, config: TrainingConfig) -> str:
    """About 7 minutes, 1.4 GB of memory, 310 MB of disk, 0.02 kWh."""
    time = about(expected.seconds)
    words = f"at most {time}" if config.early_stopping else time
    return (
        f"{words.capitalize()}, {megabytes(expected.memory_mb)} of memory, "
        f"{megabytes(expected.disk_mb)} of disk, {kilowatt_hours(expected.energy_kwh)}."
    )


def _on_time(expected: Estimate) -> list[Remark]:
    if expected.seconds > TOO_LONG_SECONDS:
        return [("red", "That is more than a day: take something smaller, or a graphics card.")]
    if expected.seconds > LONG_SECONDS:
        return [("amber", "That is long. It goes on when you close the page, and can be paused.")]
    return []


def _on_memory(found: Measurement, room: Room) -> list[Remark]:
    # What the measuring process had before is there again for the run.
    checks = [(found.memory_mb, room.free_memory_mb + found.resting_mb, "")]
    if found.device_memory_mb is not None and found.device_room_mb is not None:
        checks.append((found.device_memory_mb, found.device_room_mb, " of the graphics card"))
    remarks: list[Remark] = []
    for needed, there, where in checks:
        words = f"It needs {megabytes(needed)} of memory{where}, and {megabytes(there)} are free"
        if needed > there:
            remarks.append(("red", f"{words}: it would end for lack of memory."))
        elif needed > TIGHT * there:
            remarks.append(("amber", f"{words}: close other programs first."))
    return remarks


def _on_disk(expected: Estimate, room: Room) -> list[Remark]:
    # While a new copy is written, the oldest is still there.
    needed = 1.5 * expected.disk_mb + SPARE_DISK_MB
    if needed > room.free_disk_mb:
        return [
            (
                "red",
                f"The disk has {megabytes(room.free_disk_mb)} left, which is too little for its "
                "saved copies. Delete old runs on the storage page.",
            )
        ]
    return []


def _on_download(download_mb: float) -> list[Remark]:
    if not download_mb:
        return []
    return [
        (
            "amber",
            f"Before it starts, {megabytes(download_mb)} have to be downloaded, which is not in "
            "these figures.",
        )
    ]


def _on_others(expected: Estimate, found: Measurement, room: Room) -> list[Remark]:
    if found.other_cores < max(BUSY_CORES, 0.15 * room.cores):
        return []
    return [
        (
            "green" if expected.seconds < SHORT_SECONDS else "amber",
            f"Other programs used {found.other_cores:.1f} of {room.cores} processor cores while "
            "this was measured; without them it is quicker.",
        )
    ]


def _worth_knowing(found: Measurement, config: TrainingConfig) -> list[Remark]:
    remarks: list[Remark] = []
    if config.early_stopping:
        remarks.append(("green", "It ends earlier when nothing gets better any more."))
    if found.sampled:
        remarks.append(("green", "The data is large, so a part of it was measured."))
    if not found.watts_measured:
        remarks.append(("green", "The energy is a rough guess: 12 watts for each busy core."))
    return remarks
