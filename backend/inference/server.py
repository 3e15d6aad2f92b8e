"""The inference process: reads questions from stdin, answers on stdout, ends when idle."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

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
    from backend.inference.predictor import is_in_the_way

    idle = _Idle(INFERENCE_IDLE_SECONDS.value(), is_in_the_way)
    while True:
        try:
            question, inputs = read_frame(sys.stdin.buffer)
        except EOFError:
            return
        with idle.busy():
            for reply in _replies(question, inputs):
                write_frame(answers, reply)


def _replies(question: dict[str, Any], inputs: list[Any]) -> Iterator[dict[str, Any]]:
    """One reply to a question, or several that grow; "more" is false in the last."""
    from backend.inference.predictor import answer, answer_stream, augmented

    try:
        if "lesson" in question:
            from backend.inference.teaching import teach

            yield {"lesson": teach(question["run"], inputs[0], **question["lesson"]), "more": False}
            return
        if question.get("explain"):
            yield {**_explained(question, inputs[0]), "more": False}
            return
        if question.get("labels"):
            from backend.inference.judging import judge

            done, total = judge(question["run"])
            yield {"done": done, "of": total, "more": False}
            return
        if "augmented" in question:
            yield {"strips": augmented(**question["augmented"]), "more": False}
            return
        asked = (question["checkpoint"], question["options"])
        if not question["stream"]:
            yield {**asdict(answer(question["run"], inputs, *asked)), "more": False}
            return
        newest: dict[str, Any] | None = None
        for grown in answer_stream(question["run"], inputs[0], *asked):
            if newest is not None:
                yield {**newest, "more": True}
            newest = asdict(grown)
        yield {**(newest or {"error": "The model gave no answer."}), "more": False}
    except Exception as error:
        log.exception("prediction failed")
        yield {"error": explain(error)[1], "more": False}


def _explained(question: dict[str, Any], value: Any) -> dict[str, Any]:
    from backend.inference.explanations import explain

    return asdict(explain(question["run"], value, question["checkpoint"], question["about"]))


class _Idle:
    """Ends the process between questions: after `seconds` without one, or where it is in the way.

    Only the end of a process gives back all that it has on a graphics card; the next question
    starts another one.
    """

    def __init__(self, seconds: float, in_the_way: Callable[[], bool]) -> None:
        self._seconds, self._since = seconds, time.monotonic()
        self._in_the_way, self._lock = in_the_way, threading.Lock()
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
            # Held so that no question is cut off half-way.
            with self._lock:
                if time.monotonic() - self._since >= self._seconds or self._is_in_the_way():
                    os._exit(0)
            time.sleep(max(0.05, min(left, LOOK_INTERVAL)))

    def _is_in_the_way(self) -> bool:
        try:
            return self._in_the_way()
        except Exception:  # a database that cannot be read now: asked again in a second
            log.exception("whether a run needs the device could not be told")
            return False


if __name__ == "__main__":
    serve()
