"""What the command that writes a report does; for backend.cli.commands."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json
from backend.reporting import write_report


def report(arguments: Namespace) -> Answer:
    path = write_report(arguments.run, Path(arguments.path).expanduser())
    if arguments.json:
        return as_json({"run": arguments.run, "path": str(path)}), GOOD
    return f"The report of run {arguments.run} lies at {path}; open it in a browser.", GOOD


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"report": report}
