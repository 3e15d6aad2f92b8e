"""What the command import does: look at a file or folder, or store it; for backend.cli.commands."""

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from backend.cli.answers import GOOD, Answer, chosen_task, pairs_of
from backend.cli.data_commands import dataset_record
from backend.cli.output import as_json
from backend.datasets import errands
from backend.datasets.formats import get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.given import forget_given, give_path
from backend.datasets.incoming.imports import check_path
from backend.datasets.incoming.look import Look
from backend.datasets.skips import shown
from backend.errors import DataError, UsageError
from backend.jobs.errands import Errand

LOOK_SECONDS = 0.5
TRUTHS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
SHOWN = 8


def import_data(arguments: Namespace) -> Answer:
    """Look at what lies at a path, or store it; both in a process of their own, with limits."""
    task = chosen_task(arguments)
    if not arguments.name and not arguments.look:
        raise UsageError("--name is missing. Say what the data set is to be called.")
    path = _path(arguments.path)
    data_format = get_format(arguments.format or task.formats[0]).name
    if data_format not in task.formats:
        known = ", ".join(task.formats)
        raise UsageError(f"{task.name} does not learn from {data_format}, but from: {known}.")
    choices = read_choices(arguments)
    given = give_path(path.resolve(), path.name or str(path))
    try:
        if arguments.look:
            errand = errands.start_look(given, data_format, choices)
            look = errands.look_result(_follow(errand))
            errands.end_errand(errand.id)
            return (as_json(look.to_json()) if arguments.json else _look_words(look)), GOOD
        errand = errands.start_import(
            given, data_format, choices, name=arguments.name, task=task.name
        )
        found = dataset_record(errands.imported(_follow(errand)))
        errands.end_errand(errand.id)
    finally:
        forget_given(given.id)
    if arguments.json:
        return as_json(found), GOOD
    count = len(found["skipped"])
    classes = f", {len(found['classes'])} classes" if found["classes"] else ""
    left_out = f", {count} left out" if count else ""
    return f"{found['name']} ({found['id']}): {found['rows']:,} rows{classes}{left_out}.", GOOD


def _path(text: str) -> Path:
    path = Path(text)
    if "://" in text:
        raise UsageError("That is a web address. Download the file first and give its path.")
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        raise UsageError(
            f"There is no file {shown(text)}. Give the path of a table, a zip file or a folder "
            "with one folder per class."
        )
    check_path(path, shown(path.name or text))
    return path


def read_choices(arguments: Namespace) -> Choices:
    """What --column, --choose and their older names say; raises UsageError."""
    columns = pairs_of("--column", arguments.column, "source=english")
    for role, name in (("text", arguments.text_column), ("label", arguments.label_column)):
        if name is not None:
            columns[role] = name
    chosen: dict[str, Any] = {"columns": columns}
    kinds = {one.name: one.type for one in fields(Choices) if one.name != "columns"}
    for key, value in pairs_of("--choose", arguments.choose, "encoding=cp1252").items():
        if key not in kinds:
            raise UsageError(f"--choose knows no {key!r}. Known: {', '.join(kinds)}.")
        if key == "level":
            if not value.lstrip("-").isdigit() or len(value) > 3:
                raise UsageError(f"{value!r} is no number of folders; write for example level=1.")
            chosen[key] = int(value)
        elif key in ("header", "keep_splits"):
            if value.lower() not in TRUTHS:
                raise UsageError(f"{key} is yes or no, not {value!r}.")
            chosen[key] = TRUTHS[value.lower()]
        else:
            chosen[key] = value
    return Choices(**chosen)


def _follow(errand: Errand) -> Errand:
    """Wait for the end, telling how far it is where somebody watches; Ctrl-C ends it."""
    watched = sys.stderr.isatty()
    try:
        while (errand := errands.wait_for_errand(errand.id, LOOK_SECONDS)).is_running:
            if watched:
                print(f"\r\033[K{errand.words} ({errand.share:.0%})", end="", file=sys.stderr)
    except BaseException:
        errands.end_errand(errand.id)
        raise
    if watched:
        print("\r\033[K", end="", file=sys.stderr)
    if errand.state == "failed":
        errands.end_errand(errand.id)
        raise DataError(errand.error)
    return errand


def _look_words(look: Look) -> str:
    about = "" if look.exact else "about "
    lines = [look.sentence, f"Examples: {about}{look.count:,}"]
    if look.table:
        lines += [f"Column for {role}: {name}" for role, name in look.table["roles"].items()]
    if look.classes:
        named = [f"{shown(name)} ({count:,})" for name, count in list(look.classes.items())[:SHOWN]]
        more = f" and {len(look.classes) - SHOWN:,} more" if len(look.classes) > SHOWN else ""
        lines.append(f"Classes: {', '.join(named)}{more}")
    if look.split_by:
        lines.append(f"Splits: named by {look.split_by}")
    lines += look.notes
    lines += [f"Left out: {one['where']}: {one['reason']}" for one in look.skipped[:SHOWN]]
    if look.problem:
        lines.append(f"Cannot be brought in like this: {look.problem}")
    return "\n".join(lines)


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"import": import_data}
