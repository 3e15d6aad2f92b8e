"""Draws docs/screenshots anew from the real app with its own runs; `make screenshots` runs it."""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.backend.datasets.doctor.broken import broken_pictures, broken_reviews
from tests.e2e import scenes
from tests.e2e.app_server import ROOT, AppServer
from tests.e2e.scenes import Scene
from tests.e2e.shown_runs import ShownRuns, interrupt
from tests.e2e.visitor import Visitor, chromium

FOLDER = ROOT / "docs" / "screenshots"
WIDTHS = {1440: 900, 390: 844}
THEMES = ("light", "dark")
MOST_HEIGHT = 1500
SETTLE = 1200
"""Milliseconds for animations and fonts; a picture is no test, a wait does no harm here."""


def take(browser: Browser, address: str, name: str, scene: Scene) -> None:
    """One scene in both widths and both themes."""
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
            drawn(visitor)
            visitor.page.wait_for_timeout(SETTLE)
            save(visitor.page.screenshot(), FOLDER / f"{name}-{theme}-{width}.png")
            visitor.close()
    print(name, flush=True)


def drawn(visitor: Visitor) -> None:
    """Until nothing on the page is a placeholder or a picture that is still on its way."""
    visitor.settled()
    expect(visitor.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=60_000)
    visitor.page.wait_for_function("[...document.images].every((one) => one.complete)")


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


@dataclass(frozen=True)
class Shot:
    """A picture: the run that it shows, if any, and what a visitor does on the page with it."""

    name: str
    scene: Callable[[int], Scene]
    run: str = ""
    beside: tuple[str, ...] = ()  # further runs that have to be there


def at(path: str, title: str) -> Callable[[int], Scene]:
    """A page that only has to be opened."""
    return lambda _: scenes.at(path, title)


SHOTS = (
    Shot("home-one", at("/", "Home"), "first"),
    Shot("new-run", at("/new", "New run"), "first"),
    Shot("compare", scenes.comparison, "first", beside=("slow", "convolved")),
    Shot("learn", scenes.lesson, "first"),
    Shot("new-run-measured", lambda _: scenes.measured_form, "first"),
    Shot("data-import", lambda _: scenes.table_understood),
    Shot("doctor-texts", lambda _: scenes.data_page(broken_reviews(600, "Opinions").id)),
    Shot("doctor-pictures", lambda _: scenes.data_page(broken_pictures(300, "Figures").id)),
    Shot("data-sets", at("/data", "Data sets")),
    Shot("data", lambda _: scenes.data_page("mnist")),
    Shot("data-boxes", lambda _: scenes.data_page("scenes")),
    Shot("failed", scenes.failed_page, "failed"),
    Shot("stopped", scenes.run_page, "stopped"),
    Shot("storage", at("/storage", "Storage"), "stopped"),
    Shot("settings", at("/settings", "Settings")),
    Shot("home-interrupted", at("/", "Home"), "stopped"),
    Shot("playground-image", scenes.picture_answer, "digits"),
    Shot("playground-text", scenes.text_answer, "languages"),
    Shot("why-image", scenes.explained(scenes.picture_answer), "digits"),
    Shot("why-text", scenes.explained(scenes.typed_answer("How far is the moon?")), "topics"),
    Shot("mistakes", scenes.mistakes, "digits"),
    Shot("mistakes-learned", scenes.learned_labels, "digits"),
    Shot("words", at("/words", "Words")),
    Shot("playground-boxes", scenes.boxes_answer, "scenes"),
    Shot("run-boxes", scenes.run_page, "scenes"),
    Shot("playground-translation", scenes.typed_answer("vendredi 13 juin 2031, 08:05"), "dates"),
    Shot("run-translation", scenes.run_page, "dates"),
    Shot("playground-summarization", scenes.clicked_answer, "reports"),
    Shot("playground-pair", scenes.clicked_answer, "signs"),
    Shot("playground-sound", scenes.clicked_answer, "commands"),
    Shot("playground-items", scenes.clicked_answer, "films"),
    Shot("playground-writing", scenes.typed_answer("HAMLET:\nTo be, or not"), "writing"),
    Shot("playground-words", scenes.typed_answer("king - man + woman"), "words"),
    Shot("run-words", scenes.run_page, "words"),
    Shot("reading-timid", scenes.run_page, "timid"),
    Shot("reading-heart", scenes.run_page, "heart"),
    Shot("reading-short", scenes.run_page, "short"),
    Shot("run", scenes.run_page, "live"),
    Shot("home", at("/", "Home"), "live"),
    Shot("runs", at("/runs", "Runs"), "live"),
)


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
    """Take all pictures, or those that are named."""
    shots = [shot for shot in SHOTS if not names or shot.name in names]
    with fresh_app() as server, chromium() as browser:
        from backend import datasets

        datasets.prepare_bundled()
        if not names or "home-empty" in names:
            take(browser, server.address, "home-empty", scenes.at("/", "Welcome to Trainroom"))
        runs = ShownRuns()
        for shot in shots:
            for key in shot.beside:
                runs.get(key)
            number = runs.get(shot.run) if shot.run else 0
            if shot.name == "home-interrupted":
                interrupt(number)
            take(browser, server.address, shot.name, shot.scene(number))


if __name__ == "__main__":
    main(sys.argv[1:])
