"""Pairs of texts: both the same, one source with several targets, lengths that do not fit."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject

MANY = 0.01
UNUSUAL = np.log(5.0)
"""A target five times as long or short beside its source as is usual."""
LEAST_CHARACTERS = 20


@check("pairs", "Comparing sources and targets", items=("text",), targets=("text",), first=3)
def pairs(subject: Subject) -> Iterable[Finding]:
    sources, targets = subject.texts, subject.targets
    same = sources.hashes == targets.hashes
    empty = targets.words.counts == 0
    yield from _bad(
        subject, same, "pairs-same", "Drop these pairs",
        "have the same text on both sides, so a model learns to repeat what it is given", "warning",
    )  # fmt: skip
    long_enough = np.maximum(sources.characters, targets.characters) >= LEAST_CHARACTERS
    ratio = np.log(np.maximum(1, targets.characters) / np.maximum(1, sources.characters))
    unusual = (np.abs(ratio - np.median(ratio)) > UNUSUAL) & long_enough & ~empty & ~same
    yield from _bad(
        subject, unusual, "pairs-unequal", "Drop these pairs",
        "have a target that is more than five times as long or as short beside its source as is "
        "usual here; they may not belong together", "hint",
    )  # fmt: skip
    yield from _several_targets(subject)


def _bad(
    subject: Subject,
    found: NDArray[np.bool_],
    kind: str,
    button: str,
    words: str,
    severity: Severity,
) -> Iterable[Finding]:
    count = int(found.sum())
    if not count:
        return
    indices = subject.present[found]
    if severity == "hint" and count > MANY * len(subject):
        severity = "warning"
    elif severity == "warning" and count <= MANY * len(subject):
        severity = "hint"
    yield Finding(
        kind,
        severity,
        f"{counted(count, subject.unit)} ({share_words(count, len(subject))}) {words}.",
        count,
        flagged=indices,
        cure=Cure("drop", button, f"{counted(count, subject.unit)} are left out.", indices=indices),
    )


def _several_targets(subject: Subject) -> Iterable[Finding]:
    """One and the same source with different targets."""
    groups = subject.groups.equal
    targets = subject.targets.hashes
    first = targets[groups]
    differs = np.zeros(len(subject), bool)
    differs[groups[targets != first]] = True
    found = np.flatnonzero(differs[groups])
    if not len(found):
        return
    count = len(np.unique(groups[found]))
    order = found[np.argsort(groups[found], kind="stable")]
    many = len(found) > 0.05 * len(subject)
    yield Finding(
        "pairs-several-targets",
        "warning" if many else "hint",
        f"{counted(count, 'source')} stand{'s' if count == 1 else ''} with more than one target "
        f"({counted(len(found), subject.unit)}). If they are other words for the same that is "
        "good; if they contradict each other, decide on one.",
        count,
        flagged=subject.present[order],
    )
