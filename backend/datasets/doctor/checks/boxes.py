"""Boxes: outside of their picture, without an area, twice, or hardly any of a class."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject

OUTSIDE = 1.0
"""Pixels that a corner may lie beyond the edge: roundings do that."""
LEAST_SIDE = 1.0
SAME = 0.95
"""Intersection over union of two boxes of one class that are the same one."""
MANY = 0.01
BARE_WARNING = 0.5


@check("boxes", "Looking at the boxes", targets=("boxes",), first=3)
def boxes(subject: Subject) -> Iterable[Finding]:
    found, owners = subject.store.all_boxes()
    kept = np.isin(owners, subject.present)
    found, owners = found[kept], owners[kept]
    if not len(found):
        yield Finding(
            "boxes-none", "problem", "No picture has a box, so there is nothing to learn.", 0
        )
        return
    order = np.argsort(owners, kind="stable")
    found, owners = found[order], owners[order]
    corners = found["corners"].astype(np.float64)
    sides = subject.store.shapes()[owners][:, [1, 0]].astype(np.float64)
    beyond = np.maximum(-corners[:, :2], corners[:, 2:] - sides).max(axis=1)
    outside: NDArray[np.bool_] = beyond > OUTSIDE
    flat: NDArray[np.bool_] = (corners[:, 2:] - corners[:, :2]).min(axis=1) < LEAST_SIDE
    twice = repeated_boxes(found, owners)
    for kind, bad, words, button in (
        ("boxes-outside", outside, "reach beyond the edge of their picture", "Cut them off"),
        ("boxes-flat", flat & ~outside, "have hardly any area, so nothing is in them",
         "Drop these boxes"),
        ("boxes-twice", twice & ~flat, "stand twice: nearly the same box of the same class",
         "Drop the copies"),
    ):  # fmt: skip
        yield from _bad(subject, bad, owners, kind, words, button)
    yield from _bare(subject, owners)


def repeated_boxes(found: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes are one that came before in the same picture, [k]; owners rise."""
    twice = np.zeros(len(found), bool)
    corners = found["corners"].astype(np.float64)
    for back in range(1, 33):
        if back >= len(found):
            break
        near = np.flatnonzero(
            (owners[back:] == owners[:-back]) & (found["label"][back:] == found["label"][:-back])
        )
        if not (owners[back:] == owners[:-back]).any():
            break
        alike = overlap(corners[near + back], corners[near]) >= SAME
        twice[near[alike] + back] = True
    return twice


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes in pairs, [k, 4] each."""
    low, high = np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = [np.clip(box[:, 2:] - box[:, :2], 0, None).prod(axis=1) for box in (one, other)]
    return shared / np.maximum(areas[0] + areas[1] - shared, 1e-9)


def _bad(
    subject: Subject,
    bad: NDArray[np.bool_],
    owners: NDArray[np.int64],
    kind: str,
    words: str,
    button: str,
) -> Iterable[Finding]:
    count = int(bad.sum())
    if not count:
        return
    pictures = np.unique(owners[bad])
    severity: Severity = "warning" if count > MANY * len(owners) else "hint"
    yield Finding(
        kind,
        severity,
        f"{counted(count, 'box', 'boxes')} in {counted(len(pictures), 'picture')} "
        f"{words if count > 1 else _one(words)}.",
        count,
        flagged=pictures,
        cure=Cure(
            "boxes",
            button,
            "The boxes of these pictures are put right; the pictures stay.",
            indices=pictures,
            values={"what": kind},
        ),
    )


def _one(words: str) -> str:
    verb, rest = words.split(" ", 1)
    return f"{'has' if verb == 'have' else verb + ('es' if verb.endswith('ch') else 's')} {rest}"


def _bare(subject: Subject, owners: NDArray[np.int64]) -> Iterable[Finding]:
    """Pictures in which nothing is boxed: meant so, or forgotten?"""
    bare = ~np.isin(subject.present, owners)
    count = int(bare.sum())
    if not count:
        return
    yield Finding(
        "boxes-bare",
        "warning" if count > BARE_WARNING * len(subject) else "hint",
        f"{counted(count, 'picture')} ({share_words(count, len(subject))}) "
        f"{'has' if count == 1 else 'have'} no box. That is right where nothing is to be found; "
        "where boxes were forgotten, the model learns not to find.",
        count,
        flagged=subject.present[bare],
    )
