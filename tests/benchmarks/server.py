"""The app's server: start to first page, memory, page switches with 1,000 runs, a long curve."""

import argparse
import asyncio
import gzip
import sys
import tempfile
import time
from collections.abc import Callable

from playwright.sync_api import Browser

from tests.benchmarks.protocol import Tab
from tests.benchmarks.report import Table, median, percentile, publish, spread
from tests.benchmarks.rooms import fresh_home
from tests.e2e.app_server import AppServer
from tests.e2e.visitor import chromium

RUNS = 1_000
POINTS = 1_000_000
CHUNK = 1_000
EMPTY = 'import streamlit as st\n\nst.title("Empty")\n'


def first_page(browser: Browser, server: AppServer) -> float:
    """Seconds from `streamlit run` to a drawn title, with a fresh browser profile."""
    context = browser.new_context()
    page = context.new_page()
    begun = time.perf_counter()
    server.start()
    page.goto(server.address)
    page.get_by_role("heading", level=1).first.wait_for()
    seconds = time.perf_counter() - begun
    context.close()
    return seconds


def measure_starts(repeats: int) -> tuple[list[float], list[float]]:
    """Of the app with a prepared home, and of an empty app, in turns."""
    ours, empty = [], []
    with (
        fresh_home() as home,
        chromium() as browser,
        tempfile.NamedTemporaryFile("w", suffix=".py") as script,
    ):
        from backend import datasets

        datasets.prepare_bundled()
        script.write(EMPTY)
        script.flush()
        for _ in range(repeats):
            with AppServer(home) as server:
                server.stop()
                ours.append(first_page(browser, server))
            bare = AppServer(home, script.name)
            empty.append(first_page(browser, bare))
            bare.stop()
    return ours, empty


def fill_home(runs_stored: int) -> tuple[int, str]:
    """Ended runs with short curves, and one with a very long one; its number, a data set's id."""
    import numpy as np

    from backend import datasets
    from storage import database, metrics, runs
    from storage.records import Reason, RunStatus

    datasets.prepare_bundled()
    dataset = datasets.get_dataset("mnist")
    rng = np.random.default_rng(0)

    def add(number: int, points: int) -> int:
        run = runs.create_run(
            name=f"Run {number}",
            task=dataset.task,
            model="mlp",
            dataset_id=dataset.id,
            dataset_name=dataset.name,
            config={"epochs": 5},
        )
        claimed = runs.claim_run(
            lambda run, active: "cpu", pid=1, process_started=0.0, host="benchmark"
        )
        assert claimed is not None
        _, token = claimed
        losses = np.exp(-np.linspace(0, 4, points)) + 0.05 * rng.random(points)
        for start in range(0, points, CHUNK):
            chunk = range(start + 1, min(start + CHUNK, points) + 1)
            values = [(step, float(losses[step - 1]), step / 100, float(step)) for step in chunk]
            with database.write() as session:
                metrics.append_points(session, run.id, 1, {"train/loss": values})
        with database.write() as session:
            runs.record_progress(
                session,
                run.id,
                token,
                step=points,
                total_steps=points,
                epoch=5.0,
                metrics={"train/loss": 0.1, "test/accuracy": 0.5 + number / 3000},
                best_step=points,
            )
        end = (RunStatus.FINISHED, None, "") if number % 10 else (
            RunStatus.FAILED, Reason.NAN_LOSS, "The loss was no longer a number.")  # fmt: skip
        runs.move_run(
            run.id, end[0], when=[RunStatus.STARTING], reason=end[1], message=end[2]
        )  # fmt: skip
        return run.id

    for number in range(1, runs_stored + 1):
        add(number, 50)
    return add(runs_stored + 1, POINTS), dataset.id


async def measure_pages(
    address: str, addresses: dict[str, tuple[str, str]], repeats: int
) -> dict[str, list[float]]:
    """Seconds that the server takes for each page, after one visit that is not counted."""
    found: dict[str, list[float]] = {title: [] for title in addresses}
    async with Tab(address) as tab:
        for turn in range(repeats + 1):
            for title, (page, query) in addresses.items():
                answer = await tab.open(page, query)
                if turn:
                    found[title].append(answer.seconds)
    return found


def timed(action: Callable[[], bytes], repeats: int) -> tuple[list[float], bytes]:
    seconds, answer = [], b""
    for _ in range(repeats):
        begun = time.perf_counter()
        answer = action()
        seconds.append(time.perf_counter() - begun)
    return seconds, answer


def measure_server(repeats: int, runs_stored: int) -> tuple[Table, Table]:
    import psutil

    with fresh_home() as home:
        long_run, dataset = fill_home(runs_stored)
        addresses = {
            "Home": ("", ""),
            "New run": ("new", ""),
            "Runs": ("runs", ""),
            "Run": ("run", f"run={long_run - 1}"),
            f"Run with {POINTS:,} points": ("run", f"run={long_run}"),
            "Data sets": ("data", ""),
            "Data set": ("dataset", f"data={dataset}"),
            "Playground": ("playground", ""),
        }
        with AppServer(home, TRAINROOM_STANDBY_WORKER="0") as server:
            assert server.process is not None
            found = asyncio.run(measure_pages(server.address, addresses, repeats))
            memory = psutil.Process(server.process.pid).memory_info().rss / 2**20
            live, body = timed(lambda: server.get(f"/api/runs/{long_run}/live?after=0"), repeats)
    pages = Table(
        "pages",
        f"Page switches with {runs_stored:,} runs stored",
        ("server time in ms", "median", "95th percentile"),
    )
    for title, seconds in found.items():
        times = [1000 * value for value in seconds]
        pages.add(title, f"{median(times):.0f}", f"{percentile(times, 0.95):.0f}")
    pages.notes.append(
        "From the browser's message to the last message of the page, over the websocket, without "
        f"a browser. Memory of the server after all of this: **{memory:.0f} MB**."
    )
    curve = Table("long-curve", f"Opening a curve of {POINTS:,} points", ("", "measured"))
    curve.add("server time, ms", spread([1000 * value for value in live]))
    curve.add("sent, kB", f"{len(body) / 1000:.0f}")
    curve.add("sent if compressed, kB", f"{len(gzip.compress(body)) / 1000:.0f}")
    return pages, curve


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="server", description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    ours, empty = measure_starts(max(1, options.repeats // 2))
    start = Table(
        "first-page",
        "From `streamlit run` to the first page drawn in Chromium",
        ("", "seconds, median (range)"),
    )
    start.add("Trainroom, 1 home with bundled data", spread(ours, 2))
    start.add("an empty Streamlit app", spread(empty, 2))
    publish(start, keep=options.keep)
    for table in measure_server(options.repeats, options.runs):
        publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
