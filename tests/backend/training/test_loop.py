"""The loop learns, stops, resumes to the bit, and ends with a sentence when the loss breaks."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from backend.errors import DataError, NanLossError
from backend.scores.naive import Naive
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


def test_the_test_is_kept_example_by_example(tmp_path: Path) -> None:
    notes = Notes()
    outcome = run(tmp_path, notes)
    assert notes.results is not None
    assert notes.results.step == outcome.best_step
    assert notes.results.classes == ["a", "b"]
    assert "torch" in notes.results.versions
    rows = notes.results.outcomes
    assert rows is not None
    assert rows.examples.tolist() == list(range(60))
    assert float(rows.values["accuracy"].mean()) == pytest.approx(outcome.metrics["test/accuracy"])


def test_pace_and_gradient_are_logged_where_they_are_known(tmp_path: Path) -> None:
    notes, free = Notes(), Notes()
    run(tmp_path / "clipped", notes)
    norms = [float.fromhex(value) for value in notes.series("grad_norm").values()]
    assert len(norms) == 52
    assert all(norm > 0 for norm in norms)
    shares = [float.fromhex(value) for value in notes.series("system/data_percent").values()]
    assert shares
    assert all(0 <= share <= 100 for share in shares)
    run(tmp_path / "free", free, dataclasses.replace(CONFIG, max_grad_norm=0.0))
    assert not free.series("grad_norm")


def test_a_naive_guess_is_scored_once_and_draws_no_random_numbers(tmp_path: Path) -> None:
    class Guessing(ToyTask):
        asked = 0

        def naive_baseline(self, processor: Any, train: Any, split: Any) -> Naive:
            self.asked += 1
            torch.rand(3)
            return Naive("guessing", {"accuracy": 0.5})

    notes, plain, task = Notes(), Notes(), Guessing()
    run(tmp_path / "a", notes, task=task)
    run(tmp_path / "b", plain)
    assert task.asked == 2
    assert list(notes.series("naive_val/accuracy")) == [13]
    assert list(notes.series("naive/accuracy")) == [52]
    assert notes.results is not None
    assert notes.results.naive == Naive("guessing", {"accuracy": 0.5})
    assert notes.series("train/loss") == plain.series("train/loss")


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


def test_a_resumed_run_shares_its_sums_among_as_many_cores_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    try:
        monkeypatch.setattr(devices, "choose_threads", lambda *_: before + 1)
        run(tmp_path, Notes(stop_at=7))
        monkeypatch.setattr(devices, "choose_threads", lambda *_: before)
        run(tmp_path, Notes(), resume=True)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_what_is_measured_belongs_to_the_copy_that_is_kept(tmp_path: Path) -> None:
    """A threshold is chosen before each evaluation; the test has that of the best copy."""

    class Calibrated(ToyTask):
        chosen: ClassVar[list[float]] = []
        tested: ClassVar[list[float]] = []

        def build_model(self, *arguments: Any, **words: Any) -> nn.Module:
            model = super().build_model(*arguments, **words)
            model.register_buffer("threshold", torch.tensor(0.0))
            return model

        def calibrate(self, model: nn.Module, *_: Any) -> None:
            assert not model.training
            torch.rand(3)  # whatever it draws, the training goes on as without
            self.chosen.append(len(self.chosen) + 1.0)
            model.threshold.fill_(self.chosen[-1])

        def compute(self, model: nn.Module, batch: Any, *, train: bool) -> Any:
            if not train:
                self.tested.append(float(model.threshold))
            return super().compute(model, batch, train=train)

    values = {**vars(CONFIG), "epochs": 4, "learning_rate": 0.5}
    notes, plain = Notes(), Notes()
    outcome = run(tmp_path / "a", notes, TrainingConfig(**values), task=Calibrated())
    run(tmp_path / "b", plain, TrainingConfig(**values))
    assert notes.series("train/loss") == plain.series("train/loss")
    assert Calibrated.chosen == [1.0, 2.0, 3.0, 4.0]
    steps = outcome.step // 4
    assert outcome.best_step is not None
    assert Calibrated.tested[-1] == outcome.best_step / steps
    assert Calibrated.tested[0] == 1.0


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


class ShowingTask(ToyTask):
    """Shows something at each evaluation, drawing random numbers for it."""

    def snapshot(self, model: Any, processor: Any, validation: Any, device: Any) -> dict[str, Any]:
        return {"kind": "texts", "drawn": float(torch.rand(3).sum())}


def test_what_an_evaluation_shows_is_kept_and_changes_nothing(tmp_path: Path) -> None:
    plain, shown = Notes(), Notes()
    run(tmp_path / "a", plain)
    run(tmp_path / "b", shown, task=ShowingTask())
    assert [step for step, _ in shown.snapshots] == [13, 26, 39, 52]
    assert shown.series("train/loss") == plain.series("train/loss")


def test_the_best_copy_may_be_told_by_a_score(tmp_path: Path) -> None:
    class ScoredTask(ToyTask):
        best_metric = "accuracy"

    notes = Notes()
    outcome = run(tmp_path, notes, task=ScoredTask())
    scores = {step: float.fromhex(value) for step, value in notes.series("val/accuracy").items()}
    best = max(scores.values())
    assert outcome.best_step == min(step for step, value in scores.items() if value == best)
