"""What the commands on runs do, from their start to their predictions; for backend.cli.commands."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from backend import jobs, queue_order, resuming, runs
from backend.cli.answers import FAILED, GOOD, Answer, answer_table, choices_of, settings_of
from backend.cli.output import as_compact_json, as_json, as_table
from backend.errors import NotFoundError
from backend.runs import Run, RunStatus
from backend.scores.honest import honest_scores
from backend.spreadsheets import as_csv
from backend.tasks import get_task
from backend.wording import duration

# Seconds between two looks at a run that is waited for, and between two signs of life.
LOOK_INTERVAL = 0.2
BEAT_INTERVAL = 2.0


def train(arguments: Namespace) -> Answer:
    run = runs.start_run(**choices_of(arguments), name=arguments.name)
    return _follow(run, arguments)


def resume(arguments: Namespace) -> Answer:
    return _follow(resuming.resume_run(arguments.run, settings_of(arguments)), arguments)


def _follow(run: Run, arguments: Namespace) -> Answer:
    """Answer at once, or with --wait at the run's end."""
    if not arguments.wait:
        text = f"Run {run.id} is queued: {run.name}. Follow it: python -m backend show {run.id}"
        return (as_json(_run(run)) if arguments.json else text), GOOD
    run = _wait(run, quiet=arguments.json)
    failed = run.status in (RunStatus.FAILED, RunStatus.LOST)
    return (as_json(_run(run)) if arguments.json else _summary(run)), FAILED if failed else GOOD


def _wait(run: Run, *, quiet: bool) -> Run:
    """Follow a run to its end; Ctrl-C leaves the run alone and says how to come back."""
    show, told, beat_at = not quiet and sys.stderr.isatty(), "", 0.0
    try:
        while not run.has_ended:
            now = time.monotonic()
            if now - beat_at > BEAT_INTERVAL:
                # Whoever waits counts as an app: the supervisor stays, or is started again.
                beat_at = now
                jobs.touch_app()
            line = _progress(run)
            if show and line != told:
                told = line
                print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            time.sleep(LOOK_INTERVAL)
            run = runs.get_run(run.id)
    except KeyboardInterrupt:
        print(
            f"\nRun {run.id} goes on in the background. See it with `python -m backend show "
            f"{run.id}`, stop it with `python -m backend stop {run.id}`.",
            file=sys.stderr,
        )
        raise
    finally:
        if told:
            print(file=sys.stderr)
    return run


def _progress(run: Run) -> str:
    loss = run.metrics.get("train/loss")
    words = f"Run {run.id}: {run.status.value}"
    if run.total_steps:
        words += f", step {run.step:,} of {run.total_steps:,}"
    return words + (f", loss {loss:.4g}" if loss is not None else "")


def _run(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "name": run.name,
        "status": str(run.status),
        "reason": str(run.reason) if run.reason else None,
        "message": run.message,
        "task": run.task,
        "model": run.model,
        "dataset": run.dataset_name,
        "dataset_id": run.dataset_id,
        "dataset_version": run.dataset_version,
        "device": run.device,
        "attempt": run.attempt,
        "step": run.step,
        "total_steps": run.total_steps,
        "epoch": run.epoch,
        "best_step": run.best_step,
        "metrics": run.metrics,
        "seconds": runs.run_seconds(run),
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "config": run.config,
    }


def _summary(run: Run) -> str:
    lines = [f"Run {run.id}, {run.name}: {run.status.value}. {run.message or ''}".rstrip()]
    lines += [
        f"  {name:<20} {value:.4f}"
        for name, value in sorted(run.metrics.items())
        if name.startswith(("val/", "test/")) and "/top_" not in name
    ]
    if run.started_at is not None:
        lines.append(f"  {'time':<20} {duration(runs.run_seconds(run))}")
    return "\n".join(lines)


def list_runs(arguments: Namespace) -> Answer:
    found = [_run(run) for run in runs.list_runs()]
    for one in found:
        one["score"] = _score(one["task"], one["metrics"])
    columns = ("run", "status", "name", "task", "model", "dataset", "score")
    return answer_table(arguments, found, columns)


def _score(task: str, measured: dict[str, float]) -> float | None:
    """The task's most important metric on the test split, where it was measured."""
    try:
        metric = get_task(task).headline(measured, "test")
    except NotFoundError:  # of a task file that has gone since
        return None
    return None if metric is None else measured[f"test/{metric.name}"]


def show(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    happened = runs.list_events(run.id)
    if arguments.json:
        events = [
            {"time": one.time, "attempt": one.attempt, "kind": one.kind, "message": one.message}
            for one in happened
        ]
        return as_json({**_run(run), "events": events, "test": _tested(run)}), GOOD
    lines = [_summary(run)]
    lines += [
        f"  {one['name']:<20} {one['low']:.4f} to {one['high']:.4f} by chance"
        for one in _tested(run)
        if one["low"] is not None
    ]
    lines.append(f"  {run.task}, {run.model}, {run.dataset_name}, {run.device or '-'}")
    lines += [
        f"  {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(one.time))}  {one.message}"
        for one in happened
    ]
    return "\n".join(lines), GOOD


def _tested(run: Run) -> list[dict[str, Any]]:
    """Each test score, where it would lie 95 times of 100, and what a naive guess gets."""
    found = honest_scores(run)
    return [
        {
            "name": f"test/{one.metric.name}",
            "value": one.value,
            "low": None if one.interval is None else one.interval.low,
            "high": None if one.interval is None else one.interval.high,
            "naive": one.naive,
        }
        for one in (() if found is None else found.scores)
    ]


def stop(arguments: Namespace) -> Answer:
    run = runs.stop_run(arguments.run)
    if arguments.json:
        return as_json(_run(run)), GOOD
    return f"Run {run.id}: {run.status.value}. {run.message or 'It saves and leaves.'}", GOOD


def hold(arguments: Namespace) -> Answer:
    return _queued(queue_order.hold_run(arguments.run), arguments)


def release(arguments: Namespace) -> Answer:
    return _queued(queue_order.release_run(arguments.run), arguments)


def move(arguments: Namespace) -> Answer:
    queue_order.move_in_queue(arguments.run, arguments.to)
    return _queued(runs.get_run(arguments.run), arguments)


def _queued(run: Run, arguments: Namespace) -> Answer:
    if arguments.json:
        return as_json({**_run(run), "held": run.held}), GOOD
    return f"Run {run.id}: {queue_order.waits_for(run)}", GOOD


def delete(arguments: Namespace) -> Answer:
    runs.delete_run(arguments.run)
    if arguments.json:
        return as_json({"run": arguments.run, "deleted": True}), GOOD
    return f"Run {arguments.run} is deleted with its files.", GOOD


def log(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    return runs.read_log(run.id, arguments.lines), GOOD


def metrics(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    series = runs.read_metrics(run.id, arguments.name)
    unknown = [name for name in arguments.name or [] if name not in series]
    if unknown:
        known = ", ".join(runs.list_metric_names(run.id)) or "none yet"
        raise NotFoundError(f"Run {run.id} has no metric {unknown[0]!r}. It has: {known}.")
    columns = {
        name: list(
            zip(
                one.steps.tolist(),
                one.values.tolist(),
                one.epochs.tolist(),
                one.times.tolist(),
                strict=True,
            )
        )
        for name, one in series.items()
    }
    if arguments.json:
        return as_compact_json(columns), GOOD
    if arguments.csv:
        rows = [(name, *point) for name, points in columns.items() for point in points]
        return as_csv(("name", "step", "value", "epoch", "time"), rows), GOOD
    newest = [(name, len(points), *points[-1][:2]) for name, points in sorted(columns.items())]
    return as_table(("name", "points", "last step", "last value"), newest), GOOD


def supervise(_: Namespace) -> Answer:
    try:
        jobs.supervise()
    except KeyboardInterrupt:
        print("The supervisor has left. Trainings that run go on.", file=sys.stderr)
    return "", GOOD


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {
    "train": train,
    "runs": list_runs,
    "show": show,
    "stop": stop,
    "resume": resume,
    "hold": hold,
    "release": release,
    "move": move,
    "delete": delete,
    "log": log,
    "metrics": metrics,
    "supervise": supervise,
}
