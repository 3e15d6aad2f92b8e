"""A run whose model must come from the internet first: what it says, and that it can be stopped."""

from pathlib import Path

from backend import runs
from backend.jobs.phase import read_phase
from backend.jobs.worker import DOWNLOAD_STOPPED
from backend.live import live_state
from storage.records import Reason, RunStatus
from tests.backend.jobs.conftest import queue_run, start_supervisor, status_of, wait_for


def _sentence(run_id: int) -> str:
    return str(live_state(run_id)["run"]["sentence"])


def test_it_tells_how_far_the_download_is_and_stops(jobs_home: Path) -> None:
    run = queue_run("download")
    start_supervisor()
    wait_for(lambda: _sentence(run.id).startswith("Downloading ann/vit: "))
    first = _sentence(run.id)
    assert first.endswith("of 100,000 MB (0 %).")
    wait_for(lambda: _sentence(run.id) != first)
    assert status_of(run) == RunStatus.STARTING
    runs.stop_run(run.id)
    wait_for(lambda: status_of(run) == RunStatus.STOPPED)
    ended = runs.get_run(run.id)
    assert (ended.reason, ended.message) == (Reason.USER_STOP, DOWNLOAD_STOPPED)
    assert read_phase(run.id) == "", "nothing is said of what is over"
