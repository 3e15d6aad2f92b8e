"""Every error that a user can cause or meet, and how it is put in a sentence.

TrainroomError
├── UsageError            what was asked for does not exist or is not allowed
│   ├── NotFoundError     a run, data set, task or model of that name
│   ├── ConfigError       a setting outside its range
│   ├── DeviceError       a graphics card that is not there or does not work
│   └── BusyError         not now: in use, or another one is running
├── DataError             a file or data set cannot be used
│   └── ArchiveError      an archive is unsafe, damaged or too large
├── ModelError            a model cannot be built or loaded
│   ├── DownloadError     weights or data could not be fetched
│   └── CheckpointError   a checkpoint is missing, damaged or of another model
├── InferenceError        a prediction could not be made
└── TrainingError         a run had to end
    ├── NanLossError      the loss is no longer a number
    ├── MemoryFullError   the device or the computer ran out of memory
    └── DiskFullError     the disk is full

The message of each is the sentence that the user reads: what happened, and what to do next.
"""

import errno
from dataclasses import dataclass

from storage.records import Reason


class TrainroomError(Exception):
    """Root of the tree; str(error) is fit to be shown."""

    reason = Reason.BUG


class UsageError(TrainroomError):
    reason = Reason.BAD_CONFIG


class NotFoundError(UsageError):
    pass


class ConfigError(UsageError):
    pass


class DeviceError(UsageError):
    reason = Reason.DEVICE


class BusyError(UsageError):
    pass


class DataError(TrainroomError):
    reason = Reason.BAD_DATA


class ArchiveError(DataError):
    pass


class ModelError(TrainroomError):
    reason = Reason.BAD_CHECKPOINT


class DownloadError(ModelError):
    reason = Reason.DOWNLOAD


class CheckpointError(ModelError):
    pass


class InferenceError(TrainroomError):
    pass


class TrainingError(TrainroomError):
    pass


class NanLossError(TrainingError):
    reason = Reason.NAN_LOSS


class MemoryFullError(TrainingError):
    reason = Reason.OOM_GPU


class DiskFullError(TrainingError):
    reason = Reason.DISK_FULL


def explain(error: BaseException) -> tuple[Reason, str]:
    """The reason code and the sentence for any exception; details belong in the log."""
    if isinstance(error, TrainroomError):
        return error.reason, str(error)
    for known in _KNOWN:
        if known.fits(error):
            return known.reason, known.sentence
    return Reason.BUG, (
        f"Something went wrong inside Trainroom ({type(error).__name__}). The log has the "
        "details; everything that was saved before is kept."
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """A failure of a library or of the system, by its class, its words or its number."""

    reason: Reason
    sentence: str
    # By name, so that explaining an error never imports torch.
    classes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def fits(self, error: BaseException) -> bool:
        said = str(error)
        return (
            any(cls.__name__ in self.classes for cls in type(error).__mro__)
            or any(sign in said for sign in self.words)
            or (isinstance(error, OSError) and error.errno in self.numbers)
        )


_KNOWN = (
    _Known(
        Reason.OOM_GPU,
        "The graphics card ran out of memory. Start again with half the batch size and twice "
        "the gradient accumulation: the result is the same, the memory half.",
        classes=("OutOfMemoryError",),
        words=(
            "CUDA out of memory", "MPS backend out of memory", "CUBLAS_STATUS_ALLOC_FAILED",
            "CUDNN_STATUS_ALLOC_FAILED", "CUDA error: out of memory",
        ),
    ),
    _Known(
        Reason.DEVICE,
        "The graphics card cannot be used: its driver is too old for this version of PyTorch, "
        "or the card is. Update the driver, or train on the processor.",
        words=(
            "NVIDIA driver on your system is too old", "driver version is insufficient",
            "no kernel image",
        ),
    ),
    _Known(
        Reason.DEVICE,
        "The graphics card does not answer any more, or has no driver. Restart the computer or "
        "update the driver, or train on the processor.",
        words=("CUDA error", "NVIDIA driver", "CUDNN_STATUS", "CUBLAS_STATUS", "cuDNN error"),
    ),
    _Known(
        Reason.OOM_HOST,
        "The computer ran out of memory. Choose a smaller batch size, a smaller model or less "
        "data, and close other programs.",
        classes=("MemoryError",),
        words=("DefaultCPUAllocator", "not enough memory"),
        numbers=(errno.ENOMEM,),
    ),
    _Known(
        Reason.DISK_FULL,
        "The disk is full. Free some space, for example by deleting old runs; the last "
        "checkpoint was kept.",
        numbers=(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    ),
)  # fmt: skip
