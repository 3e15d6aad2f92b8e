"""Pictures whose size or border tells the class: a network would learn that instead."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Finding, counted
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.skips import shown

OWN, OTHERS = 0.95, 0.05
"""At least so much of a class has it, and at most so much of the rest."""
LEAST = 8
"""Pictures of a class from which on this is no chance."""
EVEN = 6
"""The largest difference within a border that counts as one colour, of 255."""
STEP = 16
"""Colours are taken for equal in steps of this size."""
NAMED = 4


@check("picture-leaks", "Looking for what gives the class away", items=("image",),
       targets=("class",), first=4)  # fmt: skip
def picture_leaks(subject: Subject) -> Iterable[Finding]:
    if not subject.has_classes:
        return
    pictures = subject.pictures
    sizes = pictures.shapes.astype(np.int64) @ np.array([1 << 40, 1 << 20, 1])
    yield from _telling(subject, sizes, "leak-size", "size in pixels", _size_words(pictures.shapes))
    colour = (pictures.border / STEP).round().astype(np.int64) @ np.array([1 << 40, 1 << 20, 1])
    # Borders of several colours are all different: each gets a number of its own.
    own = -1 - np.arange(len(colour))
    colours = np.where(pictures.border_spread <= EVEN, colour, own)
    yield from _telling(
        subject, colours, "leak-border", "colour of the border", _colour_words(pictures.border)
    )


def _telling(
    subject: Subject,
    values: NDArray[np.int64],
    kind: str,
    what: str,
    words: list[str],
) -> Iterable[Finding]:
    """Classes nearly all of whose pictures have one value, and hardly any other picture."""
    unique, first, value = np.unique(values, return_index=True, return_inverse=True)
    classes = len(subject.classes)
    pairs, counts = np.unique(value * classes + subject.labels, return_counts=True)
    of_value, of_class = np.bincount(value), np.bincount(subject.labels, minlength=classes)
    own, label = counts, pairs % classes
    others = of_value[pairs // classes] - own
    telling = (
        (own >= OWN * of_class[label])
        & (own >= LEAST)
        & (others <= OTHERS * (len(subject) - of_class[label]))
    )
    found = np.flatnonzero(telling)
    if not len(found) or len(unique) < 2:
        return
    listed = "; ".join(
        f"{shown(subject.classes[label[one]])} ({words[first[pairs[one] // classes]]})"
        for one in found[:NAMED]
    )
    rows = np.isin(value * classes + subject.labels, pairs[found])
    yield Finding(
        kind,
        "problem" if len(found) > classes / 2 else "warning",
        f"The {what} gives {counted(len(found), 'class', 'classes')} away: {listed}"
        f"{' ...' if len(found) > NAMED else ''}. A network can learn that instead of what is in "
        "the picture, and then fails on pictures from elsewhere. Cut or scale all alike.",
        len(found),
        flagged=subject.present[rows],
        rows=[
            {"class": subject.classes[label[one]], "value": words[first[pairs[one] // classes]]}
            for one in found
        ],
    )


def _size_words(shapes: NDArray[np.int32]) -> list[str]:
    return [f"{width} x {height}" for height, width, _ in shapes.tolist()]


def _colour_words(border: NDArray[np.float32]) -> list[str]:
    return ["#{:02x}{:02x}{:02x}".format(*(int(part) for part in row)) for row in border.tolist()]
