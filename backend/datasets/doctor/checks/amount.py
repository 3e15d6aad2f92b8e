"""Whether there is enough to learn from, and enough to tell models apart."""

import math
from collections.abc import Iterable

import numpy as np

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.splits import TEST, TRAIN, VALIDATION

LITTLE, VERY_LITTLE, PER_CLASS = 100, 20, 10
ROUGH: tuple[tuple[int, Severity], ...] = ((20, "problem"), (50, "warning"), (100, "hint"))
"""Examples of the test part below which its score is too rough."""
WANTED_TEST, LEAST_TRAIN, MOST_TEST = 100, 50, 30
GUESSED_SCORE = 0.9
CONFIDENCE = 1.96


def margin(count: int, score: float = GUESSED_SCORE) -> float:
    """How far off a share measured on so many examples may be, 95 times of 100 (Wald, 1943)."""
    return CONFIDENCE * math.sqrt(score * (1 - score) / max(1, count))


@check("amount", "Counting", first=1)
def amount(subject: Subject) -> Iterable[Finding]:
    counts = np.bincount(subject.splits, minlength=3)
    train, test = int(counts[TRAIN]), int(counts[TEST])
    wanted = max(LITTLE, PER_CLASS * len(subject.classes)) if subject.has_classes else LITTLE
    if train < wanted:
        classes = f" for {len(subject.classes)} classes" if subject.has_classes else ""
        yield Finding(
            "too-few",
            "problem" if train < VERY_LITTLE else "warning",
            f"There are only {counted(train, subject.unit)} to learn from{classes}. With a "
            "pretrained model that may do; without one it takes some hundreds.",
            train,
        )
    severity = next((word for most, word in ROUGH if test < most), None)
    if severity is not None:
        rough = "A score that is measured on so few moves a good deal by chance."
        if subject.has_classes:
            rough = (
                f"A score of 90 % on so few is right to about ± {100 * margin(test):.0f} points, "
                "so models that are closer than that cannot be told apart."
            )
        yield Finding(
            "test-part-small",
            severity,
            f"The test part has {counted(test, subject.unit)}. {rough}",
            test,
            flagged=subject.present[subject.part(TEST)],
            cure=_larger_test(counts.tolist()),
        )


def _larger_test(counts: list[int]) -> Cure | None:
    """A division with a larger test part, where the training part can spare it."""
    total = sum(counts)
    validation = max(10, round(100 * counts[VALIDATION] / total))
    test = min(MOST_TEST, math.ceil(100 * WANTED_TEST / total))
    train = 100 - validation - test
    if train * total < 100 * LEAST_TRAIN or test * total < 150 * counts[TEST]:
        return None
    return Cure(
        "shares",
        "Divide anew with a larger test part",
        f"All examples are divided anew: {train} / {validation} / {test} %.",
        values={"shares": [train, validation, test]},
    )
