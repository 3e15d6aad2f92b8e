"""What an open run page gets: state in plain values, points few enough to send."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend import live
from backend.errors import NotFoundError
from backend.live import curve_window, live_state, thin
from backend.remedies import remedies
from backend.runs import stop_run
from storage import database, files, metrics, runs
from storage.records import ACTIVE, Reason, Run, RunStatus
from storage.schema import AttemptRow, MetricRow, RunRow
from tests.backend.jobs.conftest import queue_run


@pytest.fixture
def run(home: Path) -> Run:
    return runs.create_run(
        name="a", task="t", model="m", dataset_id="d", dataset_name="d", config={"epochs": 4}
    )


def add(run: Run, **series: list[tuple[int, float]]) -> None:
    points = {
        name: [(step, value, step / 10, 0.0) for step, value in values]
        for name, values in series.items()
    }
    with database.write() as session:
        metrics.append_points(session, run.id, 1, points)


def add_many(run: Run, name: str, values: np.ndarray) -> None:
    """A long curve in chunks of ten thousand, as a finished run has it."""
    with database.write() as session:
        for first in range(0, len(values), 10_000):
            part = values[first : first + 10_000]
            steps = np.arange(first, first + len(part))
            zeros = np.zeros(len(part)).tobytes()
            session.add(
                MetricRow(
                    run_id=run.id, attempt=1, name=name, first_step=int(steps[0]),
                    last_step=int(steps[-1]), steps=steps.astype("<i8").tobytes(),
                    values=part.astype("<f8").tobytes(), epochs=zeros, times=zeros,
                )
            )  # fmt: skip


def as_json(answer: dict[str, Any]) -> str:
    return json.dumps(answer, allow_nan=False, separators=(",", ":"))


def test_new_points_only(run: Run) -> None:
    add(run, loss=[(1, 0.5), (2, float("nan"))])
    first = live_state(run.id)
    assert first["series"] == {"loss": {"steps": [1, 2], "values": [0.5, None]}}
    assert first["thinned"] is False
    add(run, loss=[(3, 0.123456789)])
    second = live_state(run.id, first["after"])
    assert second["series"] == {"loss": {"steps": [3], "values": [0.123457]}}
    third = live_state(run.id, second["after"])
    assert (third["series"], third["after"]) == ({}, second["after"])
    as_json(first)


def test_the_state_in_plain_values(run: Run) -> None:
    state = live_state(run.id)["run"]
    assert (state["status"], state["status_title"], state["attempt"]) == ("queued", "Waiting", 0)
    assert state["continued"] == []
    assert state["sentence"] == "Next in the queue. Training starts by itself."
    assert (state["epochs"], state["time_left"], state["seconds"]) == (4, None, 0.0)
    other = runs.create_run(
        name="b", task="t", model="m", dataset_id="d", dataset_name="d", config={}
    )
    assert "1 before it" in live_state(other.id)["run"]["sentence"]
    runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="")
    assert live_state(run.id)["run"]["sentence"].startswith("Getting ready")
    runs.move_run(
        run.id, RunStatus.FAILED, when=ACTIVE, reason=Reason.KILLED, message="It was ended."
    )
    state = live_state(run.id)["run"]
    assert (state["status"], state["reason"], state["sentence"]) == (
        "failed",
        "killed",
        "It was ended.",
    )


def test_later_attempts_are_known_by_the_steps_they_went_on_from(run: Run) -> None:
    for step in (0, 40, 40, 70):  # the second went nowhere, the third began there again
        claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="")
        assert claimed is not None
        with database.write() as session:
            runs.record_progress(
                session, run.id, claimed[1], step=max(step, 40), total_steps=100, epoch=1.0,
                metrics={}, best_step=None,
            )  # fmt: skip
            row = session.get(AttemptRow, (run.id, claimed[0].attempt))
            assert row is not None
            row.start_step = step
        runs.move_run(run.id, RunStatus.STOPPED, when=ACTIVE)
        runs.requeue_run(run.id, run.config, "")
    assert live_state(run.id)["run"]["continued"] == [40, 70]


@pytest.mark.parametrize("rate", [10.0, 0.2])
def test_what_a_failed_run_offers_already_is_not_offered_again(home: Path, rate: float) -> None:
    run = runs.create_run(
        name="a", task="image-classification", model="mlp", dataset_id="d", dataset_name="d",
        config={"epochs": 4, "learning_rate": rate},
    )  # fmt: skip
    claimed = runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="elsewhere")
    assert claimed is not None
    add(run, **{"train/loss": [(1, 2.3), (2, 9.0), (3, 1e30), (4, float("nan"))]})
    with database.write() as session:
        runs.record_progress(
            session, run.id, claimed[1], step=4, total_steps=40, epoch=0.4, metrics={},
            best_step=None,
        )  # fmt: skip
    labels = [one["label"] for one in live_state(run.id)["run"]["findings"]]
    assert labels == ["Train again with learning rate 0.05"]
    runs.move_run(
        run.id, RunStatus.FAILED, when=ACTIVE, token=claimed[1], reason=Reason.NAN_LOSS, message="."
    )
    assert remedies(runs.get_run(run.id))[0].action == "again"
    assert [one["label"] for one in live_state(run.id)["run"]["findings"]] == [None]


def test_a_silent_run_is_called_unresponsive(run: Run) -> None:
    runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="")
    assert not live_state(run.id)["run"]["unresponsive"]
    for beat, expected in ((time.time() - 20, True), (time.time() + 86_400, False)):
        with database.write() as session:
            row = session.get(RunRow, run.id)
            assert row is not None
            row.heartbeat_at = beat
        assert live_state(run.id)["run"]["unresponsive"] is expected


def test_no_such_run(home: Path) -> None:
    for run_id in (0, 5, 10**30):
        with pytest.raises(NotFoundError):
            live_state(run_id)
        with pytest.raises(NotFoundError):
            curve_window(run_id, [], 0, 1)


def test_absurd_cursors_and_windows_do_no_harm(run: Run) -> None:
    add(run, loss=[(1, 0.5)])
    assert live_state(run.id, 10**30)["series"] == {}
    assert live_state(run.id, -5)["series"]["loss"]["steps"] == [1]
    assert curve_window(run.id, ["loss"], 10**30, 10**31)["series"] == {}
    assert curve_window(run.id, ["'; --"], 0, 10)["series"] == {}


def test_a_million_points_take_less_than_a_second_and_300_kb(run: Run) -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    values[654_321] = 99.0
    add_many(run, "train/loss", values)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        text = as_json(live_state(run.id))
        seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 1.0
    assert len(text) < 300_000
    sent = json.loads(text)["series"]["train/loss"]
    assert 1_000 <= len(sent["steps"]) <= live.POINTS_PER_SERIES
    # The one peak is what the user must see.
    assert sent["values"][sent["steps"].index(654_321)] == 99.0
    assert sent["steps"][0] == 0
    assert sent["steps"][-1] == 999_999


def test_many_long_curves_stay_below_300_kb(run: Run) -> None:
    for number in range(12):
        add_many(run, f"curve/{number}", np.random.default_rng(number).normal(size=50_000) * 1e-5)
    answer = live_state(run.id)
    assert answer["thinned"] is True
    assert len(as_json(answer)) < 300_000


def test_a_window_shows_what_the_overview_left_out(run: Run) -> None:
    add_many(run, "train/loss", np.arange(100_000, dtype=float))
    answer = curve_window(run.id, ["train/loss"], 40_000, 41_000)
    assert answer["series"]["train/loss"]["steps"] == list(range(40_000, 41_001))
    assert answer["thinned"] is False
    wide = curve_window(run.id, [], 0, 100_000, points=500)
    assert len(wide["series"]["train/loss"]["steps"]) <= 500
    assert wide["thinned"] is True


def test_thinning_keeps_peaks_and_gaps() -> None:
    values = np.sin(np.arange(10_000) / 500)
    values[5_000], values[7_777] = np.nan, 50.0
    chosen = thin(np.arange(10_000), values, 300)
    assert len(chosen) <= 300
    assert list(chosen) == sorted(chosen)
    assert {0, 5_000, 7_777, 9_999} <= set(chosen.tolist())
    assert len(thin(np.arange(1_000), np.full(1_000, np.nan), 300)) <= 300


def test_the_story_sends_what_is_new(home: Path) -> None:
    run = queue_run()
    first = live.story(run.id)
    assert [event["message"] for event in first["events"]] == ["Waiting for its turn."]
    assert (first["log"], first["log_bytes"], first["ended"]) == ("", 0, False)
    log = files.run_log(run.id)
    log.parent.mkdir(parents=True)
    log.write_text("Loading\n" * 5000)
    stop_run(run.id)
    second = live.story(run.id, first["events"][-1]["id"], first["log_bytes"])
    assert [event["kind"] for event in second["events"]] == ["stopped"]
    assert second["log"].startswith("Loading\n")
    assert len(second["log"]) < live.LOG_CHARACTERS
    assert second["ended"]
    third = live.story(run.id, second["events"][-1]["id"], second["log_bytes"])
    assert (third["events"], third["log"]) == ([], None)


def test_ends_are_told_once_and_none_that_was_wished(home: Path) -> None:
    done, by_hand = queue_run(), queue_run()
    start = live.ends(None)
    assert start["runs"] == []
    runs.move_run(by_hand.id, RunStatus.STOPPED, when=list(RunStatus), reason=Reason.USER_STOP)
    runs.move_run(done.id, RunStatus.FINISHED, when=list(RunStatus), message="All done.")
    time.sleep(0.002)  # moments are counted in thousandths
    found = live.ends(start["now"])
    assert found["runs"] == [{"id": done.id, "name": done.name, "sentence": "All done."}]
    assert live.ends(found["now"])["runs"] == []


def test_who_asks_the_same_at_once_shares_an_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    now = 1000.0

    def read(run_id: int) -> dict[str, Any]:
        if run_id > 5:
            raise NotFoundError("no such run")
        asked.append(run_id)
        return {"run": run_id}

    monkeypatch.setattr(live.time, "monotonic", lambda: now)
    assert [live.shared(read, number)["run"] for number in (1, 1, 2, 1)] == [1, 1, 2, 1]
    assert asked == [1, 2]
    now += live.SHARED_SECONDS
    live.shared(read, 1)
    assert asked == [1, 2, 1], "a moment later the question is asked anew"
    for _ in range(2):
        with pytest.raises(NotFoundError):
            live.shared(read, 6)
