"""The door: asking again and again until it is known, what is offered, what is remembered."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from backend import jobs, preflight
from backend.jobs import slots
from backend.models.spec import Weights
from backend.preflight import Outlook
from backend.runs import Plan, plan_run
from backend.tasks import get_task
from backend.training.measurement import Measurement
from storage import database, preflights, runs
from storage.records import PreflightState, Reason
from tests.backend.preflight.test_estimates import MEASURED

IMAGES = "image-classification"


@pytest.fixture(autouse=True)
def door(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody measures by itself here."""
    monkeypatch.setattr(jobs, "ensure_supervisor", lambda: None)
    database.migrate()
    slots.remember_devices(["cpu"])


def plan(model: str = "mlp", dataset: str = "digits", **config: Any) -> Plan:
    return plan_run(task=IMAGES, dataset=dataset, model=model, config=config)


def waiting() -> list[str]:
    return [one.model for one in preflights.list_in_state(PreflightState.WAITING)]


def measure(**changes: Any) -> None:
    """Play the worker: give what is wanted its measurement."""
    wish = preflights.wanted()
    assert wish is not None
    assert preflights.claim(wish.id, pid=os.getpid(), process_started=0.0)
    found: Measurement = dataclasses.replace(MEASURED, **changes)
    assert preflights.finish(wish.id, found.as_json())


def fail(reason: Reason, message: str = "It does not fit.") -> None:
    wish = preflights.wanted()
    assert wish is not None
    preflights.claim(wish.id, pid=os.getpid(), process_started=0.0)
    preflights.fail(wish.id, message, reason)


def test_it_is_measured_once_and_then_known() -> None:
    assert preflight.look(plan()).state == "measuring"
    assert waiting() == []
    assert preflight.ask(plan()).state == "measuring"
    measure()
    found = preflight.ask(plan())
    assert (found.state, found.verdict, found.pending) == ("ready", "green", False)
    assert found.sentences[0].startswith("About")
    assert preflight.look(plan()) == dataclasses.replace(found)
    assert waiting() == []


def test_what_costs_nothing_needs_no_new_measurement() -> None:
    preflight.ask(plan(epochs=1))
    measure()
    longer = preflight.ask(plan(epochs=9, learning_rate=0.5, seed=1, early_stopping=2))
    assert longer.state == "ready"
    assert longer.estimate is not None
    one = preflight.ask(plan(epochs=1)).estimate
    assert one is not None
    assert longer.estimate.seconds > 3 * one.seconds


@pytest.mark.parametrize(
    "other",
    [
        {"batch_size": 8}, {"augmentation": "light"}, {"image_size": 16},
        {"optimizer": "adamw"}, {"gradient_accumulation": 2},
    ],
)  # fmt: skip
def test_what_costs_time_is_measured_anew(other: dict[str, Any]) -> None:
    preflight.ask(plan())
    measure()
    assert preflight.ask(plan(**other)).state == "measuring"


def test_other_models_data_and_devices_are_other_measurements() -> None:
    keys = {
        preflight.plan_key(one)
        for one in (plan(), plan("cnn"), plan(dataset="mnist"), plan(device="cpu"))
    }
    assert len(keys) == 4
    for change in ({"created_at": 1.0}, {"version": 2}, {"rows": 5}):
        changed = dataclasses.replace(plan().dataset, **change)
        assert preflight.plan_key(dataclasses.replace(plan(), dataset=changed)) not in keys
    slots.remember_devices(["cuda:0", "cpu"])
    assert preflight.plan_key(plan()) not in keys


def test_times_are_known_for_what_was_measured_only() -> None:
    preflight.ask(plan())
    measure()
    found = preflight.seconds([plan(epochs=1), plan(epochs=100), plan("cnn")])
    assert found[0] is not None
    assert found[1] is not None
    assert found[1] > 10 * found[0]
    assert found[2] is None
    assert set(preflight.model_seconds(get_task(IMAGES), plan().dataset)) == {"mlp"}


def test_others_are_measured_one_after_the_other() -> None:
    others = [plan(batch_size=8), plan(batch_size=16)]
    assert preflight.ask(plan(), others).pending
    assert len(waiting()) == 1, "what is asked first is measured first"
    measure()
    for _ in others:
        assert preflight.ask(plan(), others).pending
        assert len(waiting()) == 1
        measure()
    assert not preflight.ask(plan(), others).pending


def test_a_slow_run_gets_cheaper_offers_by_their_own_measurements() -> None:
    slow = plan("resnet18", pretrained=False, epochs=20)

    def ask() -> Outlook:
        return preflight.ask(slow)

    ask()
    measure(step_seconds=20.0, image_size=128)
    found = ask()
    assert found.verdict == "amber"
    assert [offer.cheaper.words for offer in found.offers] == ["10 epochs"]
    assert found.pending
    measure(step_seconds=5.0)  # smaller pictures
    ask()
    measure(step_seconds=90.0)  # a smaller model that is hardly quicker, with its own epochs
    found = ask()
    assert not found.pending
    assert [offer.cheaper.words for offer in found.offers] == ["10 epochs", "Pictures of 64 pixels"]
    now, half, small = (
        one.seconds for one in (found.estimate, *(o.estimate for o in found.offers)) if one
    )
    assert half == pytest.approx(now / 2, rel=0.05)
    assert small == pytest.approx(now / 4, rel=0.05)
    assert found.offers[1].cheaper.changes == {"image_size": 64}


def test_a_short_run_is_offered_nothing() -> None:
    preflight.ask(plan())
    measure()
    assert not preflight.ask(plan()).offers


def test_what_runs_out_of_memory_is_red_and_offers_less() -> None:
    heavy = plan("resnet18", pretrained=False, batch_size=64)
    preflight.ask(heavy)
    fail(Reason.OOM_HOST)
    found = preflight.ask(heavy)
    assert (found.state, found.verdict, found.estimate) == ("failed", "red", None)
    assert found.sentences == ["It does not fit."]
    measure(memory_mb=500.0)
    found = preflight.ask(heavy)
    assert found.offers[0].cheaper.changes == {"batch_size": 32, "gradient_accumulation": 2}


@pytest.mark.parametrize(
    ("reason", "verdict", "tried_again"),
    [
        (Reason.KILLED, "red", False),
        (Reason.TIMEOUT, "amber", False),
        (Reason.DOWNLOAD, "amber", True),
        (Reason.BUG, "red", True),
    ],
)
def test_failures_are_remembered_for_a_while(
    reason: Reason, verdict: str, tried_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    preflight.ask(plan())
    fail(reason)
    assert preflight.ask(plan()).verdict == verdict
    assert preflight.ask(plan()).state == "failed"
    monkeypatch.setattr(preflight, "RETRY_SOON_SECONDS", -1.0)
    assert (preflight.ask(plan()).state == "measuring") == tried_again


def test_again_measures_what_is_known() -> None:
    preflight.ask(plan())
    measure()
    assert preflight.ask(plan(), again=True).state == "measuring"


def test_beside_a_training_nothing_is_measured_and_it_is_said() -> None:
    known, unknown = plan(), plan(batch_size=8)
    preflight.ask(known)
    measure()
    run = runs.create_run(
        name="Busy", task=IMAGES, model="mlp", dataset_id="d", dataset_name="d", config={}
    )
    runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="h")
    found = preflight.ask(unknown)
    assert (found.state, found.pending) == ("busy", True)
    assert f"{run.name} is training now" in found.sentences[0]
    # What is known is shown all the same, and nothing is waited for in vain.
    assert preflight.ask(known, [unknown]).state == "ready"
    assert not preflight.ask(known, [unknown]).pending


def test_a_download_is_said_and_not_in_the_figures() -> None:
    wanted = plan("resnet18", pretrained=True)
    if wanted.task.weights(wanted.spec) is not Weights.DOWNLOAD:
        pytest.skip("the weights are here")
    preflight.ask(wanted)
    measure()
    found = preflight.ask(wanted)
    assert found.verdict == "amber"
    assert "47 MB have to be downloaded" in found.sentences[1]
