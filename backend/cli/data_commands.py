"""What the commands on tasks, models and data sets do; for backend.cli.commands."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from backend import datasets, runs
from backend.cli.answers import GOOD, Answer, answer_table, chosen_task
from backend.datasets import Dataset
from backend.errors import UsageError
from backend.models.hub_search import search_models
from backend.tasks import Task, get_task, list_tasks


def tasks(arguments: Namespace) -> Answer:
    found = [
        {
            "name": task.name,
            "title": task.title,
            "description": task.description,
            "input": task.input_kind,
            "answer": task.answer_kind,
            "data": list(task.formats),
            "primary_metric": task.primary_metric,
            "models": [spec.name for spec in task.models],
        }
        for task in list_tasks()
    ]
    return answer_table(arguments, found, ("name", "title", "description"))


def models(arguments: Namespace) -> Answer:
    task = chosen_task(arguments)
    if arguments.hub is not None:
        return _hub_models(arguments, task)
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
        for spec in (*task.models, *(task.more_models if arguments.all else ()))
    ]
    return answer_table(arguments, found, ("name", "parameters", "weights", "description"))


def _hub_models(arguments: Namespace, task: Task) -> Answer:
    """What the Hub has for a task; raises UsageError where the task takes no models of it."""
    if not task.takes_any:
        raise UsageError(f"{task.title} takes only the models of its own list.")
    listed = search_models(arguments.hub, (task.name, *task.hub_tags), task.hub_kinds)
    found = [{**asdict(model), "memory_mb": model.memory_mb} for model in listed]
    return answer_table(arguments, found, ("id", "kind", "megabytes", "licence", "downloads"))


def list_datasets(arguments: Namespace) -> Answer:
    found = [dataset_record(dataset) for dataset in datasets.list_datasets()]
    for one in found:
        one["class_count"] = len(one["classes"])
    columns = ("id", "name", "task", "rows", "class_count", "source")
    return answer_table(arguments, found, columns)


def dataset_record(dataset: Dataset) -> dict[str, Any]:
    """A data set as JSON."""
    names = (
        "id", "name", "task", "format", "rows", "classes", "splits", "skipped", "source", "licence",
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
    "prepare": prepare,
}
