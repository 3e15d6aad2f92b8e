"""Which findings a run's curves give: the kinds in their order, and which of them hides which."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.reading import kinds, pace
from backend.reading.evidence import Evidence
from backend.reading.finding import Finding

__all__ = ["Finding", "read_curves"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to read the curves; it says nothing where one of `unless` has spoken."""

    read: Callable[[Evidence], Finding | None]
    unless: frozenset[str] = frozenset()


# Causes before what follows from them: who hears the cause need not hear the rest.
KINDS = (
    Kind(kinds.not_a_number),
    Kind(kinds.rate_too_high, frozenset({"not-a-number"})),
    Kind(kinds.one_class, frozenset({"not-a-number", "rate-too-high"})),
    Kind(kinds.not_learning, frozenset({"not-a-number", "rate-too-high", "one-class"})),
    Kind(kinds.memorising, frozenset({"not-a-number", "rate-too-high", "not-learning"})),
    Kind(pace.plateau, frozenset({"not-a-number", "rate-too-high", "one-class", "not-learning",
                                  "memorising"})),
    Kind(pace.unfinished, frozenset({"rate-too-high", "one-class", "not-learning", "memorising",
                                     "plateau"})),
    Kind(pace.slow_data),
    Kind(pace.few_examples),
    Kind(pace.small_validation),
)  # fmt: skip


def read_curves(seen: Evidence) -> list[Finding]:
    """What the curves of a run show so far, in the order of the steps; values in, sentences out."""
    found: dict[str, Finding] = {}
    for kind in KINDS:
        if kind.unless & found.keys():
            continue
        finding = kind.read(seen)
        if finding is not None:
            found[finding.kind] = finding
    return sorted(found.values(), key=lambda finding: finding.step)
