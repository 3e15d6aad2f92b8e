"""The data doctor: looks through a data set before training and says what may spoil the result.

The door for pages and the command line. It works in a process of its own, which a page starts and
does not wait for; what it finds is kept per version.
"""

from typing import TYPE_CHECKING

from storage.records import Dataset

if TYPE_CHECKING:
    from backend.datasets.doctor.reports import Report
    from backend.jobs.errands import Errand

KIND = "check"
MEMORY_MB, SILENT_SECONDS = 6000.0, 900.0
"""More ends an examination: a million texts take half of it."""


def get_report(dataset: Dataset) -> "Report | None":
    """What was found on this version, or None where it has not been looked at."""
    from backend.datasets import versions
    from backend.datasets.doctor.reports import read_report

    return read_report(dataset, versions.ensure_sha256(dataset))


def find_examination(dataset: Dataset) -> "Errand | None":
    """The examination of a version that goes on or has failed, or None."""
    from backend.jobs import errands

    wanted = _arguments(dataset)
    for errand in errands.list_errands():
        if errand.kind == KIND and errand.arguments == wanted:
            if errand.state != "done":
                return errand
            errands.end_errand(errand.id)  # its answer is the report
    return None


def start_examination(dataset: Dataset) -> "Errand":
    """Let a process look at a version, unless one does; returns at once."""
    from backend.jobs import errands

    known = find_examination(dataset)
    if known is not None and known.is_running:
        return known
    if known is not None:
        errands.end_errand(known.id)
    limits = errands.Limits(memory_mb=MEMORY_MB, silent_seconds=SILENT_SECONDS)
    return errands.start_errand(KIND, dataset.name, _arguments(dataset), limits)


def _arguments(dataset: Dataset) -> dict[str, object]:
    return {"dataset": dataset.id, "version": dataset.version}
