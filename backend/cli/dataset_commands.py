"""What the commands on one data set do: check, export, delete; for backend.cli.commands."""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend import datasets
from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json
from backend.datasets import Dataset

SHOWN = 3


def check(arguments: Namespace) -> Answer:
    """What the data doctor finds; exit status 0 also where it finds problems."""
    from backend.datasets.doctor.examination import examine

    dataset = _dataset(arguments)
    show = not arguments.json and sys.stderr.isatty()

    def tell(words: str, share: float) -> None:
        if show:
            print(f"\r\x1b[K{words} … {share:.0%}", end="", file=sys.stderr, flush=True)

    report = examine(dataset, tell, again=arguments.again)
    if show:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    found = [
        {
            "kind": one.kind,
            "severity": one.severity,
            "sentence": one.sentence,
            "count": one.count,
            "examples": examples,
            "cure": {"kind": one.cure.kind, "button": one.cure.button, "result": one.cure.result}
            if one.cure
            else None,
        }
        for one, examples in zip(report.findings, report.examples, strict=True)
    ]
    if arguments.json:
        return as_json(
            {
                "dataset": dataset.name,
                "version": dataset.version,
                "seconds": round(report.seconds, 2),
                "not_looked_at": report.skipped,
                "findings": found,
            }
        ), GOOD
    return _words(dataset, found, report.skipped), GOOD


def _words(dataset: Dataset, found: list[dict[str, Any]], skipped: list[str]) -> str:
    name = f"{dataset.name}, version {dataset.version}"
    if not found:
        lines = [f"{name}: nothing found that would spoil a training."]
    else:
        lines = [f"{name}: {len(found)} finding{'' if len(found) == 1 else 's'}"]
    for one in found:
        lines.append(f"  {one['severity']}: {one['sentence']}")
        lines += [f"      {_example(example)}" for example in one["examples"][:SHOWN]]
    lines += [f"  not done: {title}; the log of the command has the reason" for title in skipped]
    return "\n".join(lines)


def _example(example: dict[str, Any]) -> str:
    """An example on one line, not too long."""
    words = ", ".join(f"{key} {value}" for key, value in example.items())
    line = " ".join(words.split())
    return line if len(line) <= 110 else f"{line[:109]}…"


def export(arguments: Namespace) -> Answer:
    from backend.datasets.exports import export_dataset

    dataset = _dataset(arguments)
    path = export_dataset(dataset, Path(arguments.path).expanduser())
    if arguments.json:
        return as_json(
            {"dataset": dataset.name, "version": dataset.version, "path": str(path),
             "bytes": path.stat().st_size}
        ), GOOD  # fmt: skip
    return f"{dataset.name}, version {dataset.version}: {dataset.rows:,} rows in {path}.", GOOD


def delete(arguments: Namespace) -> Answer:
    dataset = datasets.get_dataset(arguments.dataset)
    datasets.delete_dataset(dataset.id)
    if arguments.json:
        return as_json({"dataset": dataset.name, "id": dataset.id, "deleted": True}), GOOD
    return f"{dataset.name} is deleted with its files.", GOOD


def _dataset(arguments: Namespace) -> Dataset:
    return datasets.get_dataset(arguments.dataset, arguments.version)


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {
    "check": check,
    "export": export,
    "delete-dataset": delete,
}
