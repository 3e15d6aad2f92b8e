"""How far a live curve is behind: from the commit of a point to its line in the browser."""

import argparse
import sys
import threading
import time
from pathlib import Path

from tests.benchmarks.report import Table, percentile, publish
from tests.benchmarks.rooms import fresh_home
from tests.e2e.app_server import AppServer, wait_for
from tests.e2e.visitor import Visitor, chromium

# Notes, once per frame, when each step is first part of the drawn loss curve.
WATCH = """() => {
    window.seen = {};
    const look = () => {
        const plot = document.querySelector(".lr-loss .lr-plot");
        const now = performance.timeOrigin + performance.now();
        for (const line of (plot && plot.data) || []) {
            for (let i = line.x.length - 1; i >= 0; i--) {
                if (line.x[i] in window.seen) break;
                window.seen[line.x[i]] = now;
            }
        }
        requestAnimationFrame(look);
    };
    look();
}"""


class Writer(threading.Thread):
    """Writes one point every so often, as the worker's recorder does, and notes its commit."""

    def __init__(self, interval: float) -> None:
        super().__init__(daemon=True)
        from backend import datasets
        from storage import runs
        from storage.records import RunStatus

        dataset = datasets.get_dataset("mnist")
        self.run_id = runs.create_run(
            name="Written by a benchmark",
            task=dataset.task,
            model="mlp",
            dataset_id=dataset.id,
            dataset_name=dataset.name,
            config={"epochs": 1},
        ).id
        claimed = runs.claim_run(
            lambda run, active: "cpu", pid=1, process_started=0.0, host="elsewhere"
        )
        assert claimed is not None
        self.token = claimed[1]
        runs.move_run(self.run_id, RunStatus.RUNNING, when=[RunStatus.STARTING], message="")
        self.interval, self.ending = interval, threading.Event()
        self.commits: dict[int, float] = {}

    def run(self) -> None:
        from storage import database, metrics, runs

        step = 0
        while not self.ending.wait(self.interval):
            step += 1
            with database.write() as session:
                runs.record_progress(
                    session,
                    self.run_id,
                    self.token,
                    step=step,
                    total_steps=100_000,
                    epoch=0.0,
                    metrics={"train/loss": 1 / step},
                    best_step=None,
                )
                point = (step, 1 / step, 0.0, time.time())
                metrics.append_points(session, self.run_id, 1, {"train/loss": [point]})
            self.commits[step] = time.time()


def measure(seconds: float, interval: float) -> list[float]:
    """Milliseconds of delay of every point."""
    with fresh_home() as home:
        from backend import datasets

        datasets.prepare_bundled()
        writer = Writer(interval)
        return watch(home, writer, seconds)


def watch(home: Path, writer: Writer, seconds: float) -> list[float]:
    with (
        AppServer(home, TRAINROOM_STANDBY_WORKER="0") as server,
        chromium() as browser,
    ):
        visitor = Visitor(browser, server.address)
        writer.start()
        visitor.open(f"/run?run={writer.run_id}")
        wait_for("the curve", lambda: visitor.points() > 3)
        visitor.page.evaluate(WATCH)
        first = max(writer.commits) + 1
        time.sleep(seconds)
        last = max(writer.commits)
        wait_for("the last point", lambda: visitor.last_step() >= last)
        seen = {int(step): moment for step, moment in visitor.page.evaluate("window.seen").items()}
        writer.ending.set()
        writer.join()
        visitor.close()
    return [
        seen[step] - 1000 * moment
        for step, moment in writer.commits.items()
        if first <= step <= last and step in seen
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--interval", type=float, default=0.05, help="seconds between points")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    delays = measure(options.seconds, options.interval)
    columns = ("milliseconds", "median", "95th percentile", "longest")
    table = Table("live", "From a written point to the line in the browser", columns)
    shown = [f"{percentile(delays, share):.0f}" for share in (0.5, 0.95, 1.0)]
    table.add(f"{len(delays):,} points, one each {1000 * options.interval:.0f} ms", *shown)
    table.notes.append(
        "Written into the database by another process, read by the app's server, drawn "
        "in a headless Chromium; the moment is the first frame whose curve holds the point."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
