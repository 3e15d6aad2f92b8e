"""R1: what a reader has seen is there after `kill -9` of worker, supervisor or both."""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from backend.jobs.liveness import holder
from backend.jobs.processes import ROOT
from backend.jobs.supervisor import supervisor_lock
from storage import database, metrics
from storage.records import Reason, Run, RunStatus, Series
from tests.backend.jobs.conftest import queue_run, status_of, wait_for
from tests.faults.conftest import current, pid_of, step_of, wait_for_step

KILLS = 30
# A new supervisor takes seconds to import what trains, so most kills are the worker's alone.
WHOM = ("worker",) * 6 + ("both",) + ("worker",) * 6 + ("supervisor",)


def start_forking_supervisor() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.forking_supervisor"], cwd=ROOT, start_new_session=True
    )


def _looks_after_runs(supervisor: subprocess.Popen[bytes]) -> bool:
    return holder(supervisor_lock()) == supervisor.pid


def _has_failed(run: Run) -> bool:
    return status_of(run) == RunStatus.FAILED


def check_kept(run: Run, seen: dict[str, Series]) -> int:
    """Whether all that was seen is there, to the bit, without a gap; the number of steps kept."""
    kept, _ = metrics.read_series(run.id)
    steps = kept["train/loss"].steps.tolist()
    assert steps == list(range(1, len(steps) + 1))
    assert step_of(run) == steps[-1]
    for name, series in seen.items():
        count = len(series.steps)
        assert kept[name].steps[:count].tobytes() == series.steps.tobytes()
        assert kept[name].values[:count].tobytes() == series.values.tobytes()
        assert len(kept[name].steps) == len(kept[name].values) == len(kept[name].times)
    return len(steps)


@pytest.mark.slow
def test_what_was_seen_is_there_after_kill_nine_at_any_step(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Others go on training while one is killed.
    monkeypatch.setenv("TRAINROOM_RUNS_PER_DEVICE", "2")
    chance = random.Random(1)
    waiting = [queue_run("slow", epochs=1000) for _ in range(KILLS)]
    supervisor = start_forking_supervisor()
    checked = kills = 0
    begun = time.monotonic()
    while waiting:
        running = wait_for(
            lambda: [run for run in waiting if status_of(run) == RunStatus.RUNNING], 60
        )
        run, whom = running[0], WHOM[kills % len(WHOM)]
        wait_for_step(run, step_of(run) + chance.randint(1, 60))
        worker, step = pid_of(run), step_of(run)
        seen, _ = metrics.read_series(run.id)
        if whom != "supervisor":
            os.kill(worker, signal.SIGKILL)
            waiting.remove(run)
        if whom != "worker":
            supervisor.kill()
            supervisor.wait()
        kills += 1
        if whom == "supervisor":
            wait_for_step(run, step + 5)  # the training does not notice
        checked += check_kept(run, seen) if whom != "supervisor" else 0
        if whom != "worker":
            supervisor = start_forking_supervisor()
            wait_for(partial(_looks_after_runs, supervisor))
        if whom != "supervisor":
            wait_for(partial(_has_failed, run), 10)
            assert current(run).reason is Reason.KILLED
            check_kept(run, seen)
        assert database.is_sound()
    assert kills >= KILLS
    print(
        f"R1: 0 of {checked} steps lost or torn in {kills} kills, {time.monotonic() - begun:.0f} s"
    )


WRITER = """
import itertools
from storage import database, metrics, runs

run = runs.create_run(name="a", task="t", model="m", dataset_id="d", dataset_name="d", config={})
for step in itertools.count(1):
    with database.write() as session:
        metrics.append_points(session, run.id, 1, {
            name: [(step, float(step), 0.0, 0.0)] for name in ("a", "b")
        })
    print(step, flush=True)
"""


def test_what_is_committed_survives_kill_nine(home: Path) -> None:
    """The last step that was reported as written is there, whole, after a SIGKILL."""
    for number, told in enumerate((3, 17, 40), start=1):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= told:
                break
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        acknowledged = int(rest[-1]) if rest else told
        series, _ = metrics.read_series(number)
        steps = series["a"].steps.tolist()
        assert steps[:acknowledged] == list(range(1, acknowledged + 1))
        assert series["b"].steps.tolist() == steps
        assert database.is_sound()
