"""R11: sixteen claimants, three hundred queued runs, one slot: no run twice, never two at once."""

import itertools
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from backend.jobs.processes import ROOT
from storage import attempts, database
from tests.backend.jobs.conftest import queue_run

CLAIMANT = """
import os, sys, time
from storage import runs
from storage.records import ACTIVE, RunStatus

def choose(run, active):
    return None if active else "cpu"

deadline = time.monotonic() + 100.0  # on a slow disk the lock is long in coming
while time.monotonic() < deadline:
    # A look before the claim, as the worker does it: writing is for those who may succeed.
    if runs.list_runs(ACTIVE):
        time.sleep(0.005)
        continue
    claimed = runs.claim_run(choose, pid=os.getpid(), process_started=0.0, host="")
    if claimed is None:
        if not runs.queue():
            break
        time.sleep(0.005)
        continue
    run, token = claimed
    print(run.id, flush=True)
    assert runs.move_run(run.id, RunStatus.FINISHED, when=ACTIVE, token=token)
"""


@pytest.mark.slow
def test_sixteen_claimants_never_claim_twice(home: Path) -> None:
    begun = time.monotonic()
    wanted = [queue_run().id for _ in range(300)]
    claimants = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMANT],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(16)
    ]
    claimed: list[int] = []
    errors: list[str] = []
    for process in claimants:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        errors += [line for line in err.splitlines() if "locked" in line]
        claimed += [int(line) for line in out.split()]
    assert Counter(claimed) == Counter(wanted)
    # Never two at once: each start follows the end of the one before.
    spans = sorted(
        (attempt.started_at, attempt.ended_at or 0.0)
        for run_id in wanted
        for attempt in attempts.list_attempts(run_id)
    )
    assert len(spans) == 300
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert database.is_sound()
    assert errors == []
    print(
        f"R11: {len(claimed)} claims, {len(claimed) - len(set(claimed))} double ones, "
        f"{len(errors)} lock errors, {time.monotonic() - begun:.0f} s"
    )
