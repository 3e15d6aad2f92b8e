"""What a worker finds out about its machine while it warms up."""

from pathlib import Path

import pytest

from backend.jobs import worker
from backend.training import warmup
from storage import preferences
from tests.backend.jobs.conftest import queue_run


def test_the_machine_is_measured_once_and_only_at_rest(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter((2, 1))
    monkeypatch.setattr(warmup, "measure_small_network", lambda: next(found))
    queue_run()
    worker._measure_machine()
    assert worker.SMALL_NETWORK not in preferences.read_preferences()
    worker.runs.delete_run(1)
    for _ in range(2):
        worker._measure_machine()
        assert preferences.read_preferences()[worker.SMALL_NETWORK] == 2
