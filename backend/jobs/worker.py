"""The training process, `python -m backend.jobs.worker`: warms up, claims one run, trains it."""

import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from backend import datasets
from backend.errors import DataError, NotFoundError, TrainroomError, explain
from backend.jobs import data_files, slots
from backend.jobs.checkpoint_files import saved_step
from backend.jobs.liveness import ProcessLock
from backend.jobs.machine import machine_summary
from backend.jobs.measuring import Measurer
from backend.jobs.phase import downloads_told
from backend.jobs.processes import started_at
from backend.jobs.recorder import Recorder, SupersededError
from backend.models.weights import DownloadStoppedError
from backend.tasks import get_task
from backend.training.config import config_from
from backend.training.versions import package_versions
from storage import database, files, preferences, preflights, runs
from storage.records import ACTIVE, Dataset, Reason, Run, RunStatus

log = logging.getLogger(__name__)

# Seconds between two looks at the queue, and the longest time without a real look.
LOOK_INTERVAL = 0.03
LOOK_ANYWAY = 1.0
# Tries to write the end of a run while the database is locked: about ten minutes.
END_TRIES = 120
END_RETRY_INTERVAL = 5.0
SMALL_NETWORK = "small_network_threads"
"""The preference under which a home keeps what was measured on its machine."""

DOWNLOAD_STOPPED = "Stopped while it was downloading. What has arrived is kept for the next try."

Fit = Callable[..., Any]


class Worker:
    """One process's life: standby, one run, end."""

    def __init__(self, fit: Fit | None = None, probe: Fit | None = None) -> None:
        self._fit, self._probe = fit, probe
        self._quit = False
        self._recorder: Recorder | None = None
        self._parent = os.getppid()
        self._started = started_at()

    def main(self) -> int:
        """Warm up, wait for a run, train it; returns the exit status."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        devices = self._warm_up()
        claimed = self._wait(devices)
        if claimed is None:
            return 0
        run, token = claimed
        if self._quit:
            # Asked to leave in the very moment of the claim: another worker shall have the run.
            runs.move_run(
                run.id,
                RunStatus.QUEUED,
                when=[RunStatus.STARTING],
                token=token,
                message="Back in the queue: the process that took it was ended.",
            )
            return 0
        lock = ProcessLock(files.run_lock(run.id, run.attempt))
        lock.acquire()
        with contextlib.suppress(OSError):
            _write_to(run)
        self.train(run, token)
        return 0

    def _on_terminate(self, *_: object) -> None:
        self._quit = True
        if self._recorder is not None:
            self._recorder.request_stop()

    def _warm_up(self) -> list[str]:
        begun = time.monotonic()
        database.migrate()
        if self._fit is None:
            from backend.training.loop import fit
            from backend.training.warmup import warm_up

            self._fit = fit
            warm_up()
            _measure_machine()
        if self._probe is None:
            from backend.training.probe import probe

            self._probe = probe
        from backend.training.devices import list_devices, why_no_card

        # What is loaded now stays: left out of collections, these take milliseconds.
        gc.collect()
        gc.freeze()
        devices = list_devices()
        unused = machine_summary()["graphics_cards"] if devices == ["cpu"] else []
        slots.remember_devices(devices, why_no_card() if unused else "")
        log.info("ready after %.1f s, devices %s", time.monotonic() - begun, ", ".join(devices))
        return devices

    def _wait(self, devices: list[str]) -> tuple[Run, str] | None:
        """Wait for a run that fits; None where the supervisor is gone or asks to leave.

        Between two looks, pre-flights are measured.
        """
        places = slots.Places(devices)
        watch, looked_at = database.Watch(), 0.0
        measurer = self._measurer(places)
        while self._is_wanted():
            now = time.monotonic()
            if watch.changed() or now - looked_at > LOOK_ANYWAY:
                looked_at = now
                if places.run_can_start():
                    claimed = runs.claim_run(
                        places.choose,
                        pid=os.getpid(),
                        process_started=self._started,
                        host=socket.gethostname(),
                    )
                    if claimed is not None:
                        watch.close()
                        return claimed
                elif not self._measure(measurer, places):
                    return None
            time.sleep(LOOK_INTERVAL)
        return None

    def _is_wanted(self) -> bool:
        return not self._quit and os.getppid() == self._parent

    def _measurer(self, places: slots.Places) -> Measurer:
        """What measures pre-flights, and gives way as soon as a run could start."""
        watch = database.Watch()

        def reason_to_leave() -> str | None:
            if not self._is_wanted():
                return "leaving"
            return "run" if watch.changed() and places.run_can_start() else None

        return Measurer(
            started=self._started, reason_to_leave=reason_to_leave, probe=self._probe or _no_fit
        )

    def _measure(self, measurer: Measurer, places: slots.Places) -> bool:
        """Measure a pre-flight that somebody wants; False where this worker should leave then."""
        wish = preflights.wanted()
        device = places.at_rest(wish) if wish is not None else None
        if wish is None or device is None:
            return True
        return measurer.measure(wish, device, _small_network_threads())

    def train(self, run: Run, token: str) -> None:
        """Train a claimed run to its end and write that end; never raises."""
        recorder = self._recorder = Recorder(run, token, run.device or "cpu")
        if self._quit:
            recorder.request_stop()
        try:
            _introduce(run)
            task = get_task(run.task)
            with downloads_told(run.id, recorder.should_stop):
                outcome = (self._fit or _no_fit)(
                    task,
                    task.get_model(run.model),
                    _find_dataset(run, recorder),
                    config_from(task.config, run.config),
                    device=run.device,
                    folder=files.checkpoints_dir(run.id),
                    monitor=recorder,
                    resume=run.attempt > 1 and saved_step(run.id) is not None,
                    small_network_threads=_small_network_threads(),
                )
        except SupersededError:
            print("Another attempt has taken this run over; leaving without a trace.")
            return
        except DownloadStoppedError:
            recorder.close()
            reason, _ = self._why_stopped(run, 0)
            _end(run, token, RunStatus.STOPPED, reason, DOWNLOAD_STOPPED)
            return
        except BaseException as error:  # the one catch-all: whatever it is, the user is told
            # What we raise ourselves says all that there is; the log ends with it.
            if not isinstance(error, TrainroomError) or error.__cause__ is not None:
                traceback.print_exc()
            recorder.close()
            _end(run, token, RunStatus.FAILED, *_explain(run, error))
            return
        recorder.close()
        if recorder.superseded:
            return
        if outcome.stopped:
            reason, sentence = self._why_stopped(run, outcome.step)
            _end(run, token, RunStatus.STOPPED, reason, sentence)
        else:
            _end(run, token, RunStatus.FINISHED, None, "Training is complete.")

    def _why_stopped(self, run: Run, step: int) -> tuple[Reason, str]:
        current = runs.get_run(run.id)
        saved = saved_step(run.id)
        kept = (
            f"The model is saved as of step {saved:,} and can be used."
            if saved is not None
            else "Nothing had been learnt yet that could be saved."
        )
        if current is None or current.status is RunStatus.STOPPING or not self._quit:
            return Reason.USER_STOP, f"Stopped on request at step {step:,}. {kept}"
        return Reason.KILLED, (
            f"The computer asked the training process to end, as it does when it is shut down. "
            f"{kept}"
        )


def _explain(run: Run, error: BaseException) -> tuple[Reason, str]:
    """The reason and sentence; whatever goes wrong on data that were changed is their change."""
    reason, sentence = explain(error)
    if reason is Reason.BUG:
        with contextlib.suppress(OSError):
            file = data_files.changed_file(run.id, run.dataset_id)
            if file is not None:
                return Reason.BAD_DATA, data_files.what_changed(run.dataset_name, file)
    return reason, sentence


def _find_dataset(run: Run, recorder: Recorder) -> Dataset:
    """The run's data set, watched from here on; raises DataError where it is gone or another."""
    try:
        dataset = datasets.get_dataset(run.dataset_id, run.dataset_version)
    except NotFoundError as error:
        raise DataError(
            f"The data set {run.dataset_name} was deleted before this run began. Bring it in "
            "again and start a new run."
        ) from error

    def check() -> None:
        file = data_files.changed_file(run.id, dataset.id)
        if file is not None:
            raise DataError(data_files.what_changed(dataset.name, file))

    data_files.note(run.id, dataset)
    check()
    recorder.watch_data(check)
    return dataset


def _measure_machine() -> None:
    """Find out once per home what small networks do best, while nothing else trains."""
    from backend.training.warmup import measure_small_network

    if SMALL_NETWORK in preferences.read_preferences() or runs.list_runs(
        [*ACTIVE, RunStatus.QUEUED]
    ):
        return
    preferences.write_preferences({SMALL_NETWORK: measure_small_network()})


def _small_network_threads() -> int:
    return int(preferences.read_preferences().get(SMALL_NETWORK, 1))


def _no_fit(*_: Any, **__: Any) -> Any:
    raise RuntimeError("the worker was not warmed up")


def _write_to(run: Run) -> None:
    """Let everything that this process prints go to the run's log, line by line."""
    path = files.run_log(run.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _introduce(run: Run) -> None:
    """The first lines of the log: what runs where, with which versions and settings."""
    from backend.training.devices import describe_device

    device = run.device or "cpu"
    with contextlib.suppress(Exception):
        device = f"{device} ({describe_device(device)})"
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    print(f"{moment}  Run {run.id}{attempt}: {run.name}")
    data = f"{run.dataset_name} (version {run.dataset_version})"
    print(f"Task {run.task}, model {run.model}, data {data}, device {device}")
    print(", ".join(f"{name} {version}" for name, version in package_versions().items()))
    print(f"Settings {json.dumps(run.config)}")


def _end(run: Run, token: str, status: RunStatus, reason: Reason | None, sentence: str) -> None:
    """Write the end state; a locked database is waited for, because this is the run's result."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {status.value}: {sentence}")
    for _ in range(END_TRIES):
        try:
            runs.move_run(run.id, status, when=ACTIVE, token=token, reason=reason, message=sentence)
            return
        except Exception:
            traceback.print_exc()
            time.sleep(END_RETRY_INTERVAL)


def run_process(worker: Worker) -> None:
    """Run a worker as this process and leave without clean-up, which may hang in a library."""
    # Compute threads that spin while they wait steal the cores from each other as soon as anything
    # else runs, and threads that sleep at once wake too slowly for small steps: spin briefly
    # (docs/decisions.md has the figures). Read when torch loads its OpenMP library.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(process)d %(message)s")
    status = 1
    try:
        status = worker.main()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    run_process(Worker())
