"""From "start" to the first loss value in the database: with a warm worker and with a cold one."""

import argparse
import sys
import time

from tests.benchmarks.report import Table, publish, spread
from tests.benchmarks.rooms import fresh_home, wait_for_end, wait_for_warm_worker
from tests.e2e.app_server import wait_for

CASES = (("image-classification", "mnist", "mlp"), ("text-classification", "languages", "embedding-bag"))  # fmt: skip  # noqa: E501


def first_value(task: str, dataset: str, model: str) -> tuple[float, int]:
    """Seconds from start_run to a readable train/loss, and the run's number."""
    from backend import runs

    begun = time.perf_counter()
    run = runs.start_run(task=task, dataset=dataset, model=model, config={"epochs": 1})
    wait_for("the first loss", lambda: runs.read_metrics(run.id, ["train/loss"]), 120)
    return time.perf_counter() - begun, run.id


def pre_flight(task: str, dataset: str, model: str, *, wait: bool) -> None:
    """Let the warm worker measure this run: to its end, or until it is in the middle of it."""
    from backend import preflight, runs

    plan = runs.plan_run(task=task, dataset=dataset, model=model)
    preflight.ask(plan, again=True)
    reached = {"ready"} if wait else {"measuring"}
    wait_for("a pre-flight", lambda: preflight.ask(plan).state in reached, 120)
    if not wait:
        time.sleep(0.8)


def measure(repeats: int, *, warm: bool, measured: str = "") -> dict[str, list[float]]:
    """measured: "before" or "during" a pre-flight in the same worker the run is started."""
    found: dict[str, list[float]] = {model: [] for _, _, model in CASES}
    with fresh_home(TRAINROOM_STANDBY_WORKER="1" if warm else "0") as home:
        from backend import datasets, jobs

        datasets.prepare_bundled()
        jobs.ensure_supervisor()
        if warm:
            wait_for_warm_worker(home)
        for _ in range(repeats):
            for task, dataset, model in CASES:
                if measured:
                    pre_flight(task, dataset, model, wait=measured == "before")
                seconds, number = first_value(task, dataset, model)
                found[model].append(seconds)
                ended = wait_for_end(number)
                if warm:
                    wait_for_warm_worker(home, ended.started_at or 0)
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="start", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    columns = (
        "seconds, median (range)", "warm worker", "after a pre-flight", "during a pre-flight",
        "cold worker",
    )  # fmt: skip
    table = Table("start", "From start to the first loss value in the database", columns)
    warm = measure(options.repeats, warm=True)
    after = measure(options.repeats, warm=True, measured="before")
    during = measure(options.repeats, warm=True, measured="during")
    cold = measure(options.repeats, warm=False)
    for _, dataset, model in CASES:
        cells = (spread(one[model], 2) for one in (warm, after, during, cold))
        table.add(f"`{model}` on {dataset}", *cells)
    table.notes.append(
        "Warm: the supervisor keeps a worker that has loaded its libraries (the default). Cold: "
        "`TRAINROOM_STANDBY_WORKER=0`, the worker starts with the run. After or during a "
        "pre-flight: the same warm worker has measured, or is measuring, the same run. Each figure "
        "includes "
        "writing the run, claiming it, loading the data and the first step."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
