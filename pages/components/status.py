"""How a run's status and score look: icon, word and colour, the same on every page."""

from dataclasses import dataclass

import streamlit as st

from backend.errors import TrainroomError
from backend.runs import Run, RunStatus
from backend.tasks import get_task
from backend.tasks.base import Metric
from pages.components.wording import amount, percent


@dataclass(frozen=True)
class Look:
    """A status as people see it; the colour never stands alone."""

    word: str
    icon: str
    color: str


LOOKS: dict[RunStatus, Look] = {
    RunStatus.QUEUED: Look("Waiting", ":material/schedule:", "gray"),
    RunStatus.STARTING: Look("Starting", ":material/hourglass_top:", "blue"),
    RunStatus.RUNNING: Look("Training", ":material/play_circle:", "blue"),
    RunStatus.STOPPING: Look("Stopping", ":material/stop_circle:", "orange"),
    RunStatus.FINISHED: Look("Finished", ":material/check_circle:", "green"),
    RunStatus.FAILED: Look("Failed", ":material/error:", "red"),
    RunStatus.STOPPED: Look("Stopped", ":material/stop_circle:", "gray"),
    RunStatus.LOST: Look("Lost", ":material/link_off:", "orange"),
}
HELD = Look("Held", ":material/pause_circle:", "gray")


def look_of(run: Run) -> Look:
    """How a run's status looks; one that is held back does not look as if it came next."""
    return HELD if run.status is RunStatus.QUEUED and run.held else LOOKS[run.status]


def status_badge(run: Run) -> None:
    """The status as a small coloured badge with an icon and a word."""
    look = look_of(run)
    st.badge(look.word, icon=look.icon, color=look.color)


def has_model(run: Run) -> bool:
    """Whether there is something to try: a best checkpoint exists."""
    return run.best_step is not None


@dataclass(frozen=True)
class Score:
    """A run's main score: its value, what it was measured on, and the metric that it is of."""

    value: float
    split: str
    metric: Metric

    @property
    def words(self) -> str:
        """97.2 %, or 12.4."""
        return percent(self.value) if self.metric.percent else amount(self.value)


def score(run: Run) -> Score | None:
    """The run's main score, on the test split where it was measured; None before that."""
    return next(iter(scores(run)), None)


def scores(run: Run) -> list[Score]:
    """All scores of a run, the main one first, on the test split where it was measured."""
    try:
        task = get_task(run.task)
    except TrainroomError:  # of a task file that has gone since
        return []
    split = next((one for one in ("test", "val") if task.headline(run.metrics, one)), "")
    values = [(run.metrics.get(f"{split}/{metric.name}"), metric) for metric in task.metrics]
    return [Score(value, split, metric) for value, metric in values if value is not None]


def score_words(run: Run) -> str:
    """97.2 %, or a dash where nothing was measured yet."""
    found = score(run)
    return "–" if found is None else found.words


def score_title(run: Run) -> str:
    """What the score is called: Right answers."""
    found = score(run)
    return "Score" if found is None else found.metric.title
