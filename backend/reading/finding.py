"""One thing that the curves of a run show, as pages and the command line tell it."""

from dataclasses import dataclass

from backend.remedies import Remedy


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen, and at which step; title: two or three words for the mark on a chart.

    kind: a name that programs know it by. action: what can be done about it, if anything.
    """

    kind: str
    step: int
    title: str
    sentence: str
    action: Remedy | None = None


def number(value: float) -> str:
    """A loss or a rate as people write it: 0.52, 12.4, 0.0003."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
