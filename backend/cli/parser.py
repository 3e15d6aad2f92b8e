"""The words of the command line and their checks; called by backend.cli.main."""

import argparse
from typing import NoReturn

from backend.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are errors of ours: one line, no usage text."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def build_parser() -> Parser:
    """The parser; the chosen command's function name is in `command`."""
    parser = Parser(
        prog="python -m backend", description="Trainroom on the command line.", allow_abbrev=False
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )

    def add(name: str, help: str, *, json: bool = True) -> Parser:  # noqa: A002
        command: Parser = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        if json:
            command.add_argument("--json", action="store_true", help="print one JSON document")
        return command

    add("tasks", "List the tasks.")
    models = add("models", "List a task's models.")
    models.add_argument("--task", metavar="T", help="the task's name")
    add("datasets", "List the data sets.")
    _add_import(
        add("import", "Bring in a CSV of texts and labels, or a zip with a folder per class.")
    )
    _add_train(add("train", "Train a model in the background."))
    add("runs", "List the runs, newest first.")
    for name, help_ in (
        ("show", "Show one run."),
        ("stop", "Stop a run; what was learnt is saved."),
        ("delete", "Delete a run with its files."),
        ("log", "Print a run's log."),
    ):
        _add_run(add(name, help_, json=name != "log"))
    commands.choices["log"].add_argument(
        "--lines", type=_whole, default=200, metavar="N", help="how many of the last lines"
    )
    resume = add("resume", "Let an ended run go on from its last saved copy.")
    _add_run(resume)
    _add_settings(resume)
    for name, help_ in (
        ("hold", "Keep a queued run from starting."),
        ("release", "Let a run that was held start when its turn comes."),
    ):
        _add_run(add(name, help_))
    move = add("move", "Change a queued run's place in the queue.")
    _add_run(move)
    move.add_argument("to", choices=("up", "down", "first", "last"), help="where to")
    _add_metrics(add("metrics", "Print a run's metrics."))
    _add_predict(add("predict", "Use a run's model."))
    add("supervise", "Be the supervisor in the foreground, for a server without pages.", json=False)
    add(
        "prepare", "Create the database and bring the bundled data into place.", json=False
    ).add_argument("--all", action="store_true", help="and do what first trainings would wait for")
    return parser


def _add_import(command: Parser) -> None:
    command.add_argument("path", metavar="PATH", help="the file")
    command.add_argument("--task", metavar="T", help="the task's name")
    command.add_argument("--name", metavar="N", help="what to call the data set")
    command.add_argument("--text-column", metavar="C", help="the column with the texts")
    command.add_argument("--label-column", metavar="L", help="the column with the labels")


def _add_train(command: Parser) -> None:
    command.add_argument("--task", metavar="T", help="the task's name")
    command.add_argument("--dataset", metavar="D", help="the data set's name or id")
    command.add_argument("--model", metavar="M", help="the model's name")
    command.add_argument("--name", metavar="N", help="what to call the run")
    _add_settings(command)


def _add_settings(command: Parser) -> None:
    command.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="extend",
        nargs="+",
        default=[],
        help="a setting, such as epochs=3; may be given often",
    )
    command.add_argument("--wait", action="store_true", help="follow the run to its end")


def _add_run(command: Parser) -> None:
    command.add_argument("run", metavar="RUN", type=_run_number, help="the run's number")


def _add_metrics(command: Parser) -> None:
    _add_run(command)
    command.add_argument(
        "--name", metavar="NAME", action="append", help="only this metric, such as train/loss"
    )
    command.add_argument("--csv", action="store_true", help="print a table for spreadsheets")


def _add_predict(command: Parser) -> None:
    _add_run(command)
    inputs = command.add_mutually_exclusive_group()
    inputs.add_argument("--text", metavar="S", nargs="+", action="extend", help="texts")
    inputs.add_argument("--file", metavar="F", nargs="+", action="extend", help="picture files")
    command.add_argument(
        "--checkpoint", choices=("best", "last"), default="best", help="which saved state"
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _run_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no run number; `runs` lists them")
    return int(text)
