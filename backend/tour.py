"""The first-run tour: five steps that train a model on the way, and how far somebody is."""

from dataclasses import dataclass

from backend import lessons, runs
from backend.errors import NotFoundError, UsageError
from backend.preferences import Preferences, load_preferences, save_preferences
from backend.runs import Run

NAME = "My first model"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five: its name, what to call it, what to do and look at, and its button."""

    name: str
    title: str
    words: str
    button: str
    icon: str


STEPS = (
    Step("train", "Train a model", "A small network learns to read handwritten digits, on this "
         "computer, in less than a minute.", "Train it", "play_arrow"),
    Step("watch", "Watch it learn", "The curve is the loss: how wrong it is. It falls while the "
         "network looks at the digits again and again.", "Watch it", "show_chart"),
    Step("result", "See how good it is", "At the end it is tested on digits that it has never "
         "seen. Compare its score with a mere guess.", "See the score", "verified"),
    Step("try", "Try it yourself", "Draw a digit of your own, and see what it makes of it and how "
         "sure it is.", "Draw a digit", "draw"),
    Step("learn", "Look inside", "Follow one digit through the network, and see how one mistake "
         "makes it a little better.", "Look inside", "school"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tour:
    """How far somebody is; run: the one that the tour trains, None before the first step."""

    run: Run | None
    done: tuple[bool, ...]

    @property
    def current(self) -> int | None:
        """The place of the first step that is not done; None after the last."""
        return next((place for place, done in enumerate(self.done) if not done), None)

    @property
    def waits(self) -> bool:
        """Whether the next step has to wait for the training to end."""
        place = self.current
        if place is None or self.run is None:
            return False
        return STEPS[place].name not in ("train", "watch") and not self.run.has_ended


def current_tour() -> Tour | None:
    """The tour as far as it is; None where somebody has put it away or never wanted it.

    Whoever has runs already, but no tour, knows the way.
    """
    known = load_preferences()
    if known.tour_over:
        return None
    run = _run_of(known)
    if run is None and runs.list_runs():
        return None
    seen = known.tour_seen.split(",") if run is not None else []
    done = (run is not None, *(step.name in seen for step in STEPS[1:]))
    return Tour(run, done)


def start() -> Run:
    """The first step: train the small network. Raises a TrainroomError with a sentence."""
    choices = lessons.first_choices()
    if choices is None:
        raise UsageError("The data for the tour is missing. Set the app up again with make setup.")
    task, dataset = choices
    run = runs.start_run(
        task=task.name, dataset=dataset, model=lessons.MODEL, name=runs.free_name(NAME)
    )
    save_preferences(tour_run=run.id, tour_seen="", tour_over=False)
    return run


def note(step: str) -> None:
    """Remember that somebody was where a step leads; nothing without a tour."""
    known = load_preferences()
    seen = [name for name in known.tour_seen.split(",") if name]
    if known.tour_run and not known.tour_over and step not in seen:
        save_preferences(tour_seen=",".join([*seen, step]))


def put_away() -> None:
    """End the tour for good."""
    save_preferences(tour_over=True)


def _run_of(known: Preferences) -> Run | None:
    if not known.tour_run:
        return None
    try:
        return runs.get_run(known.tour_run)
    except NotFoundError:
        return None
