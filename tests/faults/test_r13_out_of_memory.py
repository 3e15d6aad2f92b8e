"""R13: full memory on the device: its reason, a free slot, and one click that goes on with half."""

from pathlib import Path

from backend import datasets, runs
from backend.remedies import remedies
from backend.resuming import resume_run
from storage import attempts
from storage.records import Reason, RunStatus
from tests.backend.jobs.conftest import queue_run, start_supervisor, status_of, wait_for
from tests.faults.conftest import current, start_usual_supervisor


def test_the_slot_is_free_and_half_is_offered(jobs_home: Path) -> None:
    run, after = queue_run("oom", batch_size=8), queue_run("toy")
    start_supervisor(rewarm=0.0)
    wait_for(lambda: status_of(run) == RunStatus.FAILED)
    failed = current(run)
    assert failed.reason is Reason.OOM_GPU
    assert "half the batch size" in (failed.message or "")
    config = remedies(failed)[0].config
    assert config == {"batch_size": 4, "gradient_accumulation": 2}
    wait_for(lambda: status_of(after) == RunStatus.FINISHED)
    first, second = attempts.list_attempts(run.id)[0], attempts.list_attempts(after.id)[0]
    freed = second.started_at - (first.ended_at or 0)
    print(f"R13: the next run had the device {freed:.1f} s after the failure")
    assert 0 <= freed < 10


def test_the_offered_way_is_taken_and_leads_to_the_end(jobs_home: Path) -> None:
    """A real run of 64 examples at a time on a device that has room for 32."""
    datasets.prepare_bundled()
    start_usual_supervisor("tests.faults.unlucky_worker", "small-card")
    run = runs.start_run(
        task="image-classification", dataset="digits", model="mlp",
        config={"epochs": 2, "batch_size": 64, "device": "cpu"},
    )  # fmt: skip
    wait_for(lambda: status_of(run) == RunStatus.FAILED, 120)
    failed = current(run)
    assert failed.reason is Reason.OOM_GPU
    best, processor = remedies(failed)
    assert best.label == "Continue with half the memory"
    assert processor.config["device"] == "cpu"
    resume_run(run.id, best.config)
    wait_for(lambda: current(run).has_ended, 120)
    ended = current(run)
    assert ended.status is RunStatus.FINISHED, ended.message
    assert (ended.config["batch_size"], ended.config["gradient_accumulation"]) == (32, 2)
    assert ended.attempt == 2
    assert ended.metrics["test/accuracy"] > 0.5
    happened = [event.message for event in runs.list_events(run.id)]
    assert any("Batch size 64 → 32" in words for words in happened), happened
    print(f"R13: went on with half and finished with {ended.metrics['test/accuracy']:.1%}")
