"""Pre-flights in a worker: it gives way at once, survives everything, and goes on waiting."""

import dataclasses
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from backend import datasets
from backend.errors import DataError
from backend.jobs import gauge, machine, measuring
from backend.jobs.measuring import Measurer
from backend.jobs.processes import started_at
from backend.models import weights
from backend.training import devices
from storage import attempts, files, preflights
from storage.records import ENDED, Preflight, PreflightState, Reason, RunStatus
from tests.backend.jobs.conftest import queue_run, start_supervisor, status_of, wait_for
from tests.backend.preflight.test_estimates import MEASURED

AT_ONCE = 20.0
"""Seconds: what is interrupted here would sleep for a minute, and machines can be very busy."""
CONFIG = {"epochs": 2, "batch_size": 8, "device": "cpu"}


def ask(model: str = "toy", task: str = "toy") -> Preflight:
    return preflights.ask(model, task=task, model=model, dataset_id="toy", config=dict(CONFIG))


def known(one: Preflight) -> Preflight:
    found = preflights.get(one.key)
    assert found is not None
    return found


def ended(model: str) -> Preflight:
    """The pre-flight of a model once it has ended, wanted all the time."""

    def look() -> Preflight | None:
        one = ask(model)
        return one if one.state in (PreflightState.DONE, PreflightState.FAILED) else None

    found = wait_for(look, every=0.1)
    assert isinstance(found, Preflight)
    return found


# In real processes ------------------------------------------------------------------------


def test_the_waiting_worker_measures_and_goes_on_waiting(jobs_home: Path) -> None:
    start_supervisor()
    one = ended("toy")
    assert one.state is PreflightState.DONE, one.message
    assert one.result is not None
    assert one.result["steps_per_epoch"] == 25
    assert 0 < one.result["step_seconds"] < 1
    assert one.result["memory_mb"] > 100
    run = queue_run()
    wait_for(lambda: status_of(run) in ENDED)
    assert status_of(run) == RunStatus.FINISHED
    assert attempts.list_attempts(run.id)[0].pid == one.pid, "no fresh worker was needed"
    assert not list((jobs_home / "tmp").glob("*")), "the checkpoint is gone"


def test_a_run_interrupts_a_pre_flight_and_is_not_delayed(jobs_home: Path) -> None:
    start_supervisor()
    ended("toy")
    one = ask("endless")
    wait_for(lambda: known(one).state is PreflightState.MEASURING)
    time.sleep(0.3)  # into the step that never ends
    pid = known(one).pid
    run = queue_run()
    wait_for(lambda: status_of(run) in ENDED)
    assert status_of(run) == RunStatus.FINISHED
    assert attempts.list_attempts(run.id)[0].pid == pid, "it did not have to wait for a fresh one"
    assert known(one).state in (PreflightState.WAITING, PreflightState.MEASURING)


def test_a_killed_pre_flight_is_red_and_no_run_suffers(jobs_home: Path) -> None:
    start_supervisor()
    for _ in range(3):  # as often as makes a supervisor give a run up
        one = ended("crash")
        assert (one.state, one.reason) == (PreflightState.FAILED, Reason.KILLED)
        assert "out of memory" in (one.message or "")
        preflights.ask("crash", task="toy", model="crash", dataset_id="toy", config=dict(CONFIG),
                       again=True)  # fmt: skip
    run = queue_run()
    wait_for(lambda: status_of(run) in ENDED)
    assert status_of(run) == RunStatus.FINISHED


def test_out_of_memory_and_nan_are_sentences(jobs_home: Path) -> None:
    start_supervisor()
    one = ended("oom")
    assert (one.state, one.reason) == (PreflightState.FAILED, Reason.OOM_GPU)
    assert "does not fit into the memory" in (one.message or "")
    assert "Traceback" not in (one.message or "")
    assert "OutOfMemoryError" in (files.logs_dir() / "worker.log").read_text()
    other = ended("nan-no-such-model")
    assert other.reason is Reason.BAD_CONFIG
    assert ended("toy").state is PreflightState.DONE


def test_without_a_standby_worker_one_comes_for_the_pre_flight(
    jobs_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    start_supervisor()
    assert ended("toy").state is PreflightState.DONE


# In this process --------------------------------------------------------------------------


@pytest.fixture
def measure(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Preflight, bool]]:
    """Measure with a probe of the test's: the pre-flight afterwards, and whether to go on."""
    monkeypatch.setattr(datasets, "get_dataset", lambda key: None)
    monkeypatch.setattr(measuring, "LOOK_INTERVAL", 0.01)
    monkeypatch.setattr(measuring, "AGAIN_SECONDS", 0.05)

    def _measure(
        probe: Callable[..., Any], leave: Callable[[], str | None] = lambda: None
    ) -> tuple[Preflight, bool]:
        measurer = Measurer(started=started_at(), reason_to_leave=leave, probe=probe)
        one = ask("mlp", "image-classification")
        goes_on = measurer.measure(one, "cpu", 1)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
        assert "watch" not in {thread.name for thread in threading.enumerate()}
        assert not list((home / "tmp").glob("*"))
        return known(one), goes_on

    return _measure


def sleeping(*_: Any, **__: Any) -> None:
    time.sleep(60)


def test_a_measurement_is_written_down(measure: Any) -> None:
    def probe(*_: Any, folder: Path, **__: Any) -> Any:
        (folder / "checkpoint").write_text("large")
        return MEASURED

    one, goes_on = measure(probe)
    assert (one.state, goes_on) == (PreflightState.DONE, True)
    assert one.result == dataclasses.asdict(MEASURED)


@pytest.mark.parametrize("reason", ["run", "leaving"])
def test_it_gives_way_at_once_and_waits_again(measure: Any, reason: str) -> None:
    begun = time.monotonic()
    one, goes_on = measure(sleeping, lambda: reason if time.monotonic() > begun + 0.2 else None)
    assert time.monotonic() - begun < AT_ONCE
    assert (one.state, one.pid, goes_on) == (PreflightState.WAITING, None, True)


def test_it_gives_way_while_it_waits_for_threads(measure: Any) -> None:
    def probe(*_: Any, **__: Any) -> None:
        threading.Event().wait(60)

    begun = time.monotonic()
    one, _ = measure(probe, lambda: "run")
    assert time.monotonic() - begun < AT_ONCE
    assert one.state is PreflightState.WAITING


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_library_that_swallows_errors_cannot_hold_it(measure: Any) -> None:
    class Swallowing:
        def __del__(self) -> None:
            sleeping()  # what is raised in here is lost

    def probe(*_: Any, **__: Any) -> None:
        while True:
            try:
                Swallowing()
                sleeping()
            except Exception:
                continue

    begun = time.monotonic()
    one, _ = measure(probe, lambda: "run")
    assert time.monotonic() - begun < AT_ONCE
    assert one.state is PreflightState.WAITING


def test_what_nobody_wants_any_more_is_put_aside(
    measure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "ABANDONED_INTERVAL", 0.05)
    monkeypatch.setattr(preflights, "FRESH_SECONDS", 0.2)
    one, goes_on = measure(sleeping)
    assert (one.state, goes_on) == (PreflightState.WAITING, True)
    assert preflights.wanted() is None


def test_what_takes_too_long_is_red(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "LONGEST_SECONDS", 0.2)
    one, goes_on = measure(sleeping)
    assert (one.state, one.reason, goes_on) == (PreflightState.FAILED, Reason.TIMEOUT, True)
    assert "smaller model" in (one.message or "")


@pytest.mark.parametrize(
    ("error", "reason", "words", "goes_on"),
    [
        (DataError("The data is empty."), Reason.BAD_DATA, "The data is empty.", True),
        (MemoryError(), Reason.OOM_HOST, "memory of this computer", False),
        (torch.cuda.OutOfMemoryError("x"), Reason.OOM_GPU, "memory of the graphics card", False),
        (RuntimeError("a bug"), Reason.BUG, "Something went wrong inside", False),
        (SystemExit(3), Reason.BUG, "Something went wrong inside", False),
    ],
)
def test_no_error_breaks_the_worker(
    measure: Any, error: BaseException, reason: Reason, words: str, goes_on: bool
) -> None:
    def probe(*_: Any, **__: Any) -> None:
        raise error

    one, went_on = measure(probe)
    assert (one.state, one.reason) == (PreflightState.FAILED, reason)
    assert words in (one.message or "")
    assert went_on is goes_on, "a fresh worker after what may have left something broken"


def test_a_worker_that_holds_on_to_much_makes_room(measure: Any) -> None:
    kept: list[bytearray] = []

    def probe(*_: Any, **__: Any) -> Any:
        kept.append(bytearray(b"x") * (int(measuring.KEPT_MB) + 50) * (1 << 20))
        return MEASURED

    assert measure(probe)[1] is False
    kept.clear()
    assert measure(lambda *_, **__: MEASURED)[1] is True


def test_nothing_is_downloaded_for_it(measure: Any) -> None:
    def probe(*_: Any, **__: Any) -> None:
        weights.download("https://example.org/x", Path("x"), "", "Choose another.")

    one, _ = measure(probe)
    assert one.reason is Reason.DOWNLOAD
    assert "downloads it at its start" in (one.message or "")


def test_what_cannot_fit_is_not_even_tried(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "free_memory_mb", lambda: 1.0)
    one, goes_on = measure(sleeping)
    assert (one.reason, goes_on) == (Reason.OOM_GPU, False)
    assert "are free. Choose a smaller model" in (one.message or "")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux chooses whom to end by this file")
def test_it_is_the_first_to_go_only_while_it_measures(measure: Any) -> None:
    path, seen = Path("/proc/self/oom_score_adj"), []
    before = path.read_text()

    def probe(*_: Any, **__: Any) -> Any:
        seen.append(path.read_text().strip())
        return MEASURED

    measure(probe)
    assert seen == ["1000"]
    assert path.read_text() == before


@pytest.mark.parametrize("exact", [True, False])
def test_the_gauge_sees_the_peak_and_forgets_the_one_before(
    exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exact:
        monkeypatch.setattr(gauge, "_forget_peak", lambda: False)

    def spike() -> None:
        block = bytearray(b"x") * (200 << 20)
        time.sleep(0.2)
        del block

    spike()
    with gauge.ProcessGauge("cpu") as meter:
        before = meter.memory_mb()
        assert meter.peak_mb() < before + 100
        spike()
        assert before + 150 < meter.peak_mb() < before + 350


def test_the_gauge_tells_load_and_a_rough_power() -> None:
    with gauge.ProcessGauge("cpu") as meter:
        meter.begin()
        begun = time.process_time()
        while time.process_time() - begun < 0.3:
            pass
        load = meter.end()
    assert 0.05 < load.cores <= 1.3
    assert load.watts >= load.cores * gauge.WATTS_PER_CORE
    assert not load.watts_measured


def test_a_cards_own_meter_counts_as_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "device_watts", lambda name: 250.0)
    with gauge.ProcessGauge("cuda:0") as meter:
        meter.begin()
        load = meter.end()
    assert load.watts_measured
    assert load.watts >= 250

    def silent(name: str) -> float:
        raise RuntimeError("no driver")

    monkeypatch.setattr(devices, "device_watts", silent)
    with gauge.ProcessGauge("cuda:0") as meter:
        meter.begin()
        assert not meter.end().watts_measured


def test_free_memory_heeds_the_containers_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {"max": 3 << 30, "current": 1 << 30, "stat": 1 << 28}
    monkeypatch.setattr(
        machine, "_read_number", lambda path, name="": float(numbers[path.rpartition(".")[2]])
    )
    assert machine.free_memory_mb() == pytest.approx(2048 + 256)
    monkeypatch.setattr(machine, "_read_number", lambda path, name="": None)
    assert machine.free_memory_mb() > 100


def test_numbers_of_the_system_are_read(tmp_path: Path) -> None:
    file = tmp_path / "memory"
    file.write_text("anon 5\ninactive_file 7\n")
    assert machine._read_number(str(file), "inactive_file") == 7
    file.write_text("max\n")
    assert machine._read_number(str(file)) is None
    assert machine._read_number(str(tmp_path / "none")) is None
