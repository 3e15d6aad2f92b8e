"""Every failure becomes a reason and a plain sentence, also those of libraries and the system."""

import errno

import pytest
import torch

from backend.errors import DataError, explain
from storage.records import Reason


def out_of_processor_memory() -> BaseException:
    try:
        torch.empty(10**14)
    except RuntimeError as error:
        return error
    raise AssertionError("a petabyte was given")


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (DataError("The table is empty."), Reason.BAD_DATA, "The table is empty."),
        (torch.cuda.OutOfMemoryError("Tried to allocate 20 GB"), Reason.OOM_GPU, "half the batch"),
        (RuntimeError("MPS backend out of memory (MPS allocated"), Reason.OOM_GPU, "half"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when"), Reason.OOM_GPU, "half"),
        (
            RuntimeError("The NVIDIA driver on your system is too old (found version 11040)."),
            Reason.DEVICE,
            "too old",
        ),
        (RuntimeError("CUDA error: no kernel image is available"), Reason.DEVICE, "too old"),
        (RuntimeError("CUDA error: unspecified launch failure"), Reason.DEVICE, "does not answer"),
        (RuntimeError("Found no NVIDIA driver on your system."), Reason.DEVICE, "no driver"),
        (MemoryError(), Reason.OOM_HOST, "computer ran out of memory"),
        (out_of_processor_memory(), Reason.OOM_HOST, "computer ran out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), Reason.OOM_HOST, "ran out of memory"),
        (OSError(errno.ENOSPC, "No space left on device"), Reason.DISK_FULL, "disk is full"),
        (OSError(errno.EACCES, "Permission denied"), Reason.BUG, "PermissionError"),
        (ZeroDivisionError("division by zero"), Reason.BUG, "ZeroDivisionError"),
    ],
)
def test_each_failure_has_its_reason_and_says_what_to_do(
    error: BaseException, reason: Reason, words: str
) -> None:
    found, sentence = explain(error)
    assert found is reason
    assert words in sentence
    assert "Traceback" not in sentence
