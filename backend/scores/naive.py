"""What costs nothing to reach: the guess that every score is to be compared with."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Naive:
    """A way to answer without having learnt, and what it scores.

    words: what it does, as in "always answering 7, the most frequent class". metrics: its scores
    by the names of the task's metrics, and "loss" where it has one.
    """

    words: str
    metrics: Mapping[str, float]
