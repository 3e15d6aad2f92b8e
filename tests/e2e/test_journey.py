"""The whole journey in a real browser: choose, train, watch, come back, stop, finish, try."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.app_server import ROOT, AppServer, wait_for
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

SENTENCES = {
    "english": "I do not know what the weather will be like tomorrow, do you?",
    "german": "Ich weiß nicht, wie das Wetter morgen wird, und du?",
}


def test_the_whole_journey(
    server: AppServer, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINROOM_HOME", str(server.home))
    visitor.open()
    visitor.title("Welcome to Trainroom")

    long_run = start_a_long_run(visitor)
    watch_the_curve_grow(visitor)
    come_back(visitor, long_run)
    stop_it(visitor)

    finish_a_run_on_digits(visitor)
    try_a_picture(visitor)
    finish_a_run_on_languages(visitor)
    try_sentences(visitor)
    find_all_runs(visitor)


def start_a_long_run(visitor: Visitor) -> str:
    """By the form, with a setting changed; returns the run's address."""
    visitor.go("New run")
    visitor.choose("Image classification")
    visitor.choose("MNIST digits")
    visitor.choose("Small CNN")
    visitor.fill("Epochs", "400")
    visitor.fill("Name of this run", "A long one")
    visitor.press("Start training")
    visitor.title("A long one")
    visitor.status("Training")
    return visitor.page.url.removeprefix(visitor.address)


def watch_the_curve_grow(visitor: Visitor) -> None:
    wait_for("the first points", lambda: visitor.points() >= 2)
    bar = visitor.page.get_by_role("progressbar", name="Progress of the training")
    expect(bar).to_be_visible()
    seen = visitor.last_step()
    for _ in range(3):
        seen = wait_for("a longer curve", lambda before=seen: more_than(visitor, before))


def more_than(visitor: Visitor, before: float) -> float | None:
    now = visitor.last_step()
    return now if now > before else None


def come_back(visitor: Visitor, address: str) -> None:
    """After a reload, and in a new tab from the home page with one click."""
    before = visitor.last_step()
    visitor.reload()
    visitor.status("Training")
    wait_for("the curve after the reload", lambda: visitor.last_step() > before)
    visitor.new_tab()
    visitor.open()
    visitor.page.get_by_role("link", name="Back to the training").click()
    visitor.title("A long one")
    assert visitor.page.url.removeprefix(visitor.address) == address
    wait_for("the curve in the new tab", lambda: visitor.last_step() > before)


def stop_it(visitor: Visitor) -> None:
    visitor.press("Stop")
    visitor.status("Stopped")
    visitor.sees("You stopped it.")


def finish_a_run_on_digits(visitor: Visitor) -> None:
    visitor.go("New run")
    visitor.choose("Image classification")
    visitor.choose("MNIST digits")
    visitor.choose("MLP")
    visitor.fill("Name of this run", "Digits")
    visitor.press("Start training")
    visitor.title("Digits")
    visitor.status("Finished")
    visitor.sees("on examples that the model had never seen")


def try_a_picture(visitor: Visitor) -> None:
    """A photo-like picture: large, dark on light, as a JPEG file."""
    visitor.press("Try it")
    visitor.title("Playground")
    for digit in (0, 1):
        visitor.page.locator('input[type="file"]').first.set_input_files(
            {"name": f"my {digit}.jpg", "mimeType": "image/jpeg", "buffer": clear_digit(digit)}
        )
        answer = visitor.page.locator('[class*="st-key-card_answer"]')
        expect(answer.get_by_role("heading", level=2)).to_have_text(str(digit))
        expect(answer.get_by_text(" ms on ")).to_be_visible()
        visitor.page.get_by_role("button", name="Remove").first.click()
        visitor.settled()


def clear_digit(digit: int) -> bytes:
    """The test picture of MNIST that lies nearest to its digit's mean, as a photo of it."""
    from backend import datasets
    from backend.datasets.store import Store

    dataset = datasets.get_dataset("mnist")
    store = Store.open(dataset.id)
    pictures = np.asarray(store.stacked(), np.float64)[..., 0]
    here = store.labels == dataset.classes.index(str(digit))
    mean = pictures[here].mean(axis=0)
    test = [index for index in store.indices("test") if here[index]]
    best = min(test, key=lambda index: float(np.square(pictures[index] - mean).sum()))
    paper = Image.fromarray(255 - store.image(best)[..., 0]).resize((420, 420))
    file = io.BytesIO()
    paper.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


def finish_a_run_on_languages(visitor: Visitor) -> None:
    visitor.go("New run")
    visitor.choose("Text classification")
    visitor.choose("Which language is it?")
    visitor.choose("Bag of embeddings")
    visitor.fill("Name of this run", "Languages")
    visitor.press("Start training")
    visitor.title("Languages")
    visitor.status("Finished")


def try_sentences(visitor: Visitor) -> None:
    visitor.press("Try it")
    visitor.title("Playground")
    for language, sentence in SENTENCES.items():
        visitor.page.get_by_label("Your text").fill(sentence)
        visitor.press("Ask")
        answer = visitor.page.locator('[class*="st-key-card_answer"]')
        heading = answer.get_by_role("heading", level=2)
        expect(heading).to_have_text(language, ignore_case=True)


def find_all_runs(visitor: Visitor) -> None:
    visitor.go("Home")
    for name in ("A long one", "Digits", "Languages"):
        visitor.sees(name)
    visitor.go("Runs")
    expect(visitor.page.get_by_test_id("stDataFrame").first).to_be_visible()


def test_a_killed_server_changes_nothing_for_the_run(
    server: AppServer, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of the server in the middle: training goes on, and the run is there again."""
    monkeypatch.setenv("TRAINROOM_HOME", str(server.home))
    from backend import runs

    run_id = start_by_command_line(server.home)
    visitor.open(f"/run?run={run_id}")
    visitor.status("Training")
    wait_for("the curve", lambda: visitor.points() >= 2)

    server.stop(signal.SIGKILL)
    step = runs.get_run(run_id).step
    wait_for("more steps without a server", lambda: runs.get_run(run_id).step > step + 5)
    server.start()
    visitor.errors.clear()  # the tab rightly said that the server was gone

    visitor.new_tab()
    visitor.open(f"/run?run={run_id}")
    visitor.status("Training")
    before = visitor.last_step()
    wait_for("the curve going on", lambda: visitor.last_step() > before)
    assert runs.get_run(run_id).attempt == 1
    visitor.press("Stop")
    visitor.status("Stopped")
    visitor.errors.clear()


def start_by_command_line(home: Path) -> int:
    import json

    command = [sys.executable, "-m", "backend", "train", "--task", "image-classification"]
    command += ["--dataset", "mnist", "--model", "mlp", "--set", "epochs=1000", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)["run"])
