"""Draws docs/screenshots anew from the real app with its own runs; `make screenshots` runs it."""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.app_server import ROOT, AppServer, wait_for
from tests.e2e.test_journey import SENTENCES, clear_digit
from tests.e2e.visitor import Visitor, chromium

FOLDER = ROOT / "docs" / "screenshots"
WIDTHS = {1440: 900, 390: 844}
THEMES = ("light", "dark")
MOST_HEIGHT = 1500
SETTLE = 1200
"""Milliseconds for animations and fonts; a picture is no test, a wait does no harm here."""

Scene = Callable[[Visitor], None]


def take(browser: Browser, address: str, name: str, scene: Scene, only: set[str]) -> None:
    """One scene in both widths and both themes."""
    if only and name not in only:
        return
    for width, height in WIDTHS.items():
        for theme in THEMES:
            visitor = Visitor(
                browser,
                address,
                color_scheme=theme,
                viewport={"width": width, "height": height},
                is_mobile=width < 500,
                has_touch=width < 500,
            )
            scene(visitor)
            fit_height(visitor, height)
            visitor.page.wait_for_timeout(SETTLE)
            save(visitor.page.screenshot(), FOLDER / f"{name}-{theme}-{width}.png")
            visitor.close()
    print(name, flush=True)


def fit_height(visitor: Visitor, least: int) -> None:
    """Make the window as high as the page, within reason: the page scrolls inside itself."""
    code = "document.querySelector('[data-testid=\"stMain\"]').scrollHeight"
    wanted = int(visitor.page.evaluate(code))
    size = visitor.page.viewport_size
    assert size is not None
    height = max(least, min(wanted, MOST_HEIGHT))
    visitor.page.set_viewport_size({"width": size["width"], "height": height})


def save(data: bytes, path: Path) -> None:
    """With a palette of 256 colours: a third of the size, and no difference to see."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


# ------------------------------------------------------------------------------- the runs


def start(task: str, dataset: str, model: str, name: str, **config: object) -> int:
    from backend import runs

    return runs.start_run(task=task, dataset=dataset, model=model, name=name, config=config).id


def wait_for_status(run_id: int, *wanted: str) -> None:
    from backend import jobs, runs

    def reached() -> bool:
        jobs.ensure_supervisor()
        return runs.get_run(run_id).status in wanted

    wait_for(f"run {run_id} to be {' or '.join(wanted)}", reached, 600)


def finished_runs() -> dict[str, int]:
    """One of each kind, as a home looks after an afternoon."""
    from backend import runs

    image, text = "image-classification", "text-classification"
    made = {"digits": start(image, "mnist", "mlp", "Handwritten digits")}
    made["languages"] = start(text, "languages", "embedding-bag", "Which language is it?")
    made["topics"] = start(text, "topics", "gru", "What is it about?")
    made["failed"] = start(
        image,
        "mnist",
        "mlp",
        "A learning rate of 10",
        optimizer="sgd",
        learning_rate=10.0,
        momentum=0.999,
        max_grad_norm=0.0,
        warmup_steps=0,
    )
    made["stopped"] = start(image, "digits", "cnn", "Tiny digits, long", epochs=500)
    wait_for_status(made["stopped"], "running")
    wait_for("some epochs", lambda: runs.get_run(made["stopped"]).epoch > 3, 300)
    runs.stop_run(made["stopped"])
    wait_for_status(made["stopped"], "stopped")
    return made


def interrupt(run_id: int) -> None:
    """Let the run look as one whose computer was switched off."""
    from backend import runs
    from storage import runs as stored
    from storage.records import Reason, RunStatus

    stored.requeue_run(run_id, runs.get_run(run_id).config, "")
    stored.move_run(
        run_id, RunStatus.LOST, when=list(RunStatus), reason=Reason.HOST_LOST,
        message="The computer was switched off at about 14:02.",
    )  # fmt: skip


def live_run() -> int:
    """A run that trains for as long as the pictures take, seen after some epochs."""
    from backend import runs

    number = start("image-classification", "mnist", "cnn", "Digits with a small CNN", epochs=60)
    wait_for("some epochs", lambda: runs.get_run(number).epoch > 4, 900)
    return number


# ------------------------------------------------------------------------------- the scenes


def at(path: str, title: str) -> Scene:
    """A page that only has to be opened."""

    def scene(visitor: Visitor) -> None:
        visitor.open(path)
        visitor.title(title)

    return scene


def run_page(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/run?run={number}")
        wait_for("the curves", lambda: visitor.points() > 2)

    return scene


def failed_page(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/run?run={number}")
        visitor.status("Failed")

    return scene


def picture_answer(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/playground?run={number}")
        visitor.page.locator('input[type="file"]').first.set_input_files(
            {"name": "my three.jpg", "mimeType": "image/jpeg", "buffer": clear_digit(3)}
        )
        answered(visitor)

    return scene


def text_answer(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/playground?run={number}")
        # Headless browsers often lack fonts for Thai or Chinese: other examples, then.
        examples = visitor.page.locator('[class*="st-key-play_0_"]')
        turn = 0
        expect(examples.first).to_be_visible()
        while not all(is_drawable(words) for words in examples.all_inner_texts()) and turn < 20:
            turn += 1
            visitor.press("Others")
            examples = visitor.page.locator(f'[class*="st-key-play_{turn}_"]')
            expect(examples.first).to_be_visible()
        visitor.page.get_by_label("Your text").fill(SENTENCES["german"])
        visitor.press("Ask")
        answered(visitor)

    return scene


def is_drawable(words: str) -> bool:
    """Latin, Greek or Cyrillic: what every system has fonts for."""
    return all(ord(sign) < 0x530 or 0x2000 <= ord(sign) < 0x2070 for sign in words)


def answered(visitor: Visitor) -> None:
    answer = visitor.page.locator('[class*="st-key-card_answer"]')
    expect(answer.get_by_role("heading", level=2)).to_be_visible()
    visitor.settled()


@contextmanager
def fresh_app() -> Iterator[AppServer]:
    """The app on a home of its own, which is also this process's home."""
    with tempfile.TemporaryDirectory(prefix="trainroom-screenshots-") as folder:
        home = Path(folder) / "home"
        os.environ["TRAINROOM_HOME"] = str(home)
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # the browser needs a core as well
        with AppServer(home) as server:
            yield server


def main(names: list[str]) -> None:
    """Take all scenes, or those that are named."""
    only = set(names)
    with fresh_app() as server, chromium() as browser:
        from backend import datasets

        datasets.prepare_bundled()

        def shot(name: str, scene: Scene) -> None:
            take(browser, server.address, name, scene, only)

        shot("home-empty", at("/", "Welcome to Trainroom"))
        first = start("image-classification", "digits", "mlp", "My first run")
        wait_for_status(first, "finished")
        shot("home-one", at("/", "Home"))
        runs = finished_runs()
        mnist = datasets.get_dataset("mnist").id
        shot("failed", failed_page(runs["failed"]))
        shot("stopped", run_page(runs["stopped"]))
        shot("storage", at("/storage", "Storage"))
        shot("settings", at("/settings", "Settings"))
        interrupt(runs["stopped"])
        shot("home-interrupted", at("/", "Home"))
        shot("playground-image", picture_answer(runs["digits"]))
        shot("playground-text", text_answer(runs["languages"]))
        shot("new-run", at("/new", "New run"))
        shot("data-sets", at("/data", "Data sets"))
        shot("data", at(f"/dataset?data={mnist}", "MNIST digits"))
        live = live_run()
        shot("run", run_page(live))
        shot("home", at("/", "Home"))
        shot("runs", at("/runs", "Runs"))


if __name__ == "__main__":
    main(sys.argv[1:])
