"""How a run's status and score look: icon, word and colour, the same on every page."""

from dataclasses import dataclass

import streamlit as st

from backend.runs import Run, RunStatus
from backend.tasks import get_task
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
    return run.best_step is not None and run.status is not RunStatus.QUEUED


def score(run: Run) -> tuple[str, float] | None:
    """The run's main score and what it was measured on: ("test", 0.97), or None."""
    try:
        metric = get_task(run.task).primary_metric
    except LookupError:
        metric = "accuracy"
    except Exception:
        return None
    for split in ("test", "val"):
        value = run.metrics.get(f"{split}/{metric}")
        if value is not None:
            return split, value
    return None


def score_words(run: Run) -> str:
    """97.2 % right, or a dash where nothing was measured yet."""
    found = score(run)
    if found is None:
        return "–"
    return percent(found[1]) if 0 <= found[1] <= 1 else amount(found[1])
