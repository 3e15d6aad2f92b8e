"""What a run will take, before it starts: the door for pages and command line; no torch here."""

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend import jobs
from backend.jobs import slots
from backend.jobs.machine import free_memory_mb, machine_summary
from backend.models.spec import Weights
from backend.preflight.cheaper import Cheaper, candidates, fewer_epochs
from backend.preflight.estimates import TIGHT, Estimate, Room, Verdict, estimate, judge
from backend.runs import Plan, default_config
from backend.tasks import Task
from backend.training.config import costly
from backend.training.measurement import Measurement
from storage import files, preflights, runs
from storage.records import ACTIVE, Dataset, Preflight, PreflightState, Reason, Run

__all__ = [
    "Cheaper", "Estimate", "Offer", "Outlook", "Verdict", "ask", "look", "model_seconds",
    "plan_key", "seconds",
]  # fmt: skip

VERSION = 1
"""Raised when what is measured changes, so that older measurements are not used."""
WORTH = 0.8
"""What is offered as cheaper takes at most this share."""
SHORT_SECONDS = 60.0
"""A run that is shorter and fits needs no cheaper alternative."""
MOST_OFFERS = 3
MEASURING = "Measuring a few steps on this computer …"
MEMORY = (Reason.OOM_GPU, Reason.OOM_HOST, Reason.KILLED)
# What ran out of memory does so again tomorrow, what took too long perhaps on a calmer computer;
# any other failure is tried again soon.
RETRY_SECONDS = {**dict.fromkeys(MEMORY, 86_400.0), Reason.TIMEOUT: 600.0}
RETRY_SOON_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A cheaper way, and what it takes by its own measurement."""

    cheaper: Cheaper
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a plan now.

    busy: another run trains where this one would be measured. pending: more will be known if asked
    again in a moment. The first sentence says it all; estimate is None where nothing was measured.
    """

    state: Literal["measuring", "busy", "ready", "failed"]
    verdict: Verdict
    sentences: Sequence[str]
    estimate: Estimate | None = None
    offers: Sequence[Offer] = ()
    pending: bool = True


def look(plan: Plan, others: Sequence[Plan] = ()) -> Outlook:
    """What is known of a plan now; nothing is asked for."""
    row = preflights.get(plan_key(plan))
    if row is None:
        return Outlook("measuring", "amber", [MEASURING])
    return _outlook(plan, row, others)[0]


def ask(plan: Plan, others: Sequence[Plan] = (), *, again: bool = False) -> Outlook:
    """What is known of a plan; what is not known yet will be measured if one keeps on asking.

    others: plans to measure as well once this one is known, one after the other. again: measure
    even if it is known. To be called every second or two: who stops asking is forgotten.
    """
    outlook, unknown = _outlook(plan, _want(plan, again=again), others)
    if outlook.pending:
        if unknown:  # one after the other: each would disturb the next
            _want(unknown[0])
        jobs.ensure_supervisor()
    return outlook


def _outlook(plan: Plan, row: Preflight, others: Sequence[Plan]) -> tuple[Outlook, list[Plan]]:
    """What is known by a plan's row, and what must be measured to know more."""
    if _in_work(row):
        return _waiting(row), []
    room = _room()
    if row.state is PreflightState.FAILED:
        outlook = Outlook("failed", _gravity(row), [row.message or "It cannot be measured."])
        found, lacks_memory = None, row.reason in MEMORY
    else:
        found = Measurement.from_json(row.result or {})
        expected = estimate(found, plan.config, room)
        verdict, sentences = judge(
            expected, found, plan.config, room, download_mb=_download_mb(plan)
        )
        outlook = Outlook("ready", verdict, sentences, expected)
        lacks_memory = found.memory_mb > TIGHT * (room.free_memory_mb + found.resting_mb)
    offers, unknown = _offers(plan, outlook, found, room, lacks_memory)
    unknown += [other for other in others if _is_unknown(other)]
    pending = bool(unknown) and _training_beside(row) is None
    return dataclasses.replace(outlook, offers=offers, pending=pending), unknown


def seconds(plans: Sequence[Plan]) -> list[float | None]:
    """How long each plan takes, where it has been measured; nothing is asked for."""
    keys = [plan_key(plan) for plan in plans]
    rows, room = preflights.get_many(keys), _room()
    found: list[float | None] = []
    for plan, key in zip(plans, keys, strict=True):
        row = rows.get(key)
        known = row is not None and row.state is PreflightState.DONE
        found.append(
            estimate(Measurement.from_json(row.result or {}), plan.config, room).seconds
            if row is not None and known
            else None
        )
    return found


def model_seconds(task: Task, dataset: Dataset) -> dict[str, float]:
    """How long the task's models take on this data with their own settings, where measured."""
    plans = [
        Plan(task, spec, dataset, default_config(task.name, spec.name, dataset))
        for spec in task.models
    ]
    return {
        plan.spec.name: found
        for plan, found in zip(plans, seconds(plans), strict=True)
        if found is not None
    }


def plan_key(plan: Plan) -> str:
    """Stands for all that time and memory depend on; epochs and rates are not among it."""
    parts = [
        VERSION,
        plan.task.name,
        plan.spec.name,
        plan.dataset.id,
        plan.dataset.created_at,
        plan.dataset.version,
        plan.dataset.rows,
        costly(plan.config),
        slots.known_devices(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _want(plan: Plan, *, again: bool = False) -> Preflight:
    key = plan_key(plan)
    known = preflights.get(key)
    if known is not None and known.state is PreflightState.FAILED:
        patience = RETRY_SECONDS.get(known.reason or Reason.BUG, RETRY_SOON_SECONDS)
        again = again or time.time() - (known.ended_at or 0.0) > patience
    return preflights.ask(
        key,
        task=plan.task.name,
        model=plan.spec.name,
        dataset_id=plan.dataset.id,
        config=dataclasses.asdict(plan.config),
        again=again,
    )


def _in_work(row: Preflight) -> bool:
    return row.state in (PreflightState.WAITING, PreflightState.MEASURING)


def _waiting(row: Preflight) -> Outlook:
    """Being measured, or waiting for a run that occupies the device."""
    beside = _training_beside(row) if row.state is PreflightState.WAITING else None
    if beside is None:
        return Outlook("measuring", "amber", [MEASURING])
    sentence = (
        f"{beside.name} is training now, so a time measured here would be wrong. You can start "
        "this run all the same: it waits for its turn."
    )
    return Outlook("busy", "amber", [sentence])


def _training_beside(row: Preflight) -> Run | None:
    """A run that trains where this would be measured."""
    active, devices = runs.list_runs(ACTIVE), slots.known_devices()
    busy = active and devices and slots.Places(devices).at_rest(row) is None
    return active[-1] if busy else None


def _gravity(row: Preflight) -> Verdict:
    """Not here yet, or too slow to be measured, is no fault; all else would end the run as well."""
    return "amber" if row.reason in (Reason.DOWNLOAD, Reason.TIMEOUT) else "red"


def _download_mb(plan: Plan) -> float:
    if not getattr(plan.config, "pretrained", False):
        return 0.0
    return plan.spec.download_mb if plan.task.weights(plan.spec) is Weights.DOWNLOAD else 0.0


def _room() -> Room:
    free = shutil.disk_usage(files.database_path().parent).free
    return Room(
        free_memory_mb=free_memory_mb(), free_disk_mb=free / 2**20, cores=machine_summary()["cores"]
    )


def _offers(
    plan: Plan, outlook: Outlook, found: Measurement | None, room: Room, lacks_memory: bool
) -> tuple[list[Offer], list[Plan]]:
    """Cheaper ways that are worth it, and those that must be measured to be known."""
    now = outlook.estimate
    if now is not None and now.seconds < SHORT_SECONDS and not lacks_memory:
        return [], []
    offers, unknown = [], []
    fewer = fewer_epochs(plan)
    if fewer and found and not lacks_memory:
        offers.append(Offer(fewer, estimate(found, fewer.plan.config, room)))
    for cheaper in candidates(plan, found, memory=lacks_memory):
        row = preflights.get(plan_key(cheaper.plan))
        if row is None or _in_work(row):
            unknown.append(cheaper.plan)
        elif row.state is PreflightState.DONE:
            measured = Measurement.from_json(row.result or {})
            offers.append(Offer(cheaper, estimate(measured, cheaper.plan.config, room)))
    worth = [offer for offer in offers if _is_worth(offer.estimate, now, lacks_memory)]
    return worth[:MOST_OFFERS], unknown


def _is_worth(other: Estimate, now: Estimate | None, lacks_memory: bool) -> bool:
    if now is None:
        return True
    if lacks_memory:
        return other.memory_mb <= WORTH * now.memory_mb
    return other.seconds <= WORTH * now.seconds


def _is_unknown(plan: Plan) -> bool:
    row = preflights.get(plan_key(plan))
    return row is None or _in_work(row)
