"""The live charts in a real browser, fed by rows written straight into storage."""

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.jobs.liveness import ProcessLock
from backend.runs import RunStatus, list_runs
from storage import database, events, files, metrics, runs
from tests.e2e.app_server import AppServer, wait_for
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

TOTAL = 4000
RANGE = "document.querySelector('.lr-loss .lr-plot').layout.xaxis.range"


class Trainer:
    """Writes a run's rows as a worker would."""

    def __init__(self) -> None:
        run = runs.create_run(
            name="Live", task="image-classification", model="mlp", dataset_id="mnist",
            dataset_name="mnist", config={"epochs": 10},
        )  # fmt: skip
        self.id, self.step, self.total = run.id, 0, TOTAL
        self.claim()

    def claim(self) -> None:
        claimed = runs.claim_run(
            lambda run, _: "cpu" if run.name == "Live" else None,
            pid=1, process_started=0.0, host="elsewhere",
        )  # fmt: skip
        assert claimed is not None
        self.token, self.attempt = claimed[1], claimed[0].attempt
        runs.move_run(self.id, RunStatus.RUNNING, when=[RunStatus.STARTING], message="Training.")

    def train(self, steps: int, rise: float = 0.0) -> None:
        """rise: what the validation loss is higher by than the training loss would have it."""
        now = time.time()
        fresh = range(self.step + 1, self.step + steps + 1)
        self.step += steps
        losses = [(s, 2 * math.exp(-s / 800) + 0.1 * math.sin(s), s / 400, now) for s in fresh]
        checks = [
            (s, 2 * math.exp(-s / 800) + 0.1 + rise, s / 400, now) for s in fresh if s % 100 == 0
        ]
        rights = [(s, 1 - value / 3, epoch, at) for s, value, epoch, at in checks]
        points: dict[str, Any] = {
            "train/loss": losses, "val/loss": checks, "val/accuracy": rights,
            "lr": [(s, 0.05, epoch, at) for s, _, epoch, at in losses],
        }  # fmt: skip
        summary = {name: values[-1][1] for name, values in points.items() if values}
        with database.write() as session:
            metrics.append_points(session, self.id, self.attempt, points)
            runs.record_progress(
                session, self.id, self.token, step=self.step, total_steps=self.total,
                epoch=self.step / 400, metrics=summary, best_step=self.step // 100 * 100 or None,
            )  # fmt: skip

    def go_on(self) -> None:
        """Stop, and go on as the next attempt."""
        runs.move_run(self.id, RunStatus.STOPPED, when=[RunStatus.RUNNING], token=self.token)
        assert runs.requeue_run(self.id, {"epochs": 10}, "Waiting to go on.")
        self.claim()

    def end(self) -> None:
        runs.move_run(
            self.id, RunStatus.FINISHED, when=[RunStatus.RUNNING], token=self.token, message="Done."
        )

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Ten steps every 0.1 s for as long as the block runs."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(0.1):
                self.train(10)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app without a supervisor: its warm worker would take the runs that Trainer claims."""
    home = tmp_path_factory.mktemp("live") / "home"
    lock = ProcessLock(home / "locks" / "supervisor.lock")
    assert lock.acquire()
    with AppServer(home) as server:
        yield server
    lock.release()


@pytest.fixture
def trainer(server: AppServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainer]:
    monkeypatch.setenv("TRAINROOM_HOME", str(server.home))
    trainer = Trainer()
    trainer.train(800)
    yield trainer
    trainer.end()
    assert list_runs()


def step_shown(visitor: Visitor) -> int:
    return int(visitor.page.locator(".lr-tile dd").first.inner_text().replace(",", "") or 0)


def watch(visitor: Visitor, trainer: Trainer) -> None:
    visitor.open(f"/run?run={trainer.id}")
    wait_for("the curve", lambda: visitor.points() > 10)
    visitor.page.evaluate("window.firstPlot = document.querySelector('.lr-loss .main-svg')")


def drag(visitor: Visitor, first: float, last: float) -> None:
    """Drag over the loss chart, from one share of its width to another."""
    box = visitor.page.locator(".lr-loss .lr-plot .nsewdrag").bounding_box()
    assert box is not None
    mouse, height = visitor.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + first * box["width"], height)
    mouse.down()
    mouse.move(box["x"] + last * box["width"], height + 3, steps=6)
    mouse.up()


def test_zoom_and_hidden_curves_outlive_updates(visitor: Visitor, trainer: Trainer) -> None:
    watch(visitor, trainer)
    drag(visitor, 0.25, 0.5)
    show_all = visitor.page.get_by_role("button", name="Show all")
    expect(show_all).to_be_visible()
    first, last = visitor.page.evaluate(RANGE)
    assert (first, last) == pytest.approx((202, 404), abs=20)

    key = visitor.page.locator(".lr-loss .lr-key", has_text="Validation")
    key.click()
    expect(key).to_have_attribute("aria-pressed", "false")
    before = step_shown(visitor)
    with trainer.going_on():
        wait_for("ten updates", lambda: step_shown(visitor) > before + 300)
    assert visitor.page.evaluate(RANGE) == [first, last]
    expect(key).to_have_attribute("aria-pressed", "false")
    hidden = "document.querySelector('.lr-loss .lr-plot').data.at(-1).visible"
    assert visitor.page.evaluate(hidden) is False
    # The other charts look at the same steps.
    other = RANGE.replace("lr-loss", "lr-accuracy")
    assert visitor.page.evaluate(other) == [first, last]

    show_all.click()
    wait_for("the whole curve", lambda: visitor.page.evaluate(RANGE)[1] > trainer.step - 1)
    same = "window.firstPlot === document.querySelector('.lr-loss .main-svg')"
    assert visitor.page.evaluate(same), "the chart was built anew instead of being extended"


def test_what_the_curves_show_is_told_marked_and_its_button_works(
    visitor: Visitor, trainer: Trainer
) -> None:
    watch(visitor, trainer)
    row = visitor.page.locator(".lr-found li")
    expect(row).to_have_count(0)
    trainer.train(400, rise=0.6)
    expect(row).to_have_count(1, timeout=15_000)
    expect(row).to_contain_text("it learns the examples by heart")
    expect(row).to_contain_text("step 800")
    marks = "document.querySelector('.lr-loss .lr-plot').layout.annotations.map((one) => one.text)"
    wait_for("the mark", lambda: "learns by heart" in visitor.page.evaluate(marks))
    row.get_by_role("button", name="Stop it now").click()
    visitor.status("Stopping")


def test_a_page_that_is_watched_leaves_the_processor_to_the_training(
    visitor: Visitor, trainer: Trainer
) -> None:
    visitor.page.set_viewport_size({"width": 1440, "height": 2600})
    watch(visitor, trainer)
    drawings = """() => {
        window.drawn = {loss: 0, rate: 0};
        for (const name in window.drawn) {
            const plot = document.querySelector(`.lr-${name} .lr-plot`);
            plot.on("plotly_afterplot", () => window.drawn[name]++);
        }
    }"""
    wait_for("the small chart", lambda: visitor.last_step("rate") == trainer.step)
    visitor.page.evaluate(drawings)
    begun = time.monotonic()
    for _ in range(8):
        trainer.train(10)
        wait_for("the curve", lambda: visitor.last_step() == trainer.step)
    most = (time.monotonic() - begun) / 2 + 2
    drawn = visitor.page.evaluate("window.drawn")
    assert drawn["loss"] >= 8
    assert drawn["rate"] <= most
    wait_for("the small chart", lambda: visitor.last_step("rate") == trainer.step)


def test_what_is_scrolled_away_is_drawn_when_it_comes_back(
    visitor: Visitor, trainer: Trainer
) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 300})
    watch(visitor, trainer)
    wait_for("the small chart", lambda: visitor.last_step("rate") == trainer.step)
    before = trainer.step
    visitor.page.locator(".lr-loss").scroll_into_view_if_needed()
    with trainer.going_on():
        wait_for("ten updates", lambda: visitor.last_step() > before + 300)
        # Longer than a small chart in sight would have stayed as it was.
        wait_for("more updates", lambda: visitor.last_step() > before + 600)
        assert visitor.last_step("rate") == before
    visitor.page.locator(".lr-rate").scroll_into_view_if_needed()
    # Of many points, a chart shows the lowest and the highest of each few steps.
    wait_for("the small chart", lambda: visitor.last_step("rate") > trainer.step - 10)


def test_the_end_changes_the_buttons_and_keeps_the_chart(
    visitor: Visitor, trainer: Trainer
) -> None:
    watch(visitor, trainer)
    expect(visitor.page.get_by_role("button", name="Stop")).to_be_visible()
    trainer.end()
    visitor.status("Finished")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(visitor.page.get_by_role("button", name="Try it")).to_be_visible()
    same = "window.firstPlot === document.querySelector('.lr-loss .main-svg')"
    assert visitor.page.evaluate(same)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.wait_for_timeout(2500)
    assert not [url for url in asked if "/api/runs/" in url], "polling goes on after the end"


def test_the_charts_follow_the_theme(visitor: Visitor, trainer: Trainer) -> None:
    watch(visitor, trainer)
    colour = "document.querySelector('.lr-loss .lr-plot').layout.hoverlabel.bgcolor"
    light = visitor.page.evaluate(colour)
    visitor.page.emulate_media(color_scheme="dark")
    wait_for("dark charts", lambda: visitor.page.evaluate(colour) not in (light, None))


def test_a_run_that_went_on_has_a_mark_there(visitor: Visitor, trainer: Trainer) -> None:
    marks = """document.querySelector('.lr-loss .lr-plot').layout.annotations
        .filter(mark => mark.text === 'continued').map(mark => mark.x)"""
    watch(visitor, trainer)
    assert visitor.page.evaluate(marks) == []
    trainer.go_on()
    trainer.train(400)
    wait_for("the mark", lambda: visitor.page.evaluate(marks) == [800])
    wait_for("the whole curve", lambda: visitor.last_step() == 1200)


def test_the_end_is_told_where_that_was_asked_for(visitor: Visitor, trainer: Trainer) -> None:
    # A headless browser shows no notifications: what the page would show is written down.
    visitor.page.add_init_script("""
        window.shown = [];
        window.Notification = class {
            static permission = sessionStorage.getItem("permission") ?? "default";
            static async requestPermission() {
                this.permission = window.answer ?? "denied";
                sessionStorage.setItem("permission", this.permission);
                return this.permission;
            }
            constructor(title, options) { window.shown.push(`${title}: ${options.body}`); }
        };
    """)
    watch(visitor, trainer)
    wait_for("the tab's title", lambda: visitor.page.title() == "20 % · Live · Trainroom")
    bell = visitor.page.get_by_role("button", name="Tell me when it ends")
    bell.click()
    expect(visitor.page.locator(".lr-answer")).to_contain_text("Allow notifications")
    expect(bell).to_have_attribute("aria-pressed", "false")

    visitor.page.evaluate("window.answer = 'granted'")
    bell.click()
    on = visitor.page.get_by_role("button", name="Tells you when it ends")
    expect(on).to_have_attribute("aria-pressed", "true")
    expect(visitor.page.locator(".lr-answer")).to_be_empty()
    visitor.reload()
    expect(on).to_be_visible()
    trainer.end()
    wait_for("the message", lambda: visitor.page.evaluate("window.shown") == ["Live: Done."])
    visitor.status("Finished")
    expect(on).to_be_hidden()
    expect(visitor.page.locator(".nf-note")).to_have_count(0)  # its own page says it already
    wait_for("the tab's title", lambda: visitor.page.title() == "Live · Trainroom")


def test_the_end_is_told_on_other_pages_too(visitor: Visitor, trainer: Trainer) -> None:
    visitor.open("/words")
    with visitor.page.expect_response("**/api/ends**"):
        pass
    visitor.go("Settings")
    expect(visitor.page.get_by_role("button", name="Let this browser tell me")).to_be_visible()
    trainer.end()
    note = visitor.page.locator(".nf-note")
    expect(note).to_have_count(1)
    expect(note).to_contain_text("Done.")
    note.get_by_role("link", name="Open").click()
    visitor.status("Finished")


def test_the_history_and_the_log_go_on_by_themselves(visitor: Visitor, trainer: Trainer) -> None:
    watch(visitor, trainer)
    lines = visitor.page.locator(".rs-events li")
    expect(lines.first).to_contain_text("Training.")
    expect(visitor.page.locator(".rs-log")).to_contain_text("Nothing has been written yet.")
    asked: list[str] = []
    visitor.page.on("websocket", lambda socket: asked.append(socket.url))
    visitor.page.on("request", lambda request: asked.append(request.url))
    log = files.run_log(trainer.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("<b>a line</b>\n")
    with database.write() as session:
        events.add(session, trainer.id, trainer.attempt, "warning", "<i>Watch out</i>")
    expect(lines.first).to_contain_text("<i>Watch out</i>")
    expect(visitor.page.locator(".rs-log")).to_have_text("<b>a line</b>")
    assert all("/api/" in url for url in asked), "a live page runs no script again"


def test_the_learning_rate_has_plain_numbers(visitor: Visitor, trainer: Trainer) -> None:
    watch(visitor, trainer)
    visitor.page.locator(".lr-rate").scroll_into_view_if_needed()
    marks = visitor.page.locator(".lr-rate .ytick text")
    expect(marks.first).to_be_visible()
    assert [text for text in marks.all_text_contents() if not re.fullmatch(r"[\d.]+", text)] == []


def test_a_phone_shows_everything_without_scrolling_sideways(
    visitor: Visitor, trainer: Trainer
) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    watch(visitor, trainer)
    wider = """() => [...document.querySelectorAll('.lr-root *')]
        .filter(element => element.getBoundingClientRect().right > 391)
        .map(element => element.className.toString()).slice(0, 5)"""
    wait_for("nothing wider than the screen", lambda: visitor.page.evaluate(wider) == [])


def test_smoothing_does_not_lag_and_leaves_sparse_curves_alone(
    visitor: Visitor, trainer: Trainer
) -> None:
    watch(visitor, trainer)
    lines = visitor.page.evaluate(
        "document.querySelector('.lr-loss .lr-plot').data.map(l => [l.name ?? '', [...l.y]])"
    )
    validation = lines[2][1]
    expected = [2 * math.exp(-s / 800) + 0.1 for s in range(100, 801, 100)]
    assert validation == pytest.approx(expected, rel=1e-4)
    smoothed = visitor.page.evaluate(
        """async () => {
            const curves = await import(new URL('/assets/curves.js', document.baseURI).href);
            const steps = [...Array(1000).keys()];
            return curves.smooth(steps, steps.map(s => Math.exp(-s / 100)), 0.9, 1000);
        }"""
    )
    # An average of the past alone lies a fifth above a curve that falls like this.
    assert smoothed[300] == pytest.approx(math.exp(-3), rel=0.06)


def test_the_beginning_of_a_long_run_is_smoothed_as_little_as_its_end(
    visitor: Visitor, trainer: Trainer
) -> None:
    trainer.total = 100 * TOTAL
    trainer.train(10)
    watch(visitor, trainer)
    lines = visitor.page.evaluate(
        "document.querySelector('.lr-loss .lr-plot').data.map(l => [[...l.x], [...l.y]])"
    )
    away = [abs(y - 2 * math.exp(-x / 800)) for x, y in zip(*lines[1], strict=True)]
    assert max(away) < 0.1


def test_a_lost_connection_is_told_and_found_again(visitor: Visitor, trainer: Trainer) -> None:
    watch(visitor, trainer)
    words = visitor.page.locator(".lr-words")
    visitor.page.route("**/api/runs/**", lambda route: route.abort())
    expect(words).to_contain_text("No connection")
    visitor.page.unroute("**/api/runs/**")
    trainer.train(10)
    expect(words).to_contain_text("% done")
    visitor.errors.clear()
    trainer.end()
    visitor.status("Finished")
