"""The inference process: reads questions from stdin, answers on stdout, ends when idle."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

from backend.errors import explain
from backend.inference.frames import read_frame, write_frame
from backend.settings import INFERENCE_IDLE_SECONDS

# Seconds between two looks at whether a run needs the device.
LOOK_INTERVAL = 1.0

log = logging.getLogger(__name__)


def serve() -> None:
    """Answer until the app closes the pipe or nobody asks for a while."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # Libraries print: whatever they say must not end up between two answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from backend.inference.predictor import answer, release_busy_devices

    idle = _Idle(INFERENCE_IDLE_SECONDS.value(), release_busy_devices)
    while True:
        try:
            question, inputs = read_frame(sys.stdin.buffer)
        except EOFError:
            return
        with idle.busy():
            try:
                reply = asdict(answer(question["run"], inputs, question["checkpoint"]))
            except Exception as error:
                log.exception("prediction failed")
                reply = {"error": explain(error)[1]}
            write_frame(answers, reply)


class _Idle:
    """Between questions: frees a device that a run needs, and ends after `seconds` without work."""

    def __init__(self, seconds: float, release: Callable[[], object]) -> None:
        self._seconds, self._since, self._release = seconds, time.monotonic(), release
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def busy(self) -> "_Idle":
        return self

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._since = time.monotonic()
        self._lock.release()

    def _watch(self) -> None:
        while True:
            left = self._since + self._seconds - time.monotonic()
            if left <= 0:
                # Held so that no question is cut off half-way.
                with self._lock:
                    if time.monotonic() - self._since >= self._seconds:
                        os._exit(0)
            with self._lock:
                try:
                    self._release()
                except Exception:
                    log.exception("the device could not be freed")
            time.sleep(max(0.05, min(left, LOOK_INTERVAL)))


if __name__ == "__main__":
    serve()
