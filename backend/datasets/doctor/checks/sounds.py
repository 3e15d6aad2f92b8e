"""Recordings that are silent, very short, cut off by too much volume, or unusually long."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.store import SAMPLE_RATE

SILENT = 33
"""Loudest sample of 32,767 below which nothing is heard: 60 decibels under full volume."""
SHORTEST = 0.1
"""Seconds."""
LOUDEST, CLIPPED = 32_760, 0.01
LONGER = 10.0
"""Times the usual length."""
MANY = 0.01


@check("sounds", "Listening to the recordings", items=("audio",), first=3)
def sounds(subject: Subject) -> Iterable[Finding]:
    peak, clipped, seconds = _measure(subject)
    silent, usual = peak < SILENT, float(np.median(seconds))
    short = (seconds < SHORTEST) & (seconds < usual / 2)
    for kind, found, words, button in (
        ("sounds-silent", silent, "are silent", "Drop the silent ones"),
        ("sounds-short", short & ~silent, f"are shorter than {SHORTEST:g} seconds",
         "Drop the short ones"),
        ("sounds-clipped", (clipped > CLIPPED) & ~silent,
         "are distorted: they were recorded too loud, and their peaks are cut off", ""),
        ("sounds-long", seconds > LONGER * usual,
         f"are more than ten times as long as is usual here ({usual:.1f} s); models read the "
         "beginning", ""),
    ):  # fmt: skip
        yield from _bad(subject, found, kind, words, button)


def _measure(
    subject: Subject,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The loudest sample, the share of samples at full volume, and the length of each."""
    peak = np.zeros(len(subject), np.int64)
    clipped, seconds = np.zeros(len(subject)), np.zeros(len(subject))
    for place, index in enumerate(subject.present.tolist()):
        sound = subject.store.sound(index)
        loud = np.abs(sound.astype(np.int32))
        peak[place], clipped[place] = loud.max(initial=0), (loud >= LOUDEST).mean()
        seconds[place] = len(sound) / SAMPLE_RATE
        if place % 500 == 0:
            subject.tick(place / len(subject))
    return peak, clipped, seconds


def _bad(
    subject: Subject, found: NDArray[np.bool_], kind: str, words: str, button: str
) -> Iterable[Finding]:
    count = int(found.sum())
    if not count:
        return
    indices = subject.present[found]
    severity: Severity = "warning" if count > MANY * len(subject) else "hint"
    yield Finding(
        kind,
        severity,
        f"{counted(count, subject.unit)} ({share_words(count, len(subject))}) {words}.",
        count,
        flagged=indices,
        cure=Cure("drop", button, f"{counted(count, subject.unit)} are left out.", indices=indices)
        if button
        else None,
    )
