"""How a run's answers to the user's own examples changed while it learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.inference.wording import answer_words
from backend.runs import Moment, Run, list_moments, read_snapshot

KIND = "pinned"
"""The kind of snapshot that holds the answers (backend/training/pinned.py)."""
MOST_TURNS = 6


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a run said of one example at one evaluation."""

    step: int
    epoch: float
    answer: Mapping[str, Any]

    @property
    def words(self) -> str:
        return str(self.answer["error"]) if "error" in self.answer else answer_words(self.answer)


def moments_of(run: Run) -> list[Moment]:
    """The evaluations at which pinned examples were answered, oldest first."""
    return list_moments(run.id, KIND)


def answers_at(moment: Moment) -> dict[int, dict[str, Any]]:
    """The answers of one evaluation by the number of the pin."""
    return {int(one["pin"]): one["answer"] for one in read_snapshot(moment).get("answers", [])}


def opinions(moments: Sequence[Moment]) -> dict[int, list[Opinion]]:
    """What was said of each pin over the evaluations, oldest first."""
    found: dict[int, list[Opinion]] = {}
    for moment in moments:
        for pin, answer in answers_at(moment).items():
            found.setdefault(pin, []).append(Opinion(moment.step, moment.epoch, answer))
    return found


def turns(said: Sequence[Opinion]) -> list[Opinion]:
    """The first opinion, and each one that differs from the one before."""
    return [
        one for place, one in enumerate(said) if not place or one.words != said[place - 1].words
    ]


def turn_words(said: Sequence[Opinion]) -> str:
    """How an opinion changed, in a sentence; "" with less than two evaluations."""
    if len(said) < 2:
        return ""
    changed = turns(said)
    if len(changed) == 1:
        return f"It has said so at all {len(said):,} evaluations."
    last = changed[-1]
    times = "once" if len(changed) == 2 else f"{len(changed) - 1:,} times"
    since = sum(one.step >= last.step for one in said)
    return f"It changed its mind {times}, last at step {last.step:,}" + (
        f", and has said so at the {since:,} evaluations since." if since > 1 else "."
    )
