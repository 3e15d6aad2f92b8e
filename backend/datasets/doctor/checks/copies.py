"""Copies: the same or nearly the same example twice, above all in training and test."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.shares import shares_of
from backend.datasets.splits import TEST, TRAIN, VALIDATION

LEAK_PROBLEM, LEAK_WARNING = 0.03, 0.01
"""Shares of the held-out examples: from these on a score is off by so much."""
REPEATED_WARNING, REPEATED_HINT = 0.1, 0.005
MOST_MOVED = 0.25
"""Where more of the held-out examples are copies, all is divided anew instead."""
LIMITED = " There are so many that only the most alike were compared."


@check("copies", "Looking for copies", items=("text", "image", "audio"), first=2)
def copies(subject: Subject) -> Iterable[Finding]:
    """First those in more than one part, then the others."""
    groups = subject.groups.near
    parts = np.zeros((len(subject), 3), bool)  # of each group, at its first member's place
    parts[groups, subject.splits] = True
    yield from _across(subject, groups, parts[groups])
    yield from _repeated(subject, groups)


def _across(
    subject: Subject, groups: NDArray[np.int64], parts: NDArray[np.bool_]
) -> Iterable[Finding]:
    """Held-out examples that the model sees while it learns."""
    splits = subject.splits
    seen = (splits != TRAIN) & parts[:, TRAIN]
    seen |= (splits == TEST) & parts[:, VALIDATION]
    count, held_out = int(seen.sum()), int((splits != TRAIN).sum())
    if not count:
        return
    share = count / max(1, held_out)
    severity: Severity = (
        "problem" if share >= LEAK_PROBLEM else "warning" if share >= LEAK_WARNING else "hint"
    )
    effect = (
        "The model has seen their answers, so its scores look better than it is."
        if severity != "hint"
        else "So few hardly change a score."
    )
    crossing = np.flatnonzero(parts.sum(axis=1) > 1)
    # Small groups first: a pair shows best what is meant.
    sizes = np.bincount(groups, minlength=len(subject))[groups[crossing]]
    order = crossing[np.lexsort((splits[crossing], groups[crossing], sizes))]
    yield Finding(
        "copies-across-parts",
        severity,
        f"{_of(count, held_out, subject.unit)} of the validation and test parts stand in another "
        f"part too, equal or nearly so. {effect}{'' if subject.groups.complete else LIMITED}",
        count,
        flagged=subject.present[order],
        cure=_together(subject, seen, parts, share),
    )


def _together(
    subject: Subject, seen: NDArray[np.bool_], parts: NDArray[np.bool_], share: float
) -> Cure:
    left = np.bincount(subject.splits[~seen], minlength=3)
    if share > MOST_MOVED or not left[[VALIDATION, TEST]].all():
        sizes = np.bincount(subject.splits, minlength=3)
        return Cure(
            "shares",
            "Divide anew, copies together",
            "All examples are divided anew in the same proportions, and copies stay in one part.",
            values={"shares": shares_of(sizes.tolist())},
        )
    places = np.flatnonzero(seen)
    where = np.where(parts[places, TRAIN], TRAIN, VALIDATION).astype(np.uint8)
    return Cure(
        "move",
        "Keep copies together",
        f"{counted(len(places), 'example')} move to the part that has their copies.",
        indices=subject.present[places],
        splits=where,
    )


def _repeated(subject: Subject, groups: NDArray[np.int64]) -> Iterable[Finding]:
    """Copies within one part, all but the first of each; those with one and the same answer."""
    answer = _answers(subject)
    keys = np.stack([groups, subject.splits.astype(np.int64), answer])
    _, first, inverse = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    extra = np.ones(len(subject), bool)
    extra[first] = False
    count = int(extra.sum())
    if count < REPEATED_HINT * len(subject):
        return
    many = count >= REPEATED_WARNING * len(subject)
    repeated = np.bincount(inverse)[inverse] > 1
    order = np.flatnonzero(repeated)[np.argsort(inverse[repeated], kind="stable")]
    yield Finding(
        "copies",
        "warning" if many else "hint",
        f"{_of(count, len(subject), subject.unit)} are copies of others in the same part, equal or "
        "nearly so. What stands there often counts more than the rest."
        f"{'' if subject.groups.complete else LIMITED}",
        count,
        flagged=subject.present[order],
        cure=Cure(
            "drop",
            "Drop the copies",
            f"{counted(count, subject.unit)} are left out; one of each stays.",
            indices=subject.present[extra],
        ),
    )


def _answers(subject: Subject) -> NDArray[np.int64]:
    """A number for each example's answer, equal where the answers are."""
    if subject.has_classes:
        return subject.labels
    if subject.store.target == "text":
        return subject.targets.hashes.view(np.int64)
    return np.zeros(len(subject), np.int64)


def _of(count: int, total: int, unit: str) -> str:
    return f"{count:,} of {counted(total, unit)} ({share_words(count, total)})"
