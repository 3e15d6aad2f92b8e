"""From a run's mistakes to a better run: correct the data in a new version, and train on it.

A data set that came with Trainroom stays as it is: a copy of it, with the same numbers of
examples, is corrected in its place. Called by the page of mistakes and the command line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend import runs
from backend.datasets import Dataset, edits, get_dataset, list_datasets
from backend.datasets.copying import copy_dataset, free_copy_name, is_copy, same_origin
from backend.datasets.edits import Change as Edit
from backend.datasets.preview import read_example
from backend.datasets.splits import DROPPED
from backend.datasets.store import Store
from backend.errors import TrainroomError, UsageError
from backend.pins import new_pins
from backend.runs import Run
from backend.scores.mistakes import Answers, Change, compare
from backend.scores.results import TRAINING, load_results, written_at
from backend.tasks.base import Value

LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Tested:
    """What a run answered on its test, and the data as the run saw it."""

    run: Run
    dataset: Dataset
    answers: Answers


def tested(run: Run) -> Tested:
    """Raise UsageError that says why where there are no answers to look at."""
    results = load_results(run.id)
    if results is None:
        raise UsageError("This run has no test yet, or it was made by an older Trainroom.")
    answers = Answers.of(results.outcomes, results.classes)
    if answers is None:
        raise UsageError("Only runs that sort into classes have mistakes of this kind.")
    return Tested(run, get_dataset(run.dataset_id, run.dataset_version), answers)


def has_mistakes(run: Run) -> bool:
    """Whether there is anything that tested() would give, the data set aside."""
    results = load_results(run.id)
    return results is not None and Answers.of(results.outcomes, results.classes) is not None


def training_labels(run: Run) -> Tested | None:
    """What the examples alike say of each that the run learned from; None before it was asked.

    The shares are those of classes among the most alike (backend.scores.votes). Once the run was
    tested anew, since it went on, they are asked for anew as well.
    """
    found = load_results(run.id, TRAINING)
    if found is None or written_at(run.id, TRAINING) < written_at(run.id):
        return None
    answers = Answers.of(found.outcomes, found.classes)
    if answers is None:
        return None
    return Tested(run, get_dataset(run.dataset_id, run.dataset_version), answers)


def to_correct(run: Run) -> Dataset | None:
    """The data set that corrections go into: the run's own or the copy; None before there is one.

    A copy is found again by what it is a copy of.
    """
    dataset = get_dataset(run.dataset_id)
    if not dataset.bundled:
        return dataset
    copies = [one for one in list_datasets(run.task) if is_copy(one, dataset)]
    return max(copies, key=lambda one: one.created_at, default=None)


def _ready(run: Run) -> Dataset:
    """The same, made where it is missing."""
    found = to_correct(run)
    if found is not None:
        return found
    dataset = get_dataset(run.dataset_id, run.dataset_version)
    return copy_dataset(dataset, free_copy_name(dataset, {one.name for one in list_datasets()}))


def value_of(tested: Tested, number: int) -> Value:
    """An example as the model is asked with it, by its number."""
    dataset = tested.dataset
    return read_example(dataset, Store.open(dataset), number).value


def relabel(run: Run, labels: Mapping[int, str]) -> Dataset:
    """Give examples other classes, by their numbers, in one new version; returns it."""
    if not labels:
        raise UsageError("No example is chosen.")
    return edits.change(_ready(run), {number: Edit(label=one) for number, one in labels.items()})


def leave_out(run: Run, numbers: Sequence[int]) -> Dataset:
    """Leave examples out in a new version; they can be brought back."""
    return edits.drop(_ready(run), numbers, "chosen among the mistakes of a run")


def labels_now(run: Run, numbers: Sequence[int]) -> dict[int, str]:
    """What the corrected data says of examples; LEFT_OUT of those that it has no more.

    Empty before the first correction.
    """
    dataset = to_correct(run)
    if dataset is None:
        return {}
    store = Store.open(dataset)
    found = {}
    for number in numbers:
        if number < len(store):
            left = store.splits[number] == DROPPED
            found[number] = LEFT_OUT if left else dataset.classes[store.labels[number]]
    return found


def train_again(run: Run) -> Run:
    """Queue a run like this one on the corrected data, with the same pinned examples."""
    dataset = to_correct(run)
    if dataset is None or (dataset.id, dataset.version) == (run.dataset_id, run.dataset_version):
        raise UsageError("Nothing is corrected yet: relabel or leave out an example first.")
    return runs.start_run(
        task=run.task, dataset=dataset.id, model=run.model, config=run.config,
        name=runs.free_name(f"{run.name} · corrected"), pinned=new_pins(run.id), parent=run.id,
    )  # fmt: skip


def before_and_after(run: Run) -> tuple[Run, Change] | None:
    """The run that this one was made from, and what changed on the same test examples.

    None where there is no such run, or it was tested on other examples.
    """
    if run.parent_id is None:
        return None
    try:
        parent = runs.get_run(run.parent_id)
        old, new = tested(parent), tested(run)
    except TrainroomError:
        return None
    if not same_origin(old.dataset.id, new.dataset.id):
        return None
    change = compare(old.answers, new.answers)
    return (parent, change) if change.shared else None
