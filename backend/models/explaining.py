"""What all explanations of an answer share: scores, how much may be asked, the check of a mark.

An explanation is a list of parts, plain JSON whose "kind" says how a page draws it:
heat {"method", "about", "values": [[share of the strongest]], "picture": PNG in base64, "check"},
words {"method", "about", "text", "words": [{"start", "end", "weight"}], "check"},
changes {"of", "found", ...}, nearest {"examples": [{"example", "similarity"}], "searched"}.
"""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

Ask = Callable[[Tensor], Tensor]
"""Inputs [b, ...] as the network takes them in, scores [b, classes] before the softmax out."""

MARKED_SHARE = 0.1
"""The check takes away this share of the input: what is marked most, or anything."""
RANDOM_DRAWS, FEWEST_DRAWS = 8, 2
"""So many times anything is drawn, always the same; at least so many where a model is slow."""
SEED = 0
DIGITS = 4
BUDGET = 0.8
"""Seconds of work that a part of an explanation may take; how finely it looks follows from it."""
QUICK = 0.2

T = TypeVar("T")


def log_odds(scores: Tensor, index: int) -> Tensor:
    """Scores [b, classes] as the logarithm of how likely one class is against all others, [b].

    Unlike the probability it goes on telling answers apart where the model is very sure.
    """
    others = torch.cat([scores[:, :index], scores[:, index + 1 :]], dim=1)
    return scores[:, index] - others.logsumexp(dim=1)


def measure(call: Callable[[], T]) -> tuple[T, float]:
    """What a call gives, and the seconds of work it takes; asked twice where that costs little.

    Seconds of the processor, all of its cores together: they stay alike however busy the machine.
    """
    begun = time.process_time()
    found = call()
    seconds = time.process_time() - begun
    if seconds < QUICK:  # the first one is slower than those to come
        begun = time.process_time()
        found = call()
        seconds = min(seconds, time.process_time() - begun)
    return found, seconds


def affordable(seconds: float, least: int, most: int, budget: float = BUDGET) -> int:
    """How many times a call of so many seconds may be made."""
    return int(min(most, max(least, budget / max(seconds, 1e-9))))


def random_choices(count: int, size: int, draws: int = RANDOM_DRAWS) -> list[Tensor]:
    """So many times `size` different numbers below `count`, always the same."""
    generator = torch.Generator().manual_seed(SEED)
    return [torch.randperm(count, generator=generator)[:size] for _ in range(draws)]


def marked_count(count: int) -> int:
    """How many of so many things are the top tenth: at least one."""
    return max(1, math.floor(MARKED_SHARE * count + 0.5))


def check(before: float, marked: float, random: list[float], words: dict[str, float]) -> Any:
    """What taking away the marked tenth does to the score, beside a random tenth.

    before, marked, random: log-odds (or log-probabilities). words: the same as people are told
    them, "before", "marked" and "random". "holds": whether the mark is better than chance.
    """
    usual = sum(random) / len(random)
    return {
        "share": MARKED_SHARE,
        **{name: round(value, DIGITS) for name, value in words.items()},
        "drop_marked": round(before - marked, DIGITS),
        "drop_random": round(before - usual, DIGITS),
        "holds": before - marked > before - usual,
    }


def relative(values: Tensor) -> Tensor:
    """Values with the strongest at 1 (or -1); zeros stay zeros."""
    most = values.abs().max()
    return values / most if most > 0 else values


def rounded(values: Tensor) -> list[Any]:
    """Nested lists of numbers, short enough to be sent."""
    found: list[Any] = torch.round(values.double(), decimals=DIGITS).tolist()
    return found
