"""R15: data deleted or changed while a run trains on them: refused, or told, and no crash loop."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backend import datasets, runs
from backend.errors import BusyError, DataError
from backend.jobs.supervisor import Pace
from backend.preferences import save_preferences
from backend.remedies import remedies
from backend.resuming import interrupted_runs, resume_run
from backend.training import checkpoints
from storage import attempts, database, files
from storage.records import Dataset, Reason, Run, RunStatus
from tests.backend.datasets.conftest import class_members, picture, write_zip
from tests.backend.jobs.conftest import wait_for
from tests.faults.conftest import current, start_usual_supervisor, wait_for_step


def bring_in(tmp_path: Path, *, all_alike: bool = True) -> Dataset:
    """A data set of one's own, which nothing makes anew by itself."""
    members = class_members(30)
    if not all_alike:
        members["cat/large.png"] = picture(7, (40, 30))
    archive = write_zip(tmp_path / "pictures.zip", members)
    return datasets.import_dataset(archive, task="image-classification", name="My pictures")


def train_on(dataset: Dataset, *worker: str) -> Run:
    """A run on it in the middle of its training."""
    start_usual_supervisor(*(worker or ("backend.jobs.worker",)))
    run = runs.start_run(
        task="image-classification", dataset=dataset.id, model="mlp",
        config={"epochs": 1000, "batch_size": 8, "device": "cpu"},
    )  # fmt: skip
    wait_for_step(run, 20, 120)
    return run


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def overwrite_pixels(folder: Path) -> None:
    path = folder / "items.bin"
    content = bytearray(path.read_bytes())
    content[:100] = bytes(value ^ 0xFF for value in content[:100])
    path.write_bytes(content)


def swap_labels(folder: Path) -> None:
    labels = np.load(folder / "labels.npy")
    np.save(folder / "labels.npy", labels[::-1].copy())


def cut_short(folder: Path) -> None:
    os.truncate(folder / "items.bin", 100)


def check_end(run: Run) -> None:
    """Once over, with its reason, a sentence and a model; never tried again by itself."""
    wait_for(lambda: current(run).has_ended, 60)
    ended = current(run)
    print(f"R15: {ended.reason}: {ended.message}")
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.BAD_DATA)
    assert "Traceback" not in (ended.message or "")
    assert checkpoints.load_checkpoint(files.checkpoints_dir(run.id)).step > 0
    assert interrupted_runs() == []
    assert remedies(ended)[0].action == "data"
    assert len(attempts.list_attempts(run.id)) == 1
    assert database.is_sound()


@pytest.mark.parametrize(
    "harm", [remove, overwrite_pixels, swap_labels], ids=lambda harm: harm.__name__
)
def test_data_harmed_on_the_disk_end_the_run(
    jobs_home: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    save_preferences(resume_after_restart=True)
    dataset = bring_in(tmp_path)
    run = train_on(dataset)
    with pytest.raises(BusyError, match="has not ended yet"):
        datasets.delete_dataset(dataset.id)
    harm(files.dataset_dir(dataset.id))
    check_end(run)
    # Nor does it go on when somebody asks for it: the sentence comes before the queue.
    with pytest.raises(DataError, match="My pictures"):
        resume_run(run.id)
    assert current(run).status is RunStatus.FAILED


@pytest.mark.parametrize("all_alike", [True, False], ids=["alike", "of all sizes"])
def test_a_file_cut_short_under_its_reader(
    jobs_home: Path, tmp_path: Path, all_alike: bool
) -> None:
    """Pictures of all sizes are read from mapped memory: beyond a file's new end the system ends
    its reader on the spot, who has no last word."""
    dataset = bring_in(tmp_path, all_alike=all_alike)
    run = train_on(dataset, "tests.faults.unlucky_worker", "mapped")
    cut_short(files.dataset_dir(dataset.id))
    check_end(run)
    if not all_alike:
        assert "Traceback" not in files.run_log(run.id).read_text(), "it had a last word"


def test_data_gone_before_the_start(jobs_home: Path, tmp_path: Path) -> None:
    dataset = bring_in(tmp_path)
    run = runs.start_run(task="image-classification", dataset=dataset.id, model="mlp")
    remove(files.dataset_dir(dataset.id))
    wait_for(lambda: current(run).has_ended, 120)
    ended = current(run)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.BAD_DATA)
    assert "bring it in again" in (ended.message or "")
    assert len(attempts.list_attempts(run.id)) == 1


def test_a_bundled_set_is_made_again_and_the_run_goes_on(jobs_home: Path) -> None:
    """Its contents are the same as before: nothing was harmed."""
    datasets.prepare_bundled()
    run = train_on(datasets.get_dataset("digits"))
    runs.stop_run(run.id)
    wait_for(lambda: current(run).has_ended, 30)
    remove(files.dataset_dir(run.dataset_id))
    resume_run(run.id)
    wait_for(lambda: current(run).attempt == 2 and current(run).status is RunStatus.RUNNING, 60)
    runs.stop_run(run.id)
    wait_for(lambda: current(run).has_ended, 30)
    assert current(run).reason is Reason.USER_STOP
    assert Pace().look < 1
