"""Pre-flights in the database: asked for, claimed once, written down, forgotten when old."""

import time
from pathlib import Path

import pytest
from sqlalchemy import update

from storage import database, preflights
from storage.records import Preflight, PreflightState, Reason
from storage.schema import PreflightRow


def ask(key: str = "a", **options: bool) -> Preflight:
    return preflights.ask(key, task="t", model="m", dataset_id="d", config={"epochs": 3}, **options)


def claim(one: Preflight) -> bool:
    return preflights.claim(one.id, pid=1, process_started=2.0)


def current(key: str = "a") -> Preflight:
    found = preflights.get(key)
    assert found is not None
    return found


def age(key: str, *, asked: float = 0.0, ended: float = 0.0) -> None:
    """Let a row look as if this had been so many seconds earlier."""
    with database.write() as session:
        session.execute(
            update(PreflightRow)
            .where(PreflightRow.key == key)
            .values(asked_at=PreflightRow.asked_at - asked, ended_at=PreflightRow.ended_at - ended)
        )


def test_what_is_measured_is_remembered(home: Path) -> None:
    one = ask()
    assert (one.state, one.result) == (PreflightState.WAITING, None)
    assert claim(one)
    assert (current().state, current().pid) == (PreflightState.MEASURING, 1)
    assert preflights.finish(one.id, {"step_seconds": 0.5})
    again = ask()
    assert (again.state, again.result) == (PreflightState.DONE, {"step_seconds": 0.5})
    assert preflights.wanted() is None


def test_only_one_process_gets_it(home: Path) -> None:
    one = ask()
    assert claim(one)
    assert not claim(one)


def test_what_ended_is_not_ended_again(home: Path) -> None:
    one = ask()
    assert not preflights.finish(one.id, {})
    claim(one)
    assert preflights.fail(one.id, "No memory.", Reason.OOM_HOST)
    assert not preflights.finish(one.id, {})
    assert not preflights.put_back(one.id)
    assert (current().message, current().reason) == ("No memory.", Reason.OOM_HOST)


def test_put_back_waits_again(home: Path) -> None:
    one = ask()
    claim(one)
    assert preflights.put_back(one.id)
    assert (current().state, current().pid) == (PreflightState.WAITING, None)
    assert claim(one)


@pytest.mark.parametrize("state", ["done", "failed", "waiting"])
def test_again_forgets_what_was_known(home: Path, state: str) -> None:
    one = ask()
    if state != "waiting":
        claim(one)
    if state == "done":
        preflights.finish(one.id, {"step_seconds": 0.5})
    if state == "failed":
        preflights.fail(one.id, "Broken.", Reason.BUG)
    again = ask(again=True)
    assert again.id == one.id
    assert (again.state, again.result, again.message, again.reason) == ("waiting", None, None, None)


def test_again_lets_what_is_being_measured_alone(home: Path) -> None:
    one = ask()
    claim(one)
    assert ask(again=True).state is PreflightState.MEASURING


def test_the_newest_wish_comes_first_and_abandoned_ones_never(home: Path) -> None:
    ask("old")
    age("old", asked=5)
    ask("new")
    wanted = preflights.wanted()
    assert wanted is not None
    assert wanted.key == "new"
    for key in ("old", "new"):
        age(key, asked=preflights.FRESH_SECONDS)
    assert preflights.wanted() is None
    ask("old")  # somebody wants it again
    wanted = preflights.wanted()
    assert wanted is not None
    assert wanted.key == "old"


def test_asking_often_writes_seldom(home: Path) -> None:
    first = ask()
    assert ask().asked_at == first.asked_at
    age("a", asked=preflights.RENEW_SECONDS + 1)
    assert ask().asked_at >= first.asked_at


def test_old_ones_are_tidied(home: Path) -> None:
    for key in ("waiting", "done", "young", "measuring"):
        one = ask(key)
        if key != "waiting":
            claim(one)
        if key in ("done", "young"):
            preflights.finish(one.id, {})
    age("waiting", asked=preflights.WAITING_SECONDS + 1)
    age("measuring", asked=preflights.WAITING_SECONDS + 1)
    age("done", ended=preflights.KEPT_SECONDS + 1)
    preflights.tidy()
    assert set(preflights.get_many(["waiting", "done", "young", "measuring"])) == {
        "young",
        "measuring",
    }


def test_measured_ones_are_listed_in_their_state(home: Path) -> None:
    claim(ask("a"))
    ask("b")
    assert [one.key for one in preflights.list_in_state(PreflightState.MEASURING)] == ["a"]
    assert [one.key for one in preflights.list_in_state(PreflightState.WAITING)] == ["b"]
    assert abs(current("b").asked_at - time.time()) < 60
