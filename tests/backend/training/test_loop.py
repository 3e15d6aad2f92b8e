"""The loop learns, stops, resumes to the bit, and ends with a sentence when the loss breaks."""

import hashlib
from pathlib import Path

import pytest

from backend.errors import DataError, NanLossError
from backend.training import checkpoints, devices
from backend.training.config import TrainingConfig
from backend.training.loop import Outcome, fit
from tests.backend.training.toy import DATASET, SPEC, Notes, ToySplit, ToyTask

CONFIG = TrainingConfig(epochs=4, batch_size=16, learning_rate=0.02, device="cpu")


def run(
    folder: Path,
    notes: Notes,
    config: TrainingConfig = CONFIG,
    task: ToyTask | None = None,
    resume: bool = False,
    device: str = "cpu",
) -> Outcome:
    return fit(
        task or ToyTask(),
        SPEC,
        DATASET,
        config,
        device=device,
        folder=folder,
        monitor=notes,
        resume=resume,
    )


def weights_hash(folder: Path) -> str:
    path = checkpoints.load_checkpoint(folder, "last").path / checkpoints.MODEL
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_learns_and_reports_every_step(tmp_path: Path) -> None:
    notes = Notes()
    outcome = run(tmp_path, notes)
    losses = notes.series("train/loss")
    assert list(losses) == list(range(1, 4 * 13 + 1)), "one loss per step, none twice"
    assert notes.total_steps == 52
    assert outcome.metrics["val/loss"] < float.fromhex(losses[1])
    assert outcome.metrics["test/accuracy"] > 0.9
    assert list(notes.series("val/loss")) == [13, 26, 39, 52]
    assert not outcome.stopped


def test_same_seed_repeats_and_another_does_not(tmp_path: Path) -> None:
    first, second, other = Notes(), Notes(), Notes()
    run(tmp_path / "a", first)
    run(tmp_path / "b", second)
    run(tmp_path / "c", other, TrainingConfig(**{**vars(CONFIG), "seed": 7}))
    assert first.series("train/loss") == second.series("train/loss")
    assert first.series("train/loss") != other.series("train/loss")
    assert weights_hash(tmp_path / "a") == weights_hash(tmp_path / "b")


@pytest.mark.parametrize("stop_at", [1, 5, 13, 14, 19])
@pytest.mark.parametrize("accumulation", [1, 3])
def test_resume_is_exact_to_the_bit(tmp_path: Path, stop_at: int, accumulation: int) -> None:
    values = {**vars(CONFIG), "gradient_accumulation": accumulation, "early_stopping": 3}
    config = TrainingConfig(**values)
    whole, first, second = Notes(), Notes(stop_at=stop_at), Notes()
    expected = run(tmp_path / "whole", whole, config)
    run(tmp_path / "parts", first, config)
    outcome = run(tmp_path / "parts", second, config, resume=True)
    for name in ("train/loss", "val/loss", "lr", "test/accuracy"):
        assert first.series(name) | second.series(name) == whole.series(name), name
        assert not first.series(name).keys() & second.series(name).keys(), "no step twice"
    assert weights_hash(tmp_path / "parts") == weights_hash(tmp_path / "whole")
    assert outcome.metrics == expected.metrics
    assert outcome.best_step == expected.best_step


def test_stop_leaves_a_usable_model(tmp_path: Path) -> None:
    outcome = run(tmp_path, Notes(stop_at=3))
    assert outcome.stopped
    assert outcome.step == 3
    assert checkpoints.load_checkpoint(tmp_path, "best").step == 3


def test_nan_loss_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    run(tmp_path, Notes(stop_at=5))
    with pytest.raises(NanLossError, match=r"Lower the learning rate"):
        run(tmp_path, notes := Notes(), task=ToyTask(ToySplit(200, 0, bad_from=0)), resume=True)
    assert notes.series("train/loss") == {6: "nan"}, "stored, and nothing after it"
    assert checkpoints.load_checkpoint(tmp_path, "last").step == 5


def test_early_stopping_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    values = {**vars(CONFIG), "epochs": 50, "learning_rate": 1.0, "early_stopping": 2}
    notes = Notes()
    run(tmp_path, notes, TrainingConfig(**values))
    assert "early_stop" in notes.events
    assert len(notes.series("val/loss")) < 50


def test_accumulation_equals_one_large_batch(tmp_path: Path) -> None:
    small = TrainingConfig(**{**vars(CONFIG), "batch_size": 8, "gradient_accumulation": 2})
    one, two = Notes(), Notes()
    run(tmp_path / "one", one, task=ToyTask(dropout=0.0))
    run(tmp_path / "two", two, small, task=ToyTask(dropout=0.0))
    large, summed = one.series("train/loss"), two.series("train/loss")
    assert large.keys() == summed.keys()
    for step, value in large.items():
        assert float.fromhex(summed[step]) == pytest.approx(float.fromhex(value), abs=1e-4)


def test_an_empty_split_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train part of toy is empty"):
        run(tmp_path, Notes(), task=ToyTask(ToySplit(0, 0)))


def test_best_checkpoint_is_the_one_with_the_lowest_validation_loss(tmp_path: Path) -> None:
    notes = Notes()
    config = TrainingConfig(**{**vars(CONFIG), "epochs": 12, "learning_rate": 0.5})
    outcome = run(tmp_path, notes, config)
    losses = {step: float.fromhex(value) for step, value in notes.series("val/loss").items()}
    assert outcome.best_step == min(losses, key=lambda step: losses[step])
    assert checkpoints.load_checkpoint(tmp_path, "best").step == outcome.best_step


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["off", "bf16", "fp16"])
def test_learns_on_a_graphics_card(tmp_path: Path, precision: str) -> None:
    if devices.list_devices()[0] == "cpu":
        pytest.skip("no CUDA device here")
    config = TrainingConfig(**{**vars(CONFIG), "mixed_precision": precision})
    outcome = run(tmp_path, Notes(), config, device="cuda:0")
    assert outcome.metrics["test/accuracy"] > 0.9
