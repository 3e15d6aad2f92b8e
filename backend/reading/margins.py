"""How far a validation figure may be moved by chance, and how such figures are written."""

import math

from backend.reading.evidence import Evidence


def chance(share: float, examples: int) -> float:
    """Two standard errors of a share that was measured on so many examples."""
    if examples < 1:
        return 1.0
    share = min(max(share, 1 / (examples + 2)), 1 - 1 / (examples + 2))
    return 2 * math.sqrt(share * (1 - share) / examples)


def no_better_than_guessing(seen: Evidence, near: float) -> bool:
    """Whether neither loss nor score of the newest evaluation is better than a naive guess's.

    near: the share of a guess's loss from which on a loss counts as no better.
    """
    guess = seen.guess
    if not (seen.losses[-1] >= near * guess):
        return False
    scores, naive = seen.scores, seen.naive_score
    if not len(scores) or naive is None or seen.metric is None:
        return True
    if not seen.metric.percent:
        return bool(scores[-1] <= naive + 0.02 * abs(naive))
    return bool(scores[-1] <= naive + chance(naive, seen.examples.get("validation", 0)))


def share_words(share: float) -> str:
    """A share in words: 99.6 %, never 100 % where it is not all."""
    if share >= 1:
        return "all"
    return f"{min(100 * share, 99.9):.1f} %".replace(".0 %", " %")
