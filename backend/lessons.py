"""How a network learns, on the user's own example: which runs can show it, and their numbers.

Computed in the inference process; pages read the numbers from here and load no torch.
"""

from dataclasses import dataclass

import numpy as np

from backend import inference
from backend.datasets import get_dataset, list_bundled
from backend.datasets.preview import Example, list_examples, read_example
from backend.datasets.store import Store
from backend.runs import Run, RunStatus, list_runs
from backend.scores.results import load_results
from backend.tasks import Task, list_tasks

MODEL = "mlp"
"""Two layers of numbers: small enough to be shown whole."""
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Lesson:
    """One example through the network, and corrections of the network by it.

    pixels: channels, height, width of what the network saw, which `seen` shows as a PNG in base64.
    hidden: what the middle layer is at. outgoing: the weights from there to the right class, bias:
    its own. scores: of the classes. shares, losses: before, and after each correction. unit: the
    place in the middle whose weight to the right class is followed; nudged_loss: the loss if only
    that weight were larger by nudge. weights: how many the network has.
    """

    classes: list[str]
    truth: int
    rate: float
    pixels: list[int]
    seen: str
    weights: int
    hidden: list[float]
    scores: list[float]
    shares: list[list[float]]
    losses: list[float]
    outgoing: list[float]
    unit: int
    weight: float
    gradient: float
    bias: float
    nudge: float
    nudged_loss: float

    @property
    def answer(self) -> int:
        """The class that it gave before any correction."""
        return int(np.argmax(self.shares[0]))

    @property
    def weight_after(self) -> float:
        """The followed weight after one correction."""
        return self.weight - self.rate * self.gradient


def teachable_runs() -> list[Run]:
    """Finished runs whose network can be shown number by number, the newest first."""
    found = list_runs([RunStatus.FINISHED])
    return [run for run in found if run.model == MODEL and run.best_step is not None]


def first_choices() -> tuple[Task, str] | None:
    """The task and bundled data set to train such a network on; None where there is none."""
    for task in list_tasks():
        if any(spec.name == MODEL for spec in task.models):
            fitting = [item for item in list_bundled() if item.format in task.formats]
            fitting.sort(key=lambda item: item.task != task.name)
            if fitting:
                return task, fitting[0].name
    return None


def hard_examples(run: Run, most: int = SHOWN) -> list[Example]:
    """Test examples that the model found hardest, where that was kept; else any.

    Raises a DataError or NotFoundError where the data is gone.
    """
    dataset = get_dataset(run.dataset_id, run.dataset_version)
    results = load_results(run.id)
    outcomes = results.outcomes if results is not None else None
    if outcomes is None or outcomes.truth_share is None or not len(outcomes.examples):
        return list_examples(dataset, "test", limit=most)
    order = np.argsort(outcomes.truth_share, kind="stable")[:most]
    store = Store.open(dataset)
    return [read_example(dataset, store, int(number)) for number in outcomes.examples[order]]


def classes_of(run: Run) -> list[str]:
    """What the network can answer, in the order of the numbers; as of the data it learnt from."""
    results = load_results(run.id)
    if results is not None and results.classes:
        return results.classes
    return get_dataset(run.dataset_id, run.dataset_version).classes


def teach(run_id: int, picture: bytes, truth: str, rate: float) -> Lesson:
    """What happens when the run's network sees a picture and is told what it is.

    rate: the learning rate. Raises a TrainroomError that says what to do.
    """
    return Lesson(**inference.teach(run_id, picture, truth, rate))
