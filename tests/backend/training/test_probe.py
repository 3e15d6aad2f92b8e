"""The probe measures what a run then takes: by a clock that only the toy task's work moves."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.datasets.store import Store, sampling
from backend.errors import NanLossError
from backend.models.spec import Weights
from backend.preflight.estimates import AROUND_SECONDS, Room, estimate
from backend.training import checkpoints, devices, probe
from backend.training.config import TrainingConfig, setting
from backend.training.loop import fit
from backend.training.measurement import Load, Measurement
from backend.training.probe import Silence
from tests.backend.tasks.samples import text_dataset
from tests.backend.training.test_loop import run, weights_hash
from tests.backend.training.toy import DATASET, SPEC, Notes, ToySplit, ToyTask

ROOM = Room(free_memory_mb=1e6, free_disk_mb=1e6, cores=64)
COUNTS = {"train": 500, "validation": 120, "test": 60}
DATA = dataclasses.replace(DATASET, splits=COUNTS, rows=680, bytes=680)


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


class Gauge:
    """A gauge that reads what the test says."""

    def __init__(self, *memory: float) -> None:
        self._memory = iter(memory or [700.0] * 99)

    def memory_mb(self) -> float:
        return next(self._memory)

    def peak_mb(self) -> float:
        return 900.0

    def begin(self) -> None: ...

    def end(self) -> Load:
        return Load(cores=1.5, other_cores=0.2, watts=18.0, watts_measured=False)


class LongSplit(ToySplit):
    """Texts of 1 to 100 tokens, most of them short."""

    def __init__(self, count: int, seed: int) -> None:
        super().__init__(count, seed)
        generator = torch.Generator().manual_seed(seed)
        self.lengths = (100 * torch.rand(count, generator=generator) ** 3).long() + 1

    def batch(self, indices: Tensor, device: torch.device) -> Any:
        longest = int(self.lengths[indices].max()) if self.lengths is not None else 1
        return {**super().batch(indices, device), "tokens": len(indices) * longest}


class TimedTask(ToyTask):
    """A toy task whose work takes known times on the clock."""

    def __init__(self, clock: Clock, *, long: bool) -> None:
        super().__init__()
        self.clock, self.long = clock, long
        self.splits = {
            name: (LongSplit if long else ToySplit)(count, 7) for name, count in COUNTS.items()
        }

    def build_processor(self, *arguments: Any) -> Any:
        self.clock.spend(0.4)
        return super().build_processor(*arguments)

    def load_split(self, dataset: Any, processor: Any, config: Any, split: str) -> ToySplit:
        self.clock.spend(0.01 * COUNTS[split])
        return self.splits[split]

    def build_model(self, *arguments: Any, **options: Any) -> Any:
        self.clock.spend(2.0)
        return super().build_model(*arguments, **options)

    def compute(self, model: Any, batch: Any, *, train: bool) -> Any:
        tokens = batch.get("tokens", len(batch["labels"]))
        self.clock.spend((0.003 if train else 0.001) * tokens + 0.02)
        return super().compute(model, batch, train=train)

    def snapshot(self, *_: Any) -> None:
        self.clock.spend(0.5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(probe, "time", SimpleNamespace(perf_counter=made.perf_counter))
    save = checkpoints.save_checkpoint

    def slow_save(*arguments: Any, **options: Any) -> Path:
        made.spend(0.3)
        return save(*arguments, **options)

    monkeypatch.setattr(checkpoints, "save_checkpoint", slow_save)
    return made


def measure(
    task: ToyTask,
    config: TrainingConfig,
    folder: Path,
    gauge: Gauge | None = None,
    data: Any = DATA,
) -> Measurement:
    return probe.probe(
        task, SPEC, data, config, device="cpu", folder=folder, gauge=gauge or Gauge()
    )


@pytest.mark.parametrize("long", [False, True], ids=["equal", "lengths"])
@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 1, "batch_size": 16},
        {"epochs": 7, "batch_size": 64},
        {"epochs": 3, "batch_size": 200},
        {"epochs": 3, "batch_size": 500},
        {"epochs": 4, "batch_size": 8, "gradient_accumulation": 3},
    ],
    ids=str,
)
def test_the_estimate_is_what_the_run_takes(
    tmp_path: Path, clock: Clock, long: bool, settings: dict[str, Any]
) -> None:
    config = TrainingConfig(device="cpu", learning_rate=1e-4, **settings)
    task = TimedTask(clock, long=long)
    expected = estimate(measure(task, config, tmp_path / "probe"), config, ROOM)
    begun = clock.now
    fit(task, SPEC, DATA, config, device="cpu", folder=tmp_path / "run", monitor=Silence())
    taken = clock.now - begun
    assert expected.seconds - AROUND_SECONDS == pytest.approx(taken, rel=0.1)


def test_a_few_slow_steps_are_enough(tmp_path: Path, clock: Clock) -> None:
    config = TrainingConfig(device="cpu", batch_size=50)
    task = TimedTask(clock, long=False)
    quick = measure(task, config, tmp_path / "a")
    assert quick.measured_steps >= 8

    class Slow(TimedTask):
        def compute(self, model: Any, batch: Any, *, train: bool) -> Any:
            self.clock.spend(10.0 if train else 0.0)
            return super().compute(model, batch, train=train)

    slow = measure(Slow(clock, long=False), config, tmp_path / "b")
    assert slow.measured_steps == probe.FEWEST_STRATA
    assert slow.step_seconds == pytest.approx(quick.step_seconds + 10, rel=0.02)


def test_what_was_cached_in_between_counts_as_cached(tmp_path: Path, clock: Clock) -> None:
    class Caching(TimedTask):
        first = True

        def build_processor(self, *arguments: Any) -> Any:
            self.clock.spend(30.0 if self.first else 0.0)
            self.first = False
            return super().build_processor(*arguments)

    found = measure(Caching(clock, long=False), TrainingConfig(device="cpu"), tmp_path)
    assert found.prepare_seconds == pytest.approx(0.4 + 5.0 + 2.0)


def test_the_memory_of_what_is_loaded_later_is_added(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "MOST_EXAMPLES", 500)
    # Resting, then before and after the data for training, validation and test.
    gauge = Gauge(600, 610, 700, 750, 770, 780, 790)
    large = dataclasses.replace(DATA, splits={**COUNTS, "test": 5000})
    found = measure(
        TimedTask(clock, long=False), TrainingConfig(device="cpu"), tmp_path, gauge, large
    )
    assert found.resting_mb == 600
    assert found.memory_mb == 900 + 9 * 10


def test_a_task_may_check_itself_on_less_than_it_tests_on(tmp_path: Path, clock: Clock) -> None:
    task = TimedTask(clock, long=False)
    task.splits["validation"] = ToySplit(12, 7)
    task.splits["test"] = ToySplit(900, 7)
    config = TrainingConfig(device="cpu", epochs=2)
    expected = estimate(measure(task, config, tmp_path / "probe"), config, ROOM)
    begun = clock.now
    fit(task, SPEC, DATA, config, device="cpu", folder=tmp_path / "run", monitor=Silence())
    assert expected.seconds - AROUND_SECONDS == pytest.approx(clock.now - begun, rel=0.1)


def test_large_data_is_measured_on_a_part(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "MOST_EXAMPLES", 500)
    rows = {"train": 5000, "validation": 1000, "test": 2000}
    large = dataclasses.replace(DATA, splits=rows, rows=8000)
    # The toy task gives 500 examples for a tenth of the data, 120 for half of the rest.
    gauge = Gauge(600, 600, 650, 650, 650, 650, 650)
    config = TrainingConfig(device="cpu", batch_size=50)
    found = measure(TimedTask(clock, long=False), config, tmp_path, gauge, large)
    assert found.sampled
    assert found.steps_per_epoch == 100
    assert found.prepare_seconds == pytest.approx(0.4 + 10 * 5.0 + 2.0)
    assert found.loading_seconds == pytest.approx(2 * 1.2 + 4 * 0.6)
    assert found.memory_mb == 900 + 9 * 50


def test_sampling_is_even_and_ends(home: Path) -> None:
    store = Store.open(text_dataset(per_class=50).id)
    whole = store.indices("train")
    with sampling(10):
        part = store.indices("train")
        assert len(part) == 10
        assert set(part) <= set(whole)
        assert len(set(store.labels[part])) == 3
        assert len(store.indices("test")) <= 10
    assert len(store.indices("train")) == len(whole)


def test_weights_from_elsewhere_are_not_fetched(tmp_path: Path) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Config(TrainingConfig):
        pretrained: bool = setting(True, "Pretrained", "For tests.")

    asked: list[bool] = []

    class Far(ToyTask):
        def weights(self, spec: Any) -> Weights:
            return Weights.DOWNLOAD

        def build_processor(self, dataset: Any, spec: Any, config: Any) -> Any:
            asked.append(config.pretrained)
            return super().build_processor(dataset, spec, config)

        def build_model(self, *arguments: Any, pretrained: bool) -> Any:
            asked.append(pretrained)
            return super().build_model(*arguments, pretrained=pretrained)

    measure(Far(), Config(device="cpu"), tmp_path)
    assert not any(asked)
    assert asked


def test_a_measurement_leaves_no_trace_in_the_next_run(tmp_path: Path) -> None:
    before, after = Notes(), Notes()
    run(tmp_path / "before", before)
    measure(ToyTask(), TrainingConfig(device="cpu", seed=7), tmp_path / "probe")
    run(tmp_path / "after", after)
    assert after.series("train/loss") == before.series("train/loss")
    assert weights_hash(tmp_path / "after") == weights_hash(tmp_path / "before")


def test_what_ends_the_run_ends_the_measurement(tmp_path: Path) -> None:
    task = ToyTask(ToySplit(200, 0, bad_from=0))
    with pytest.raises(NanLossError, match="learning rate"):
        measure(task, TrainingConfig(device="cpu"), tmp_path)


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("length", [8, 50, 51, 1000])
def test_strata_stand_for_all(count: int, length: int) -> None:
    ordered = [float(index) for index in range(length)]
    chosen = probe._strata(ordered, count)
    assert len(chosen) == min(count, length)
    assert sum(chosen) / len(chosen) == pytest.approx(sum(ordered) / length, abs=0.6)


def test_a_graphics_card_is_waited_for_and_its_memory_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No card is needed: what torch is asked for is what counts."""
    card, waited = torch.device("cuda:0"), []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 3 << 30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 << 30, 8 << 30))
    probe._wait_for_device(card)
    assert waited == [card]
    assert probe._device_peak(card) == 3072
    assert devices.free_device_memory_mb(card) == 5120
    assert probe._device_peak(torch.device("cpu")) is None
    assert devices.free_device_memory_mb(torch.device("cpu")) is None
