"""What is known of a run, put in order for those who read its curves: plain values, no files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.tasks.base import Metric

Points = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Steps and values of a curve, [n] each, in the order of the steps."""
NO_POINTS: Points = (np.empty(0, np.int64), np.empty(0))
FIRST_STEPS = 5
"""So many losses make the level that a training starts from."""


@dataclass(frozen=True)
class Evidence:
    """A run as far as it has come.

    series: its curves by the names of their metrics. metric: what it is scored by. own_rate: the
    learning rate that its model has of its own. knowing: a model of its task whose pretrained
    weights are here, name and title, where the run began from zero. examples: how many there are
    of each split; of_class: of each class for training. seconds: of training so far. finished: all
    planned epochs are done. broken: it ended because the loss was no number.
    """

    series: Mapping[str, Points]
    config: Mapping[str, Any]
    steps_per_epoch: int
    metric: Metric | None = None
    own_rate: float | None = None
    knowing: tuple[str, str] | None = None
    classes: tuple[str, ...] = ()
    examples: Mapping[str, int] = field(default_factory=dict)
    of_class: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    finished: bool = False
    ended: bool = False
    broken: bool = False

    def curve(self, name: str) -> Points:
        return self.series.get(name, NO_POINTS)

    def values(self, name: str) -> NDArray[np.float64]:
        return self.curve(name)[1]

    def first(self, name: str) -> float | None:
        """The first value of a curve that is a number."""
        found = self.values(name)
        found = found[np.isfinite(found)]
        return float(found[0]) if len(found) else None

    @property
    def epochs(self) -> int:
        return int(self.config.get("epochs", 1))

    @property
    def all_steps(self) -> int:
        """The steps of the whole run, those to come among them."""
        return self.steps_per_epoch * self.epochs

    @property
    def warm_up(self) -> int:
        """The steps in which the learning rate rises (backend/training/optimization.py)."""
        return min(int(self.config.get("warmup_steps", 0)), self.all_steps // 10)

    @property
    def rate(self) -> float:
        return float(self.config.get("learning_rate", 1e-3))

    @property
    def losses(self) -> NDArray[np.float64]:
        """The validation loss of each evaluation, [e]."""
        return self.values("val/loss")

    @property
    def steps(self) -> NDArray[np.int64]:
        """The step of each evaluation, [e]."""
        return self.curve("val/loss")[0]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The main score of each evaluation, turned so that more is better; empty without one."""
        if self.metric is None:
            return np.empty(0)
        found = self.values(f"val/{self.metric.name}")
        return found if self.metric.higher_is_better else -found

    @property
    def examples_of_each(self) -> int | None:
        """Training examples per class, where there are classes."""
        if not self.classes or "train" not in self.examples:
            return None
        return round(self.examples["train"] / len(self.classes))

    @property
    def naive_score(self) -> float | None:
        """What a naive guess scores, turned as scores are."""
        if self.metric is None:
            return None
        found = self.first(f"naive_val/{self.metric.name}")
        return found if found is None or self.metric.higher_is_better else -found

    @property
    def start(self) -> float:
        """The training loss that it began with; NaN before the first step."""
        found = self.values("train/loss")
        found = found[np.isfinite(found)][:FIRST_STEPS]
        # Where the second step already spoils it, the first loss alone tells.
        return float(min(found[0], np.median(found))) if len(found) else float("nan")

    @property
    def guess(self) -> float:
        """The loss of a naive guess, or where there is none, what the training began with."""
        found = self.first("naive_val/loss")
        return self.start if found is None else found

    @property
    def expected_seconds(self) -> float:
        """How long all of the training will take, at the pace so far."""
        steps, _ = self.curve("train/loss")
        if not len(steps):
            return 0.0
        return self.seconds / int(steps[-1]) * self.all_steps

    def train_losses(self) -> NDArray[np.float64]:
        """The mean training loss of each epoch that was evaluated, [e]."""
        steps, values = self.curve("train/loss")
        ends = np.searchsorted(steps, self.steps, side="right")
        begins = np.searchsorted(steps, self.steps - self.steps_per_epoch, side="right")
        means = [
            float(np.mean(values[begin:end])) if end > begin else float("nan")
            for begin, end in zip(begins, ends, strict=True)
        ]
        return np.asarray(means)

    def until(self, step: int) -> "Evidence":
        """The same run at an earlier step, when nothing was known of what came later."""
        last = max((int(steps[-1]) for steps, _ in self.series.values() if len(steps)), default=0)
        if step >= last:
            return self
        series = {}
        for name, (steps, values) in self.series.items():
            seen = int(np.searchsorted(steps, step, side="right"))
            series[name] = (steps[:seen], values[:seen])
        seconds = self.seconds * step / last
        return replace(
            self, series=series, seconds=seconds, finished=False, ended=False, broken=False
        )
