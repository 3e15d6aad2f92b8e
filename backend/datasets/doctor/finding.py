"""What a check finds: a sentence with numbers, the examples that it means, and a cure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["problem", "warning", "hint"]
"""Training will go wrong or the scores will lie; it may; it is good to know."""
SEVERITIES: tuple[Severity, ...] = ("problem", "warning", "hint")
CureKind = Literal["drop", "move", "merge", "mask", "words", "boxes", "shares", "setting"]


@dataclass(frozen=True, slots=True)
class Cure:
    """What a button does about a finding (cures.py carries it out, as a new version).

    button: its words. result: what will be different afterwards. indices: the examples that it
    changes. splits: for "move" where each of them goes. values: what else it needs, as JSON.
    """

    kind: CureKind
    button: str
    result: str
    indices: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    splits: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that may spoil the result.

    kind: a name that stays the same, such as copies-across-parts. count: how many examples (or
    classes, or rows) it is about. flagged: the numbers of all examples that it is about, those to
    look at first in front. rows: what to show where it is not about examples, as JSON.
    """

    kind: str
    severity: Severity
    sentence: str
    count: int
    flagged: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rows: Sequence[Mapping[str, Any]] = ()
    cure: Cure | None = None


def counted(count: int, unit: str, many: str = "") -> str:
    """1 text, 5,000 pictures."""
    return f"{count:,} {unit if count == 1 else many or unit + 's'}"


def share_words(count: int, total: int) -> str:
    """A share of a whole in per cent, without pretending to be exact."""
    share = 100 * count / max(1, total)
    if 0 < share < 1:
        return f"{share:.1g} %"
    return f"{share:.0f} %"


def is_are(count: int) -> str:
    """The verb after a number of things."""
    return "is" if count == 1 else "are"
