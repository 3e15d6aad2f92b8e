"""What every command gives back, and what several of them share; used by the command modules."""

import dataclasses
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


def settings_of(arguments: Namespace) -> dict[str, str]:
    """What --set KEY=VALUE says, by name; raises UsageError."""
    return pairs_of("--set", arguments.set or [], "epochs=3")


def pairs_of(option: str, pairs: list[str], example: str) -> dict[str, str]:
    """What an option that is given as KEY=VALUE says, by key; raises UsageError."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{option} {pair!r} is not KEY=VALUE; write for example {example}.")
        found[key.strip()] = value
    return found


def choices_of(arguments: Namespace) -> dict[str, Any]:
    """What a run is to be made of, as start_run and plan_run take it; raises UsageError."""
    from backend import datasets
    from backend.presets import preset_config

    task = chosen_task(arguments)
    if not arguments.dataset:
        known = ", ".join(dataset.name for dataset in datasets.list_datasets(task.name))
        raise UsageError(f"--dataset is missing. Known for {task.name}: {known or 'none yet'}.")
    if not arguments.model:
        known = ", ".join(spec.name for spec in task.models)
        known += f", and {len(task.more_models)} more (models --all)" if task.more_models else ""
        raise UsageError(f"--model is missing. Known for {task.name}: {known}.")
    config: dict[str, Any] = dict(settings_of(arguments))
    if arguments.preset:
        data = datasets.get_dataset(arguments.dataset)
        preset = preset_config(task, task.get_model(arguments.model), arguments.preset, data)
        config = {**dataclasses.asdict(preset), **config}
    return {
        "task": task.name,
        "dataset": arguments.dataset,
        "model": arguments.model,
        "config": config,
    }


def answer_table(
    arguments: Namespace, found: list[dict[str, Any]], columns: tuple[str, ...]
) -> Answer:
    if arguments.json:
        return as_json(found), GOOD
    return as_table(columns, [[one[column] for column in columns] for one in found]), GOOD
