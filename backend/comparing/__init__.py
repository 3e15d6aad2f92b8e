"""The door to comparisons of runs, for pages and command line: what differs, which is best."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.comparing.differences import Row, differing
from backend.comparing.lineage import Link, lineage
from backend.comparing.pairs import differences
from backend.comparing.significance import Difference
from backend.datasets.copying import same_origin
from backend.errors import TrainroomError, UsageError
from backend.runs import Run, get_run, list_runs
from backend.tasks import get_task
from backend.tasks.base import Metric

__all__ = ["MOST_RUNS", "Comparison", "Difference", "Link", "Row", "Standing", "compare", "rivals"]

MOST_RUNS = 50
"""More lines in one chart cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A metric of several runs: values in their order (None: not measured), numbers of the best."""

    name: str
    metric: Metric
    split: str
    values: tuple[float | None, ...]
    best: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is told about some runs but their curves.

    names: what to call each run. comparable: whether one score may be held against another, and
    note says why not. differences: of the best run and each other one, with their sentences; doubts
    say where that cannot be told.
    """

    runs: list[Run]
    names: dict[int, str]
    rows: list[Row]
    standings: list[Standing]
    note: str
    differences: list[tuple[Difference, str]]
    doubts: list[str]
    links: list[Link]


def compare(run_ids: Sequence[int]) -> Comparison:
    """Compare runs, at least two; raises NotFoundError or UsageError with a sentence."""
    numbers = list(dict.fromkeys(run_ids))
    if len(numbers) > MOST_RUNS:
        raise UsageError(f"At most {MOST_RUNS} runs can be compared; these are {len(numbers)}.")
    if len(numbers) < 2:
        raise UsageError("A comparison needs at least two runs. Name two different ones.")
    chosen = [get_run(number) for number in numbers]
    names = call(chosen)
    note = _note(chosen)
    standings = _standings(chosen, comparable=not note)
    # In quotes: a name may be words that a sentence could go on with.
    quoted = {number: f"“{name}”" for number, name in names.items()}
    found, doubts = _told(chosen, quoted, standings)
    links = lineage(chosen, quoted)
    return Comparison(chosen, names, differing(chosen), standings, note, found, doubts, links)


def call(chosen: Sequence[Run]) -> dict[int, str]:
    """What to call each run: its name, with its number where another has the same."""
    taken = [run.name for run in chosen]
    return {
        run.id: run.name if taken.count(run.name) == 1 else f"{run.name} (#{run.id})"
        for run in chosen
    }


def _note(chosen: Sequence[Run]) -> str:
    """Why the scores of these runs cannot be held against each other; empty where they can."""
    if len({run.task for run in chosen}) > 1:
        return "These runs learn different things, so no score of one can be held against another."
    first = chosen[0].dataset_id
    if not all(same_origin(first, run.dataset_id) for run in chosen):
        return (
            "These runs were tested on different data: a higher score need not be a better model."
        )
    if len({(run.dataset_id, run.dataset_version) for run in chosen}) > 1:
        return (
            "These runs were tested on different versions of the data: part of the difference may "
            "come from that."
        )
    return ""


def _standings(chosen: Sequence[Run], *, comparable: bool) -> list[Standing]:
    """Every metric of the runs' tasks on the test split, or on the validation before that."""
    metrics: dict[str, Metric] = {}
    for task in dict.fromkeys(run.task for run in chosen):
        try:
            metrics = {**{one.name: one for one in get_task(task).metrics}, **metrics}
        except TrainroomError:  # of a task file that has gone since
            continue
    found = []
    for split in ("test", "val"):
        for metric in metrics.values():
            name = f"{split}/{metric.name}"
            values = tuple(run.metrics.get(name) for run in chosen)
            known = [value for value in values if value is not None]
            if not known:
                continue
            top = max(known) if metric.higher_is_better else min(known)
            best = [run.id for run, value in zip(chosen, values, strict=True) if value == top]
            found.append(Standing(name, metric, split, values, tuple(best) if comparable else ()))
        if found:
            break
    return found


def _told(
    chosen: Sequence[Run], names: dict[int, str], standings: Sequence[Standing]
) -> tuple[list[tuple[Difference, str]], list[str]]:
    """The best run against each other one, where there are tests to go by."""
    if len({run.task for run in chosen}) > 1:
        return [], []
    if not standings or standings[0].split != "test":
        return [], ["None of them was tested yet, so there is nothing to hold against each other."]
    main = standings[0]
    sign = 1 if main.metric.higher_is_better else -1
    pairs = zip(chosen, main.values, strict=True)
    scored = [(sign * value, -place) for place, (_, value) in enumerate(pairs) if value is not None]
    best = chosen[-max(scored)[1]]
    return differences(best, chosen, [one.metric for one in standings], names)


def rivals(run: Run, most: int = 3) -> list[Run]:
    """The newest other runs of the same task on the same data, to hold a run against."""
    same = (run.task, run.dataset_id)
    return [
        one
        for one in list_runs()
        if one.id != run.id and (one.task, one.dataset_id) == same and one.step
    ][:most]
