"""The inference process: its messages, its crashes, its idle exit and its time limit."""

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend import inference
from backend.errors import InferenceError, UsageError
from backend.inference.frames import read_frame, write_frame
from backend.jobs.inference_process import InferenceProcess

QUESTION = {"run": 999, "checkpoint": "best"}


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


def test_frames_carry_texts_and_bytes() -> None:
    stream = io.BytesIO()
    inputs = ["emoji 🙂 and עברית", b"\x00\xff" * 1000, ""]
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
    reply = process.ask(QUESTION, ["hello"], 60)
    assert reply == {"error": "There is no run 999."}
    first = process.pid
    process.ask(QUESTION, ["again"], 60)
    assert process.pid == first, "one process answers many questions"


def test_crash_costs_one_answer_and_the_next_question_works(process: InferenceProcess) -> None:
    process.ask(QUESTION, ["warm"], 60)
    pid = process.pid
    assert pid is not None
    # Stopped first, so that the question is surely under way when the process dies.
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(InferenceError, match="broke down"):
        process.ask(QUESTION, ["x"], 60)
    assert process.ask(QUESTION, ["x"], 60) == {"error": "There is no run 999."}
    assert process.pid != pid


def test_endless_computation_is_cut_off(process: InferenceProcess) -> None:
    process.ask(QUESTION, ["warm"], 60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(InferenceError, match=r"within 0\.5 seconds"):
        process.ask(QUESTION, ["x"], 0.5)
    assert time.monotonic() - start < 10


def test_idle_process_ends_and_frees_its_memory(
    process: InferenceProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_INFERENCE_IDLE_SECONDS", "0.5")
    process.ask(QUESTION, ["x"], 60)
    until(lambda: process.pid is None)
    assert process.ask(QUESTION, ["x"], 60) == {"error": "There is no run 999."}


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
