"""Recorded runs: what was broken on purpose is found in time, what is healthy is left in peace.

docs/reading-curves.md states these figures; record.py made the recordings.
"""

from collections import Counter

import numpy as np
import pytest

from backend.reading import read_curves
from tests.backend.reading.recording import Recording, evidence_of, list_recordings

BROKEN = list_recordings("broken-")
HEALTHY = list_recordings("healthy-")
EXPECTED = {
    "rate-high": "rate-too-high",
    "nan-rate": "rate-too-high",
    "nan-data": "not-a-number",
    "rate-low": "not-learning",
    "shuffled": "not-learning",
    "frozen": "not-learning",
    "steps": "not-learning",
    "few": "few-examples",
    "uneven-mlp": "one-class",
    "uneven-bag": "few-examples",
    "slow": "slow-data",
    "early": "unfinished",
    "heart": "memorising",
    "tiny": "memorising",
    "unvaried": "memorising",
    "plateau": "plateau",
}
"""What each way of breaking must be called."""
GROWS = ("memorising", "plateau", "unfinished")
"""Troubles that come with time: found when they are there, not after the first epoch."""
HINTS = {"unfinished"}
"""Nothing is wrong with the run that hears it: judged by whether two more epochs helped."""
MOST_ALARMS = 0.05


def expected(recording: Recording) -> str:
    name = recording.name.removeprefix("broken-")
    return next(kind for prefix, kind in EXPECTED.items() if name.startswith(prefix))


def found_at(recording: Recording, kind: str) -> float | None:
    """After how many epochs a kind is found for the first time; None where it never is."""
    seen = evidence_of(recording)
    for epoch, step in enumerate(seen.steps, 1):
        if any(one.kind == kind for one in read_curves(seen.until(int(step)))):
            return float(epoch)
    ended = any(one.kind == kind for one in read_curves(seen))
    return len(seen.steps) + 1.0 if ended else None


@pytest.mark.parametrize("recording", BROKEN, ids=lambda one: one.name)
def test_what_was_broken_on_purpose_is_found(recording: Recording) -> None:
    kind, seen = expected(recording), evidence_of(recording)
    assert kind in {one.kind for one in read_curves(seen)}, "at the end"
    epoch = found_at(recording, kind)
    assert epoch is not None
    if kind not in GROWS:
        # The warm-up and twenty steps more belong to the first look.
        begin = int(np.searchsorted(seen.steps, seen.warm_up + 20)) + 1
        assert epoch <= max(begin, 1)


def risen_at(recording: Recording) -> int:
    """The epoch at which the validation loss is 5 % above its best for the first time; or 0."""
    losses = evidence_of(recording).losses
    risen = np.flatnonzero(losses > 1.05 * np.minimum.accumulate(losses))
    return int(risen[0]) + 1 if len(risen) else 0


LEARNT_BY_HEART = [one for one in BROKEN if expected(one) == "memorising" and risen_at(one)]


@pytest.mark.parametrize("recording", LEARNT_BY_HEART, ids=lambda one: one.name)
def test_what_grows_is_found_within_an_epoch_of_being_there(recording: Recording) -> None:
    there = risen_at(recording)
    epoch = found_at(recording, "memorising")
    assert epoch is not None
    assert epoch <= there + 1


def test_healthy_runs_are_left_in_peace_at_every_epoch() -> None:
    alarms = {}
    for recording in HEALTHY:
        seen = evidence_of(recording)
        moments = [seen.until(int(step)) for step in seen.steps] + [seen]
        kinds = {one.kind for moment in moments for one in read_curves(moment)} - HINTS
        if kinds:
            alarms[recording.name] = kinds
    assert len(alarms) < MOST_ALARMS * len(HEALTHY), alarms


def test_two_more_epochs_were_worth_it_where_that_was_said() -> None:
    for recording in [*HEALTHY, *BROKEN]:
        if "val/loss" not in recording.later:
            continue
        said = "unfinished" in {one.kind for one in read_curves(evidence_of(recording))}
        before = evidence_of(recording).losses.min()
        gain = 1 - recording.later["val/loss"][1].min() / before
        assert not said or gain > 0, (recording.name, gain)


def test_every_task_has_three_healthy_recordings_and_many_ways_were_broken() -> None:
    from backend.tasks import list_tasks

    runs_of = Counter(one.facts["task"] for one in HEALTHY)
    # Other tests of the same process may have added a task of their own.
    ours = {task.name for task in list_tasks() if type(task).__module__.startswith("backend.")}
    assert set(runs_of) == ours
    assert min(runs_of.values()) >= 3
    assert len({expected(one) for one in BROKEN}) >= 8
    assert len(EXPECTED) >= 8
