"""The inference process: its messages, its crashes, its idle exit and its time limit."""

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import inference
from backend.errors import InferenceError, UsageError
from backend.inference.frames import read_frame, write_frame
from backend.jobs import inference_process
from backend.jobs.inference_process import InferenceProcess

QUESTION = {"run": 999, "checkpoint": "best", "options": {}, "stream": False}


@pytest.fixture
def process(home: Path) -> Iterator[InferenceProcess]:
    process = InferenceProcess()
    yield process
    process.stop()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def ask(process: InferenceProcess, inputs: list[str], timeout: float = 60) -> dict[str, Any]:
    [reply] = process.ask(QUESTION, inputs, timeout)
    return reply


def test_frames_carry_texts_and_bytes() -> None:
    stream = io.BytesIO()
    inputs = ["emoji 🙂 and עברית", b"\x00\xff" * 1000, "", [b"one", b"two"], ["a", "b"]]
    write_frame(stream, {"run": 1}, inputs)
    stream.seek(0)
    assert read_frame(stream) == ({"run": 1}, inputs)
    with pytest.raises(EOFError):
        read_frame(stream)


def test_cut_frame_is_an_end_not_a_hang() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"run": 1}, ["hello"])
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(stream.getvalue()[:-2]))


def test_unknown_run_comes_back_as_a_sentence(process: InferenceProcess) -> None:
    reply = ask(process, ["hello"], 60)
    assert reply == {"error": "There is no run 999."}
    first = process.pid
    ask(process, ["again"], 60)
    assert process.pid == first, "one process answers many questions"


def test_crash_costs_one_answer_and_the_next_question_works(process: InferenceProcess) -> None:
    ask(process, ["warm"], 60)
    pid = process.pid
    assert pid is not None
    # Stopped first, so that the question is surely under way when the process dies.
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(InferenceError, match="broke down"):
        ask(process, ["x"], 60)
    assert ask(process, ["x"], 60) == {"error": "There is no run 999."}
    assert process.pid != pid


def test_endless_computation_is_cut_off(process: InferenceProcess) -> None:
    ask(process, ["warm"], 60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(InferenceError, match=r"within 0\.5 seconds"):
        ask(process, ["x"], 0.5)
    assert time.monotonic() - start < 10


def test_idle_process_ends_and_frees_its_memory(
    process: InferenceProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_INFERENCE_IDLE_SECONDS", "0.5")
    ask(process, ["x"], 60)
    until(lambda: process.pid is None)
    assert ask(process, ["x"], 60) == {"error": "There is no run 999."}


IN_THE_WAY = """
import sys
from pathlib import Path
from backend.inference import predictor, server

predictor.is_in_the_way = Path(sys.argv[1]).exists
server.serve()
"""


def test_a_process_in_the_way_of_a_training_ends(
    process: InferenceProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It frees the whole card by its end; the next question is answered by another one."""
    needed = tmp_path / "a run needs the card"
    monkeypatch.setattr(inference_process, "COMMAND", ["-c", IN_THE_WAY, str(needed)])
    ask(process, ["x"], 60)
    child = process.start()
    needed.touch()
    assert child.wait(timeout=20) == 0
    needed.unlink()
    assert ask(process, ["x"], 60) == {"error": "There is no run 999."}


def test_process_ends_with_the_app(process: InferenceProcess) -> None:
    child = process.start()
    assert child.stdin is not None
    child.stdin.close()  # what the kernel does when the app is killed
    assert child.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [([], "nothing to predict"), (["  "], "text is empty"), (["x"] * 1001, "At most 1000")],
)
def test_bad_questions_get_a_sentence(home: Path, inputs: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        inference.predict(1, inputs)


class GrowingChild:
    """Stands for the child: its replies lie ready, and it can be killed."""

    def __init__(self, replies: list[dict[str, Any]]) -> None:
        self.stdin, self.stdout, self.killed = io.BytesIO(), io.BytesIO(), False
        for reply in replies:
            write_frame(self.stdout, reply)
        self.stdout.seek(0)

    def kill(self) -> None:
        self.killed = True


def test_an_answer_may_grow_and_whoever_leaves_early_ends_the_child(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = [
        {"text": "a", "more": True},
        {"text": "ab", "more": True},
        {"text": "abc", "more": False},
    ]
    process = InferenceProcess()
    for heard, killed in ((3, False), (1, True)):
        child = GrowingChild(grown)
        monkeypatch.setattr(process, "start", lambda child=child: child)
        replies = process.ask(QUESTION, ["x"], 60)
        texts = [next(replies)["text"] for _ in range(heard)]
        replies.close()  # type: ignore[attr-defined]
        assert texts == ["a", "ab", "abc"][:heard]
        assert child.killed is killed
