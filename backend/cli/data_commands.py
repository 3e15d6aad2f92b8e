"""What the commands on tasks, models and data sets do; for backend.cli.commands."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend import datasets, runs
from backend.cli.answers import GOOD, Answer, answer_table, chosen_task
from backend.cli.output import as_json
from backend.errors import UsageError
from backend.tasks import get_task, list_tasks


def tasks(arguments: Namespace) -> Answer:
    found = [
        {
            "name": task.name,
            "title": task.title,
            "description": task.description,
            "input": task.input_kind,
            "primary_metric": task.primary_metric,
            "models": [spec.name for spec in task.models],
        }
        for task in list_tasks()
    ]
    return answer_table(arguments, found, ("name", "title", "description"))


def models(arguments: Namespace) -> Answer:
    task = chosen_task(arguments)
    found = [
        {
            "name": spec.name,
            "title": spec.title,
            "description": spec.description,
            "library": spec.library,
            "parameters": spec.parameters,
            "weights": str(task.weights(spec)),
            "download_mb": spec.download_mb,
            "memory_mb": spec.memory_mb,
            "licence": spec.licence,
        }
        for spec in task.models
    ]
    return answer_table(arguments, found, ("name", "parameters", "weights", "description"))


def list_datasets(arguments: Namespace) -> Answer:
    found = [_dataset(dataset) for dataset in datasets.list_datasets()]
    for one in found:
        one["class_count"] = len(one["classes"])
    columns = ("id", "name", "task", "rows", "class_count", "source")
    return answer_table(arguments, found, columns)


def import_data(arguments: Namespace) -> Answer:
    path = Path(arguments.path)
    task = chosen_task(arguments)
    if not arguments.name:
        raise UsageError("--name is missing. Say what the data set is to be called.")
    if "://" in arguments.path:
        raise UsageError("That is a web address. Download the file first and give its path.")
    if not path.exists():
        raise UsageError(
            f"There is no file {arguments.path}. Give the path of a CSV file, a zip file or a "
            "folder with one folder per class."
        )
    dataset = datasets.import_dataset(
        path,
        task=task.name,
        name=arguments.name,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        original_name=path.name,
    )
    found = _dataset(dataset)
    if arguments.json:
        return as_json(found), GOOD
    left_out = f", {len(dataset.skipped)} left out" if dataset.skipped else ""
    return (
        f"{dataset.name} ({dataset.id}): {dataset.rows:,} rows, "
        f"{len(dataset.classes)} classes{left_out}."
    ), GOOD


def _dataset(dataset: Any) -> dict[str, Any]:
    names = (
        "id", "name", "task", "rows", "classes", "splits", "skipped", "source", "licence",
        "bundled", "bytes", "created_at",
    )  # fmt: skip
    return {name: getattr(dataset, name) for name in names}


def prepare(arguments: Namespace) -> Answer:
    runs.list_runs(statuses=[])  # creates or upgrades the database
    known = datasets.list_datasets()  # builds the bundled ones that are missing
    if arguments.all:
        for dataset in known:
            get_task(dataset.task).prepare(dataset)
    return "", GOOD


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {
    "tasks": tasks,
    "models": models,
    "datasets": list_datasets,
    "import": import_data,
    "prepare": prepare,
}
