"""Pictures of people: told by a small face detector, on a sample, within a time limit."""

import time
from collections.abc import Iterable

import numpy as np

from backend.datasets.doctor.finding import Finding, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject

SAMPLE = 400
SECONDS = 20.0
LEAST_SIDE = 40
"""Pixels of the shorter side; in smaller pictures nobody can be told."""
LEAST_SPREAD = 4.0


@check("faces", "Looking for faces", items=("image",), first=9)
def faces(subject: Subject) -> Iterable[Finding]:
    shapes = subject.store.shapes()[subject.present][:, :2]
    large = np.flatnonzero(shapes.min(axis=1) >= LEAST_SIDE)
    if not len(large):
        return
    from backend.models.faces import FaceFinder, can_find_faces

    if not can_find_faces():
        return
    finder = FaceFinder()
    order = np.random.default_rng(0).permutation(large)[:SAMPLE]
    found, looked, began = [], 0, time.monotonic()
    for place in order.tolist():
        looked += 1
        if len(finder.find(subject.store.image(int(subject.present[place])))):
            found.append(place)
        subject.tick(looked / len(order))
        if time.monotonic() - began > SECONDS:
            break
    if not found:
        return
    whole = looked == len(subject)
    sample = "" if whole else f" of {looked:,} that were looked at, a sample,"
    yield Finding(
        "private-faces",
        "warning",
        f"{counted(len(found), 'picture')}{sample} ({share_words(len(found), looked)}) show"
        f"{'s' if len(found) == 1 else ''} what looks like a face. People have a say in what is "
        "done with pictures of them; ask, or leave them out.",
        len(found),
        flagged=subject.present[np.sort(np.array(found, np.int64))],
    )
