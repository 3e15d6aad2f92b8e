"""One and the same text or picture in two classes: no model can get both right."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, counted
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.skips import shown

MANY = 0.005
"""Of all examples."""


@check(
    "conflicts", "Looking for contradictions", items=("text", "image", "audio"),
    targets=("class",), first=2,
)  # fmt: skip
def conflicts(subject: Subject) -> Iterable[Finding]:
    """Equal contents first, then those that are nearly equal."""
    equal = _in_conflict(subject.groups.equal, subject.labels)
    near = _in_conflict(subject.groups.near, subject.labels) & ~equal
    many = equal.sum() >= MANY * len(subject)
    if equal.any():
        yield _finding(
            subject, "conflicting-labels", equal, subject.groups.equal,
            "stand in more than one class, although they are the same", many=bool(many),
        )  # fmt: skip
    if near.any():
        yield _finding(
            subject, "conflicting-labels-near", near, subject.groups.near,
            "stand in another class than one that is nearly the same", many=False,
        )  # fmt: skip


def _in_conflict(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which examples are in a group that has several labels."""
    lowest = np.full(len(labels), np.iinfo(np.int64).max)
    highest = np.full(len(labels), -1)
    np.minimum.at(lowest, groups, labels)
    np.maximum.at(highest, groups, labels)
    return (lowest != highest)[groups]


def _finding(
    subject: Subject,
    kind: str,
    places: NDArray[np.bool_],
    groups: NDArray[np.int64],
    words: str,
    *,
    many: bool,
) -> Finding:
    order = np.flatnonzero(places)[np.argsort(groups[places], kind="stable")]
    labels = dict.fromkeys(subject.labels[order[groups[order] == groups[order[0]]]].tolist())
    names = " and ".join(shown(subject.classes[label]) for label in list(labels)[:2])
    count = len(order)
    return Finding(
        kind,
        "problem" if many else "warning",
        f"{counted(count, subject.unit)} {words}: one of them as {names}. No model can get both "
        "right; decide on one, or leave them out.",
        count,
        flagged=subject.present[order],
        cure=Cure(
            "drop",
            "Leave them out",
            f"{counted(count, subject.unit)} are left out.",
            indices=subject.present[order],
        ),
    )
