"""Files and rows that could not be used when the data were brought in."""

from collections.abc import Iterable

from backend.datasets.doctor.finding import Finding, Severity, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject

HARMLESS = ("system file",)
MANY, SOME = 0.2, 0.01
SHOWN = 50


@check("left-out", "Looking at what was left out", first=1)
def left_out(subject: Subject) -> Iterable[Finding]:
    """From the list that the import kept."""
    details = subject.dataset.details
    kinds = dict(details.get("skipped_kinds") or {})
    known = int(details.get("skipped_count", len(subject.dataset.skipped)))
    count = known - sum(kinds.pop(kind, 0) for kind in HARMLESS)
    if count <= 0:
        return
    share = count / (count + len(subject))
    severity: Severity = "problem" if share > MANY else "warning" if share > SOME else "hint"
    listed = ", ".join(
        f"{kind} ({number:,})" for kind, number in sorted(kinds.items(), key=lambda one: -one[1])
    )
    whole = share_words(count, count + len(subject))
    yield Finding(
        "left-out",
        severity,
        f"{count:,} files or rows ({whole}) could not be used when the data were brought in"
        f"{f': {listed}' if listed else ''}. Mend them and bring the data in again if they "
        "matter.",
        count,
        rows=[one for one in subject.dataset.skipped if "of the system" not in one["reason"]][
            :SHOWN
        ],
    )
