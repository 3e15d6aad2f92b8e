"""What every command gives back, and what several of them share; used by the command modules."""

from argparse import Namespace
from typing import Any

from backend.cli.output import as_json, as_table
from backend.errors import UsageError
from backend.tasks import Task, get_task, list_tasks

GOOD, FAILED = 0, 1

Answer = tuple[str, int]
"""Text to print and exit status."""


def chosen_task(arguments: Namespace) -> Task:
    if not arguments.task:
        known = ", ".join(task.name for task in list_tasks())
        raise UsageError(f"--task is missing. Known: {known}.")
    return get_task(arguments.task)


def answer_table(
    arguments: Namespace, found: list[dict[str, Any]], columns: tuple[str, ...]
) -> Answer:
    if arguments.json:
        return as_json(found), GOOD
    return as_table(columns, [[one[column] for column in columns] for one in found]), GOOD
