"""Pictures that are blank, tiny, oddly shaped, or lie on their side."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject

BLANK = 3
"""The largest difference between two pixels, of 255."""
TINY_SIDE, TINY_SHARE = 32, 0.25
"""A shorter side below so many pixels, and below such a share of what is usual."""
ODD_RATIO = 4.0
"""How many times one side is as long as the other, where others are less than half as odd."""
UPRIGHT = 1.2
RARE = 0.05
MANY = 0.01


@check("picture-quality", "Looking for odd pictures", items=("image",), first=3)
def picture_quality(subject: Subject) -> Iterable[Finding]:
    shapes = subject.pictures.shapes.astype(np.float64)
    shorter, longer = shapes[:, :2].min(axis=1), shapes[:, :2].max(axis=1)
    blank = subject.pictures.spread <= BLANK
    usual = float(np.median(shorter))
    tiny = (shorter < TINY_SIDE) & (shorter < TINY_SHARE * usual)
    ratio = longer / shorter
    odd = (ratio > ODD_RATIO) & (ratio > 2 * np.median(ratio)) & ~tiny
    yield from _bad(
        subject, blank, "pictures-blank", "blank",
        "show nothing: all their pixels have the same colour",
    )  # fmt: skip
    yield from _bad(
        subject, tiny & ~blank, "pictures-tiny", "tiny",
        f"are tiny, less than a quarter of the usual {usual:.0f} pixels, so hardly anything can be "
        "seen in them",
    )  # fmt: skip
    yield from _bad(
        subject, odd & ~blank, "pictures-odd-shape", "odd",
        f"are more than {ODD_RATIO:.0f} times as long as they are wide, or the other way round; "
        "most of what a network gets of them is padding",
    )  # fmt: skip
    yield from _sideways(subject, shapes)


def _bad(
    subject: Subject, found: NDArray[np.bool_], kind: str, name: str, words: str
) -> Iterable[Finding]:
    count = int(found.sum())
    if not count:
        return
    severity: Severity = "warning" if count > MANY * len(subject) else "hint"
    indices = subject.present[found]
    yield Finding(
        kind,
        severity,
        f"{counted(count, subject.unit)} ({share_words(count, len(subject))}) {words}.",
        count,
        flagged=indices,
        cure=Cure(
            "drop",
            f"Drop the {name} ones",
            f"{counted(count, subject.unit)} are left out.",
            indices=indices,
        ),
    )


def _sideways(subject: Subject, shapes: NDArray[np.float64]) -> Iterable[Finding]:
    """A few upright pictures among lying ones: photographs that were not turned."""
    ratio = shapes[:, 0] / shapes[:, 1]
    upright, lying = ratio > UPRIGHT, ratio < 1 / UPRIGHT
    rare, usual, words = (
        (upright, lying, "stand upright, while nearly all others lie")
        if upright.sum() < lying.sum()
        else (lying, upright, "lie, while nearly all others stand upright")
    )
    count = int(rare.sum())
    if not 0 < count < RARE * len(subject) or usual.sum() < 0.8 * len(subject):
        return
    yield Finding(
        "pictures-sideways",
        "hint",
        f"{counted(count, subject.unit)} {words}. They may have been turned by a quarter: look at "
        "them.",
        count,
        flagged=subject.present[rare],
    )
