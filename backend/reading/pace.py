"""How a training spends its time, read from its curves: too long, too short, or waiting."""

import math

import numpy as np

from backend.reading import ways
from backend.reading.evidence import Evidence
from backend.reading.finding import Finding, number

PATIENCE, PATIENT_SHARE = 5, 0.35
"""Nothing better for so many epochs, and for this share of them all, is a stand-still."""
IN_VAIN = 0.6
"""Of an ended run, a larger share of epochs without anything better is worth a word."""
FLAT = 0.005
"""A validation loss that got better by less than this share has not got better."""
LEFT = 0.25
"""With less than this share of the epochs left, ending early is not worth a word."""
WORTH, WORTH_OF_GUESS = 0.03, 0.005
"""A validation loss that fell by this share of itself, and of a guess's loss, in the last epoch
will go on to fall."""
READINGS, WAITING, LONG = 5, 60.0, 10.0
"""So many readings tell the share of time (percent) that the data take, in a run that
will take so many seconds."""
RARE = 8
"""Fewer training examples of a class than this are hardly any."""
FEW_TO_CHECK = 30
"""With fewer validation examples the choice of the best copy is a matter of luck."""


def plateau(seen: Evidence) -> Finding | None:
    """Nothing has got better for much of the run, and some of it is left or was in vain."""
    losses, scores = seen.losses, seen.scores
    patience = max(PATIENCE, math.ceil(PATIENT_SHARE * seen.epochs))
    if len(losses) <= patience or not np.isfinite(losses).all():
        return None
    before = losses[:-patience]
    if losses[-patience:].min() < (1 - FLAT) * before.min():
        return None
    if len(scores) == len(losses) and scores[-patience:].max() > scores[:-patience].max():
        return None
    best = int(np.argmin(losses))
    still = len(losses) - 1 - best
    left = seen.epochs - len(losses)
    said = (
        f"Nothing has got better for {still} epochs: the validation loss stays at about "
        f"{number(float(np.median(losses[-patience:])))}. "
    )
    if not seen.ended and left >= max(2, LEFT * seen.epochs):
        said += f"The {left} epochs that are left will hardly change that."
        action = ways.stop("Ends it now. The best copy is kept, and it can go on later.")
    elif seen.ended and still > IN_VAIN * seen.epochs:
        enough = min(seen.epochs - 1, best + 3)
        said += f"About {enough} epochs would have been enough."
        action = ways.fewer_epochs(enough)
    else:
        return None
    return Finding("plateau", int(seen.steps[best]), "stands still", said, action)


def unfinished(seen: Evidence) -> Finding | None:
    """It got clearly better up to its very end."""
    losses = seen.losses
    if not seen.finished or not len(losses) or not np.isfinite(losses).all():
        return None
    if len(losses) == 1:
        return _unfinished_first(seen)
    fall = (losses[-2] - losses[-1]) / losses[-2] if losses[-2] > 0 else 0.0
    if (
        losses[-1] > losses.min()
        or fall < WORTH
        or losses[-2] - losses[-1] < WORTH_OF_GUESS * seen.guess
    ):
        return None
    return Finding(
        "unfinished", int(seen.steps[-1]), "still improving",
        f"It was still getting better at the end: the validation loss fell from "
        f"{number(float(losses[-2]))} to {number(float(losses[-1]))} in the last epoch. "
        f"{ways.MORE_EPOCHS} more epochs are likely worth it.",
        ways.go_further(seen),
    )  # fmt: skip


def _unfinished_first(seen: Evidence) -> Finding | None:
    """The same after a single epoch, where only the training loss shows a course."""
    _, values = seen.curve("train/loss")
    parts = [float(np.mean(part)) for part in np.array_split(values, 4) if len(part)]
    if len(parts) < 4 or not parts[3] < (1 - WORTH) * parts[2]:
        return None
    return Finding(
        "unfinished", int(seen.steps[-1]), "still improving",
        f"It was still getting better at the end: the training loss fell from {number(parts[2])} "
        f"to {number(parts[3])} in the last quarter. {ways.MORE_EPOCHS} more epochs are likely "
        "worth it.",
        ways.go_further(seen),
    )  # fmt: skip


def slow_data(seen: Evidence) -> Finding | None:
    """Most of the time goes into getting the examples ready."""
    steps, shares = seen.curve("system/data_percent")
    if len(shares) < READINGS or seen.expected_seconds < LONG:
        return None
    waits = float(np.median(shares[1:]))
    if waits < WAITING:
        return None
    return Finding(
        "slow-data", int(steps[READINGS - 1]), "waits for data",
        f"The training waits for the data {waits:.0f} % of the time: reading and preparing the "
        "examples takes longer than learning from them.",
        ways.larger_model(),
    )  # fmt: skip


def small_validation(seen: Evidence) -> Finding | None:
    """Too few examples are kept aside to tell which copy is the best."""
    count = seen.examples.get("validation", 0)
    if not len(seen.steps) or not 0 < count < FEW_TO_CHECK:
        return None
    return Finding(
        "small-validation", int(seen.steps[0]), "few to check on",
        f"Only {count} examples are kept aside to check on, so each of them is "
        f"{100 / count:.0f} % of the score: which copy is the best is partly luck.",
        ways.see_data(),
    )  # fmt: skip


def few_examples(seen: Evidence) -> Finding | None:
    """Some classes have hardly any training examples."""
    rare = {name: count for name, count in seen.of_class.items() if count < RARE}
    if not len(seen.steps) or not rare:
        return None
    name = min(rare, key=lambda one: rare[one])
    if len(rare) == len(seen.of_class):
        said = (
            f"There are only about {round(float(np.median(list(rare.values()))))} training "
            "examples of each class, too few to learn more than these very examples. A good "
            "beginning is 50 of each."
        )
    else:
        said = (
            f"{len(rare)} of the {len(seen.of_class)} classes have fewer than {RARE} training "
            f"examples (“{name}” has {rare[name]}): these will hardly be learnt."
        )
    return Finding("few-examples", int(seen.steps[0]), "few examples", said, ways.see_data())
