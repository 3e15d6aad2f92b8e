"""R14: a loss that is no number ends the run at once, keeps the last good copy, says what to do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend import datasets, runs
from backend.errors import NanLossError
from backend.remedies import remedies
from backend.training import checkpoints
from backend.training.readings import READ_INTERVAL
from storage import files
from storage.records import Reason, RunStatus
from tests.backend.jobs.conftest import status_of, wait_for
from tests.backend.training.test_loop import run as train
from tests.backend.training.toy import Notes, ToyTask
from tests.faults.conftest import bound, current, start_usual_supervisor
from tests.faults.unlucky_worker import BREAKS_AT, MARK

STEPS_PER_EPOCH = 13


def are_finite(copy: Path) -> bool:
    weights = load_file(copy / checkpoints.MODEL)
    return all(bool(weight.isfinite().all()) for weight in weights.values())


def test_a_run_whose_loss_breaks_ends_within_a_reading(jobs_home: Path) -> None:
    """A real run in its third epoch; each step after the break leaves its moment in the log."""
    datasets.prepare_bundled()
    start_usual_supervisor("tests.faults.unlucky_worker", "broken")
    run = runs.start_run(
        task="image-classification", dataset="digits", model="mlp",
        config={"epochs": 1000, "learning_rate": 0.05, "device": "cpu"},
    )  # fmt: skip
    wait_for(lambda: current(run).has_ended, 120)
    failed = current(run)
    assert (failed.status, failed.reason) == (RunStatus.FAILED, Reason.NAN_LOSS)
    assert "Lower the learning rate (0.05)" in (failed.message or "")
    assert failed.step == BREAKS_AT, "the step that broke is the last one logged"
    log = files.run_log(run.id).read_text()
    moments = [float(line.split()[-1]) for line in log.splitlines() if line.startswith(MARK)]
    went_on = (moments[-1] - moments[0]) % 1000
    copies = sorted(files.checkpoints_dir(run.id).glob("step-*"))
    assert copies
    assert all(are_finite(copy) for copy in copies)
    kept = checkpoints.load_checkpoint(files.checkpoints_dir(run.id), "last").step
    assert 0 < kept < BREAKS_AT
    again, slower = remedies(failed)
    assert (again.action, again.config) == ("again", {"learning_rate": pytest.approx(0.005)})
    assert (slower.action, slower.config) == ("resume", {"learning_rate": pytest.approx(0.005)})
    assert "Traceback" not in log, "the sentence says all that there is"
    print(
        f"R14: ended {went_on:.2f} s after the loss broke at step {BREAKS_AT}; copy of step {kept} "
        f"kept"
    )
    # A reading each 0.2 s, plus the step in which it falls on a machine with other work.
    assert went_on < READ_INTERVAL + bound(0.2)
    assert status_of(run) == RunStatus.FAILED


class TreacherousTask(ToyTask):
    """Its loss is a number to the last; the gradient of one step, an epoch's last, is not."""

    def __init__(self, breaks_at: int) -> None:
        super().__init__()
        self.breaks_at, self.steps = breaks_at, 0

    def compute(self, model: Any, batch: Any, *, train: bool) -> Mapping[str, torch.Tensor]:
        result = super().compute(model, batch, train=train)
        self.steps += train
        if train and self.steps == self.breaks_at:
            nothing = 0.0 * next(model.parameters()).sum()
            return {**result, "loss": result["loss"] + torch.sqrt(nothing)}
        return result


@pytest.mark.parametrize("stop", [False, True], ids=["at the end of an epoch", "at a stop"])
def test_broken_weights_are_never_saved(tmp_path: Path, stop: bool) -> None:
    """The moment of a save may lie between the step that breaks the weights and the next loss."""
    last = 2 * STEPS_PER_EPOCH
    # Asked after each step, and once in the validation after the first epoch.
    notes = Notes(stop_at=last + 1 if stop else None)
    with pytest.raises(NanLossError, match=f"After step {last} the model's weights"):
        train(tmp_path, notes, task=TreacherousTask(breaks_at=last))
    assert float.fromhex(notes.series("train/loss")[last]) > 0, "the loss itself was fine"
    kept = checkpoints.load_checkpoint(tmp_path, "last")
    assert kept.step == STEPS_PER_EPOCH
    assert all(are_finite(copy) for copy in tmp_path.glob("step-*"))
