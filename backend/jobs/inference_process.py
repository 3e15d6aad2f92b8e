"""The inference child as its parent sees it: started on demand, asked, restarted after a crash."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backend.errors import InferenceError
from backend.inference.frames import read_frame, write_frame
from storage import files

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ["-m", "backend.inference.server"]


class InferenceProcess:
    """A handle that starts the process when a question comes; one question at a time."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is none."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> subprocess.Popen[bytes]:
        """The running child; started if there is none."""
        with self._starting:
            if self._child is None or self._child.poll() is not None:
                with (files.logs_dir() / "inference.log").open("ab") as log:
                    self._child = subprocess.Popen(
                        [sys.executable, *COMMAND],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        cwd=ROOT,
                    )
            return self._child

    def ask(
        self, question: dict[str, Any], inputs: Sequence[Any], timeout: float
    ) -> Iterator[dict[str, Any]]:
        """Send a question and wait for its replies, at most `timeout` seconds for all of them.

        Whoever stops listening before the last one ends the child. Raises InferenceError where the
        child died over it; the next question starts a new one.
        """
        for _ in range(2):
            child, heard = self.start(), False
            try:
                for reply in self._ask(child, question, inputs, timeout):
                    heard = True
                    yield reply
                return
            except (EOFError, OSError):
                # Status 0 is the idle exit, crossing our question: ask the next child.
                if child.wait(timeout=10) != 0 or heard:
                    break
        raise InferenceError(
            f"The model gave no answer within {timeout:g} seconds or its process broke down. "
            "Try again; if it happens again, try a smaller picture or a shorter text."
        )

    def _ask(
        self,
        child: subprocess.Popen[bytes],
        question: dict[str, Any],
        inputs: Sequence[Any],
        timeout: float,
    ) -> Iterator[dict[str, Any]]:
        assert child.stdin is not None
        assert child.stdout is not None
        # Killing the child is what ends a read that waits too long.
        timer = threading.Timer(timeout, child.kill)
        timer.start()
        more = True
        try:
            write_frame(child.stdin, question, inputs)
            while more:
                reply = read_frame(child.stdout)[0]
                more = reply.pop("more")
                yield reply
        except GeneratorExit:
            if more:  # what is still to come would be taken for the next question's answer
                child.kill()
            raise
        finally:
            timer.cancel()

    def stop(self) -> None:
        """End the child and wait until it is gone."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
