"""How runs hang together: which went on, was copied, learnt from corrected data; in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from backend import runs
from backend.comparing.differences import differing
from backend.datasets import get_dataset
from backend.datasets.copying import same_origin
from backend.datasets.versions import list_versions
from backend.errors import TrainroomError
from backend.runs import Run

ONE_CHANGE = 3
"""Beyond so many runs, pairs that differ in one setting are too many to tell."""


@dataclass(frozen=True, slots=True)
class Link:
    """One known fact about where a run comes from; other: the run that it hangs together with."""

    kind: str  # resumed, copied, data, twins
    run: int
    other: int | None
    sentence: str


def lineage(chosen: Sequence[Run], names: Mapping[int, str]) -> list[Link]:
    """What is known of the history of these runs; names: what to call each of them."""
    found = [link for run in chosen for link in _own(run, names)]
    pairs = list(combinations(chosen, 2))
    found += [link for one, other in pairs if (link := _data(one, other, names))]
    if len(chosen) <= ONE_CHANGE:
        found += [link for one, other in pairs if (link := _twins(one, other, names))]
    return found


def _own(run: Run, names: Mapping[int, str]) -> list[Link]:
    """Its tries, and the run that it was copied from."""
    found, name = [], names[run.id]
    tries = runs.list_attempts(run.id)[1:] if run.attempt > 1 else []
    if tries:
        steps = ", ".join(f"{one.start_step:,}" for one in tries)
        word = "step" if len(tries) == 1 else "steps"
        found.append(Link("resumed", run.id, None, f"{name} was continued, at {word} {steps}."))
    if run.parent_id is not None:
        found.append(_parent(run, run.parent_id, names))
    return found


def _parent(run: Run, parent_id: int, names: Mapping[int, str]) -> Link:
    """The run that this one was made from, and whether the data was another by then."""
    try:
        parent = runs.get_run(parent_id)
    except TrainroomError:
        words = f"{names[run.id]} was made from run #{parent_id}, which was deleted."
        return Link("copied", run.id, parent_id, words)
    called = names.get(parent_id, f"“{parent.name}” (#{parent_id})")
    data = (parent.dataset_id, parent.dataset_version)
    other = "" if data == (run.dataset_id, run.dataset_version) else ", on other data than that"
    return Link("copied", run.id, parent_id, f"{names[run.id]} was made from {called}{other}.")


def _data(one: Run, other: Run, names: Mapping[int, str]) -> Link | None:
    """What was done to the data between two runs on versions of the same data set."""
    if one.dataset_version == other.dataset_version:
        return None
    if not same_origin(one.dataset_id, other.dataset_id):
        return None
    early, late = sorted((one, other), key=lambda run: run.dataset_version)
    try:
        is_later = early.dataset_id == late.dataset_id or get_dataset(early.dataset_id).bundled
        if not is_later:  # one and its copy, each changed by itself since
            return None
        versions = list_versions(get_dataset(late.dataset_id))
    except TrainroomError:  # deleted since
        return None
    between = [
        version.summary.rstrip(".")
        for version in reversed(versions)
        if early.dataset_version < version.number <= late.dataset_version
    ]
    done = "; ".join(between) or "changes that are no longer listed"
    return Link(
        "data", late.id, early.id,
        f"{names[late.id]} learnt from version {late.dataset_version} of {late.dataset_name}, "
        f"{names[early.id]} from version {early.dataset_version}. In between: {done}.",
    )  # fmt: skip


def _twins(one: Run, other: Run, names: Mapping[int, str]) -> Link | None:
    """Whether two runs are alike but for one setting."""
    rows = [row for row in differing([one, other]) if row.name != "computed_on"]
    if len(rows) > 1 or not one.config:
        return None
    pair = f"{names[one.id]} and {names[other.id]}"
    if not rows:
        return Link("twins", one.id, other.id, f"{pair} were started with the same choices.")
    only = f"{pair} differ in one thing only: {rows[0].label.lower()}"
    extra = ", so they show how much is chance" if rows[0].name == "seed" else ""
    return Link("twins", one.id, other.id, f"{only}{extra}.")
