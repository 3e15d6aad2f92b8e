"""Ratings: given twice, all the same, people and things that are hardly ever met."""

from collections.abc import Iterable

import numpy as np

from backend.datasets.doctor.finding import Cure, Finding, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject

FEW = 3
MANY, SOME = 0.5, 0.1
TWICE = 0.01


@check("ratings", "Looking at the ratings", items=("rating",), first=2)
def ratings(subject: Subject) -> Iterable[Finding]:
    rows = subject.store.ratings()[subject.present]
    groups = subject.groups.equal
    extra = groups != np.arange(len(subject))
    if extra.any():
        count = int(extra.sum())
        first = rows["value"][groups]
        against = int((np.abs(rows["value"] - first) > 1e-6).sum())
        yield Finding(
            "ratings-twice",
            "warning" if count > TWICE * len(subject) else "hint",
            f"{counted(count, 'rating')} {'is' if count == 1 else 'are'} given again, by the same "
            f"person for the same thing; {against:,} of them say something else than the first.",
            count,
            flagged=subject.present[extra],
            cure=Cure(
                "drop",
                "Keep the first of each",
                f"{counted(count, 'rating')} are left out.",
                indices=subject.present[extra],
            ),
        )
    if len(np.unique(rows["value"])) == 1 and len(rows) > 1:
        yield Finding(
            "ratings-equal",
            "hint",
            f"All ratings are {rows['value'][0]:g}. Then only who met what can be learnt, not what "
            "they liked.",
            len(rows),
        )
    for field, who, few in (("user", "people", "people"), ("item", "things", "things")):
        counts = np.bincount(rows[field])
        known = int((counts > 0).sum())
        rare = np.flatnonzero((counts > 0) & (counts < FEW))
        if len(rare) < SOME * known:
            continue
        mine = np.isin(rows[field], rare)
        yield Finding(
            f"ratings-rare-{who}",
            "warning" if len(rare) > MANY * known else "hint",
            f"{len(rare):,} of {known:,} {few} ({share_words(len(rare), known)}) have fewer than "
            f"{FEW} ratings. Hardly anything can be said about them.",
            len(rare),
            flagged=subject.present[mine],
            cure=Cure(
                "drop",
                "Leave their ratings out",
                f"{counted(int(mine.sum()), 'rating')} are left out.",
                indices=subject.present[mine],
            ),
        )
