"""What can be done about a finding: each the one change that speaks to it, as a button."""

from backend.reading.evidence import Evidence
from backend.remedies import Remedy

ODD = 8
"""So many times its model's own is a learning rate odd."""
BALANCE, AUGMENTATION = "class_balance", "augmentation"
FEW_FROM_ZERO = 200
"""With fewer training examples of a class, pretrained weights are worth more than anything else."""
MORE_EPOCHS, MOST_EPOCHS = 2, 1000


def odd_rate(seen: Evidence) -> str | None:
    """ "too low" or "too high" where the learning rate is far from the model's own."""
    own = seen.own_rate
    if own is None:
        return None
    if seen.rate * ODD <= own:
        return f"too low: this model's own is {own:g}"
    return f"too high: this model's own is {own:g}" if seen.rate >= ODD * own else None


def better_rate(seen: Evidence, *, lower: bool) -> float:
    """The model's own learning rate where that is what is missing, else a step of ten."""
    own, rate = seen.own_rate, seen.rate
    if own is not None and (own < rate / 2 if lower else own > 2 * rate):
        return own
    return float(f"{rate / 10 if lower else rate * 10:.3g}")


def again_with_rate(rate: float) -> Remedy:
    """A new run with another learning rate."""
    return Remedy(
        "again", f"Train again with learning rate {rate:g}",
        "Opens the form of a new run with the same choices and this one change.",
        {"learning_rate": rate},
    )  # fmt: skip


def see_data() -> Remedy:
    return Remedy("data", "Look at the data", "Shows the examples, and what looks odd about them.")


def balance(seen: Evidence) -> Remedy:
    """Let the rare classes count as much, where the task can do that."""
    if seen.config.get(BALANCE, "") == "none":
        return Remedy(
            "again", "Train again with the rare classes shown more often",
            "A new run with the same choices, in which all classes count alike.",
            {BALANCE: "sampling"},
        )  # fmt: skip
    return see_data()


def knows_more(seen: Evidence) -> Remedy | None:
    """A model with pretrained weights, where there are too few examples to begin from zero."""
    few = seen.examples_of_each
    if seen.knowing is None or few is None or few >= FEW_FROM_ZERO:
        return None
    name, title = seen.knowing
    return Remedy(
        "again", f"Train the pretrained {title}",
        "Opens the form with the same data and a model that has learnt from many other examples "
        "before, and needs few of yours.",
        model=name,
    )  # fmt: skip


def against_memory(seen: Evidence) -> Remedy:
    """Knowledge or more variety first, then an end in time; while it trains, an end now."""
    if not seen.ended:
        return stop("Ends it now. The best copy is kept, and it can go on later.")
    better = knows_more(seen)
    if better is not None:
        return better
    if seen.config.get(AUGMENTATION) == "none":
        return Remedy(
            "again", "Train again with examples that vary",
            "A new run that changes the examples a little by chance each time, so that none can "
            "be learnt by heart.",
            {AUGMENTATION: "light" if "image_size" in seen.config else "standard"},
        )  # fmt: skip
    if not int(seen.config.get("early_stopping", 0)):
        return Remedy(
            "again", "Train again and stop in time",
            "A new run that ends by itself when it has not got better for two epochs.",
            {"early_stopping": 2},
        )  # fmt: skip
    return see_data()


def stop(words: str) -> Remedy:
    return Remedy("stop", "Stop it now", words)


def go_further(seen: Evidence) -> Remedy:
    """The same run, two epochs longer."""
    return Remedy(
        "resume", f"Train {MORE_EPOCHS} epochs more",
        "Goes on from where it ended and keeps its curve.",
        {"epochs": seen.epochs + MORE_EPOCHS},
    )  # fmt: skip


def more_epochs(epochs: int) -> Remedy:
    """A new, longer run: one that has learnt nothing gains nothing by going on."""
    epochs = min(epochs, MOST_EPOCHS)
    return Remedy(
        "again", f"Train again with {epochs} epochs",
        "A new run with the same choices that sees all examples more often.",
        {"epochs": epochs},
    )  # fmt: skip


def fewer_epochs(epochs: int) -> Remedy:
    return Remedy(
        "again", f"Train again with {epochs} epochs",
        "A new run with the same choices that takes less time.",
        {"epochs": epochs},
    )  # fmt: skip


def larger_model() -> Remedy:
    return Remedy(
        "again", "Choose a larger model",
        "Opens the form with the same choices: while it waits for the data anyway, a larger model "
        "takes hardly longer.",
    )  # fmt: skip
