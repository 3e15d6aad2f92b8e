"""What goes wrong in a training, read from its curves: one function per kind of trouble.

The thresholds were chosen on recorded runs (docs/reading-curves.md has the figures).
"""

import math

import numpy as np

from backend.reading import ways
from backend.reading.evidence import Evidence
from backend.reading.finding import Finding, number
from backend.reading.margins import chance, no_better_than_guessing, share_words

WINDOW = 6
"""Steps whose median is the level of a training loss: one odd batch does not move it."""
JUMP, JUMP_OF_ODD = 2.0, 1.3
"""So many times what it began with, and the loss has jumped; less will do where the learning rate
is odd anyway."""
NEAR_GUESS = 0.97
"""A loss above this share of a guess's loss is no better than guessing."""
ENOUGH = 20
"""Fewer steps than this after the warm-up are too few to have learnt anything."""
FEW_STEPS, GOOD_STEPS = 100, 300
"""A run of fewer steps than the first may only be too short; the second is a good beginning."""
HARDLY, BY_HEART = 0.7, 0.8
"""A loss above this share of a guess's loss is hardly better; a training loss below this share of
it has been learnt by heart where the validation loss has not moved."""
ONE_CLASS = 0.95
"""A class that gets this share of all answers is the only one."""
RISE, RISE_OF_GUESS, FALL = 0.05, 0.02, 0.95
"""How much the validation loss must have risen above its best, by itself and in shares of a
guess's loss, and to what share of itself the training loss fallen meanwhile."""
TURN_OF_GUESS, LEAP_OF_GUESS, TURNED_APART = 0.003, 0.04, 0.6
"""A smaller rise, in shares of a guess's loss, is enough where nothing but rises followed the best;
one evaluation is enough with a larger one; both where the training loss is below this share of the
validation loss."""
MOST_LOST = 0.1
"""An evaluation that lost more than this share of its score is an odd one."""
APART, WRONG, STILL = 0.05, 0.15, 0.02
"""Losses are far apart where the training loss is this share of the validation loss, which is
itself this share of a guess's loss at least, and fell by less than this share at last."""
GROWTH = 0.01
"""A score that grew by this share, and by more than chance, has grown."""
FEW_EXAMPLES = 30
"""Fewer training examples of a class than this are few."""


def not_a_number(seen: Evidence) -> Finding | None:
    """The loss is no number any more."""
    steps, values = seen.curve("train/loss")
    odd = np.flatnonzero(~np.isfinite(values))
    if not len(odd) and not seen.broken:
        return None
    place = int(odd[0]) if len(odd) else len(values)
    step = int(steps[place]) if len(odd) else int(steps[-1]) if len(steps) else 0
    before = values[:place]
    if seen.rate <= _usual(seen) and not _jumped_to(before, seen.start):
        last = f"it was {number(float(before[-1]))} just before" if place else "from the beginning"
        return Finding(
            "not-a-number", step, "no number",
            f"At step {step:,} the loss stopped being a number, although it had not jumped "
            f"({last}). One of the examples is probably damaged.",
            ways.see_data(),
        )  # fmt: skip
    rate = ways.better_rate(seen, lower=True)
    return Finding(
        "not-a-number", step, "no number",
        f"At step {step:,} the loss stopped being a number: the corrections were so large that "
        f"they broke the model. The learning rate {seen.rate:g} is too high.",
        ways.again_with_rate(rate),
    )  # fmt: skip


def rate_too_high(seen: Evidence) -> Finding | None:
    """The training loss jumped up, and what followed is not good."""
    steps, values = seen.curve("train/loss")
    # A rate that is odd for this model needs less of a jump to be the reason.
    is_odd = seen.own_rate is not None and seen.rate >= ways.ODD * seen.own_rate
    place = _jumped_to(values, seen.start, JUMP_OF_ODD if is_odd else JUMP)
    if place is None or not (is_odd or _still_bad(seen)):
        return None
    top = float(np.max(_levels(values)))
    rate = ways.better_rate(seen, lower=True)
    return Finding(
        "rate-too-high", int(steps[place]), "jumps up",
        f"The training loss jumped from {number(seen.start)} up to {number(top)}. Each correction "
        f"is too large and spoils the one before: the learning rate {seen.rate:g} is too high.",
        ways.again_with_rate(rate),
    )  # fmt: skip


def _still_bad(seen: Evidence) -> bool:
    """Whether the newest losses are no better than before the training, or than guessing."""
    level = np.median(seen.values("train/loss")[-WINDOW:])
    losses = seen.losses
    return bool(
        level >= NEAR_GUESS * min(seen.start, seen.guess)
        or (len(losses) and losses[-1] > JUMP_OF_ODD * seen.guess)
    )


def _usual(seen: Evidence) -> float:
    """A learning rate that nobody would call high."""
    return 3 * (seen.own_rate or 1e-3)


def _levels(values: np.ndarray) -> np.ndarray:
    """The median of each WINDOW losses that follow each other."""
    if len(values) < WINDOW:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)
    return np.asarray(np.median(windows, axis=1))


def _jumped_to(values: np.ndarray, start: float, jump: float = JUMP) -> int | None:
    """The place from which the training loss was far above its start; None where it never was."""
    levels = _levels(values)
    above = np.flatnonzero(levels > jump * start)
    return int(above[0]) + WINDOW // 2 if len(above) else None


def one_class(seen: Evidence) -> Finding | None:
    """It gives the same answer to nearly everything, because one class has nearly everything."""
    steps, shares = seen.curve("val/top_share")
    usual = seen.first("naive_val/accuracy")
    if not len(shares) or shares[-1] < ONE_CLASS or usual is None or len(seen.classes) < 2:
        return None
    if usual < 2 / len(seen.classes):
        return None  # the classes are alike in size: the reason is another one
    since = int(np.flatnonzero(shares < ONE_CLASS)[-1]) + 1 if (shares < ONE_CLASS).any() else 0
    return Finding(
        "one-class", int(steps[since]), "one answer",
        f"It answers {_top_class(seen)} for {share_words(shares[-1])} of the validation examples, "
        f"of which {share_words(usual)} are right only because that class is so frequent. "
        "The other classes are too rare to be learnt like this.",
        ways.balance(seen),
    )  # fmt: skip


def _top_class(seen: Evidence) -> str:
    number_ = int(seen.values("val/top_class")[-1])
    return f"“{seen.classes[number_]}”" if number_ < len(seen.classes) else "the same"


def not_learning(seen: Evidence) -> Finding | None:
    """At the newest evaluation it is no better than guessing, or hardly, with an odd rate."""
    if not len(seen.losses) or not (seen.ended or seen.steps[-1] >= seen.warm_up + ENOUGH):
        return None
    # After better ones a single bad evaluation is a slip, such as large steps make.
    is_slip = len(seen.losses) > 1 and seen.losses[-2] < NEAR_GUESS * seen.guess
    is_guessing = no_better_than_guessing(seen, NEAR_GUESS) and not is_slip
    odd_rate = ways.odd_rate(seen)
    is_slow = odd_rate is not None and seen.rate < _usual(seen)
    if not is_guessing and not (is_slow and seen.losses[-1] > HARDLY * seen.guess):
        return None
    said = f"After {int(seen.steps[-1]):,} steps it is "
    said += "no better" if seen.losses[-1] >= NEAR_GUESS * seen.guess else "hardly better"
    said += " than guessing"
    said += _compared(seen) + _says_one(seen)
    if odd_rate is not None:
        said += f" The learning rate {seen.rate:g} is probably {odd_rate}."
        action = ways.again_with_rate(ways.better_rate(seen, lower=not is_slow))
    elif (better := ways.knows_more(seen)) is not None:
        said += (
            f" With about {seen.examples_of_each} training examples of each class, a network that "
            "begins from zero can hardly find out what matters."
        )
        action = better
    elif seen.all_steps < FEW_STEPS:
        said += f" The whole run has only {seen.all_steps} steps; most networks need some hundreds."
        action = ways.more_epochs(math.ceil(GOOD_STEPS / seen.steps_per_epoch))
    else:
        said += _why_it_does_not_learn(seen)
        action = ways.see_data()
    return Finding("not-learning", _since(seen, is_slow), "not learning", said, action)


def _why_it_does_not_learn(seen: Evidence) -> str:
    mean = float(seen.train_losses()[-1])
    if mean < BY_HEART * seen.guess:
        return (
            f" Its training loss fell to {number(mean)} all the same: it learns the training "
            "examples by heart, so their labels may not belong to them."
        )
    return (
        " The learning rate is as usual for this model, so the labels may not belong to the "
        "examples, or the examples do not hold what is asked for."
    )


def _since(seen: Evidence, is_slow: bool) -> int:
    """The first of the last evaluations that were all no better than a guess."""
    near = HARDLY if is_slow else NEAR_GUESS
    good = np.flatnonzero(seen.losses < near * seen.guess)
    first = int(good[-1]) + 1 if len(good) else 0
    return int(seen.steps[min(first, len(seen.steps) - 1)])


def _compared(seen: Evidence) -> str:
    loss = float(seen.losses[-1])
    return f": its validation loss is {number(loss)}, that of a guess {number(seen.guess)}."


def _says_one(seen: Evidence) -> str:
    shares = seen.values("val/top_share")
    if not len(shares) or shares[-1] < ONE_CLASS:
        return ""
    return f" It answers {_top_class(seen)} for {share_words(shares[-1])} of them."


def memorising(seen: Evidence) -> Finding | None:
    """The validation loss has risen since its best, or stays far above the training loss."""
    losses, means = seen.losses, seen.train_losses()
    if len(losses) < 2 or not np.isfinite(losses).all():
        return None
    best = int(np.argmin(losses))
    is_worse = (
        means[-1] < FALL * means[best]
        # A score that grows is no excuse for being surer of what is wrong than a guess would be.
        and (losses[-1] > seen.guess or not _score_grew(seen, best))
    )
    since = _apart_since(seen)
    if is_worse and (_has_risen(seen, best) or _has_turned(seen, best)):
        step = int(seen.steps[best])
        said = (
            f"The validation loss has risen from {number(float(losses[best]))} to "
            f"{number(float(losses[-1]))} since epoch {best + 1}, while the training loss fell to "
            f"{number(float(means[-1]))}: it learns the examples by heart. The best copy is kept."
        )
    elif since is not None:
        step = int(seen.steps[since])
        said = (
            f"On the training examples its loss is {number(float(means[-1]))}, on those that are "
            f"kept aside {number(float(losses[-1]))} and hardly falling: it learns the examples "
            "by heart."
        )
    else:
        return None
    few = seen.examples_of_each
    if few is not None and few < FEW_EXAMPLES:
        said += f" With about {few} training examples of each class that is hard to avoid."
    was_good = losses[best] < NEAR_GUESS * seen.guess
    action = ways.against_memory(seen) if was_good else ways.knows_more(seen) or ways.see_data()
    return Finding("memorising", step, "learns by heart", said, action)


def _has_risen(seen: Evidence, best: int) -> bool:
    """Whether the validation loss is well above its best, and that is no odd evaluation."""
    losses = seen.losses
    high = losses[best] + max(RISE * losses[best], RISE_OF_GUESS * seen.guess)
    is_sure = seen.ended or losses[-2] >= high or _has_leapt(seen, best)
    return bool(losses[-1] >= high and is_sure)


def _has_leapt(seen: Evidence, best: int) -> bool:
    """Whether one evaluation is enough: far up, far above the training loss, the score about as it
    was. While the learning rate is high there are odd ones that spoil the score, or rise little.
    """
    losses, scores = seen.losses, seen.scores
    is_broken = len(scores) == len(losses) and bool(
        scores[best] - scores[-1] > MOST_LOST * abs(scores[best])
    )
    return bool(
        losses[-1] - losses[best] >= LEAP_OF_GUESS * seen.guess
        and seen.train_losses()[-1] < TURNED_APART * losses[-1]
        and not is_broken
    )


def _has_turned(seen: Evidence, best: int) -> bool:
    """Whether the validation loss has only risen since its best, far above the training loss."""
    since = seen.losses[best:]
    return bool(
        len(since) > 2
        and (np.diff(since) > 0).all()
        and since[-1] - since[0] >= TURN_OF_GUESS * seen.guess
        and since[-1] >= WRONG * seen.guess
        and seen.train_losses()[-1] < TURNED_APART * since[-1]
    )


def _apart_since(seen: Evidence) -> int | None:
    """The place of the evaluation from which the losses are far apart, if they are now."""
    losses, means = seen.losses, seen.train_losses()
    is_falling = losses[-1] < (1 - STILL) * losses[-2]
    far = means < APART * losses
    if is_falling or not far[-1] or losses[-1] < WRONG * seen.guess:
        return None
    near = np.flatnonzero(~far)
    return int(near[-1]) + 1 if len(near) else 0


def _score_grew(seen: Evidence, best: int) -> bool:
    """Whether what counts went on to get better although the loss did not."""
    scores = seen.scores
    if len(scores) != len(seen.losses):
        return False
    more = GROWTH * abs(scores[best])
    if seen.metric is not None and seen.metric.percent:
        more = max(more, chance(scores[best], seen.examples.get("validation", 0)) / 2)
    return bool(scores[-1] > scores[best] + more)
