"""What the command explain does: why a run's model answers as it does; for backend.cli.commands."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from backend import inference, runs
from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json, as_table
from backend.cli.predict_command import inputs_of
from backend.errors import UsageError
from backend.inference.wording import change_words, check_words
from backend.tasks import get_task

STRONGEST = 5


def explain(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    _, inputs = inputs_of(get_task(run.task).input_kind, arguments)
    if len(inputs) != 1:
        raise UsageError("One answer is explained at a time: give one --text or one --file.")
    found = inference.explain_here(
        run.id, inputs[0], checkpoint=arguments.checkpoint, about=arguments.about
    )
    if arguments.json:
        return as_json(found.parts), GOOD
    rows = [(part["kind"], part.get("method", ""), _told(part)) for part in found.parts]
    return as_table(("part", "method", "what it says"), rows), GOOD


def _told(part: dict[str, Any]) -> str:
    """One part in a line."""
    if part["kind"] == "words":
        strongest = sorted(part["words"], key=lambda word: -word["weight"])[:STRONGEST]
        return ", ".join(part["text"][word["start"] : word["end"]] for word in strongest)
    if part["kind"] == "heat":
        return check_words(part)
    if part["kind"] == "changes":
        return change_words(part)
    return ", ".join(f"#{one['example']} {one['label'] or ''}".strip() for one in part["examples"])


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"explain": explain}
