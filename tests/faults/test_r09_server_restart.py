"""R9: the web server is killed and started again in the middle of a run, which does not notice."""

import json
import signal
import time
from pathlib import Path

import pytest

from backend import datasets, runs
from storage import attempts, metrics
from storage.records import RunStatus
from tests.backend.jobs.conftest import wait_for
from tests.e2e.app_server import AppServer
from tests.faults.conftest import bound, current, step_of, wait_for_step


@pytest.mark.slow
def test_training_goes_on_without_the_server(jobs_home: Path) -> None:
    datasets.prepare_bundled()
    with AppServer(jobs_home) as server:
        run = runs.start_run(
            task="image-classification",
            dataset="digits",
            model="mlp",
            config={"epochs": 1000, "device": "cpu"},
        )
        wait_for_step(run, 20, 120)
        seen, _ = metrics.read_series(run.id, ["train/loss"])
        server.stop(signal.SIGKILL)
        step = step_of(run)
        wait_for_step(run, step + 50)  # with no server at all
        started = time.monotonic()
        server.start()
        begun = time.monotonic()
        answer = json.loads(server.get(f"/api/runs/{run.id}/live?after=0"))
        seconds, in_all = time.monotonic() - begun, time.monotonic() - started
        assert seconds < bound(2.0)
        assert answer["run"]["status"] == "running"
        assert answer["run"]["step"] >= step + 50
        assert not answer["run"]["unresponsive"]
        assert answer["series"]["train/loss"]["steps"][0] == 1
        again = step_of(run)
        wait_for_step(run, again + 50)
        runs.stop_run(run.id)
        wait_for(lambda: current(run).status is RunStatus.STOPPED, 20)
    assert len(attempts.list_attempts(run.id)) == 1
    kept, _ = metrics.read_series(run.id, ["train/loss"])
    steps = kept["train/loss"].steps.tolist()
    assert steps == list(range(1, len(steps) + 1))
    before = seen["train/loss"].values
    assert kept["train/loss"].values[: len(before)].tobytes() == before.tobytes()
    print(
        f"R9: 0 of {len(steps)} steps lost; the run was visible {seconds:.2f} s after the new "
        f"server's first answer, {in_all:.2f} s after its process was started"
    )
