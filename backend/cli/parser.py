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
    models.add_argument("--all", action="store_true", help="also those that forms show last")
    models.add_argument("--hub", metavar="WORDS", help="ask the Hugging Face Hub for others")
    add("datasets", "List the data sets.")
    _add_import(add("import", "Bring in a table, a zip archive, a file of texts or a folder."))
    _add_looks(
        add("check", "Look through a data set for what may spoil a training."),
        add("export", "Write a data set to a file that can be brought in again."),
        add("delete-dataset", "Delete a data set with its files; refused while it is in use."),
    )
    _add_train(add("train", "Train a model in the background."))
    _add_choices(add("preflight", "Measure what a run would take: time, memory, disk, energy."))
    add("runs", "List the runs, newest first.")
    for name, help_ in (
        ("show", "Show one run."),
        ("stop", "Stop a run; what was learnt is saved."),
        ("delete", "Delete a run with its files."),
        ("diagnose", "Read a run's curves: what they show and what to do about it."),
        ("log", "Print a run's log."),
    ):
        _add_run(add(name, help_, json=name != "log"))
    commands.choices["log"].add_argument(
        "--lines", type=_whole, default=200, metavar="N", help="how many of the last lines"
    )
    _add_mistakes(add("mistakes", "Show where a run was wrong on its test, or labels may be."))
    resume = add("resume", "Let an ended run go on from its last saved copy.")
    _add_run(resume)
    _add_settings(resume)
    _add_run(add("hold", "Keep a queued run from starting."))
    _add_run(add("release", "Let a run that was held start when its turn comes."))
    _add_move(add("move", "Change a queued run's place in the queue."))
    _add_metrics(add("metrics", "Print a run's metrics."))
    _add_predict(add("predict", "Use a run's model."))
    _add_report(add("report", "Write a run's report: one page that needs nothing else."))
    _add_runs(add("compare", "Say how runs differ, and whether that is more than chance."))
    _add_explain(add("explain", "Say why a run's model answers as it does."))
    _add_pins(add("pins", "Pin examples to a run, or show what it said of them as it learned."))
    add("supervise", "Be the supervisor in the foreground, for a server without pages.", json=False)
    add(
        "prepare", "Create the database and bring the bundled data into place.", json=False
    ).add_argument("--all", action="store_true", help="and do what first trainings would wait for")
    return parser


def _add_move(command: Parser) -> None:
    _add_run(command)
    command.add_argument("to", choices=("up", "down", "first", "last"), help="where to")


def _add_looks(check: Parser, export: Parser, delete: Parser) -> None:
    for command in (check, export):
        _add_dataset(command)
    _add_dataset(delete, version=False)
    check.add_argument("--again", action="store_true", help="look again, also if it was done")
    export.add_argument("path", metavar="PATH", help="the new file, or a folder for it")


def _add_import(command: Parser) -> None:
    command.add_argument("path", metavar="PATH", help="the file or folder")
    command.add_argument("--task", metavar="T", help="the task's name")
    command.add_argument("--name", metavar="N", help="what to call the data set")
    command.add_argument("--text-column", metavar="C", help="the column with the texts")
    command.add_argument("--label-column", metavar="L", help="the column with the labels")
    _add_pairs(command, "--column", "ROLE=NAME", "a column by its role, such as source=english")
    _add_pairs(
        command, "--choose", "KEY=VALUE", "how to read it, such as encoding=cp1252 or sheet=Data"
    )
    command.add_argument("--format", metavar="F", help="the kind of data, if not the task's own")
    command.add_argument(
        "--look", action="store_true", help="say what is understood, and store nothing"
    )


def _add_pairs(command: Parser, name: str, metavar: str, help_: str) -> None:
    command.add_argument(
        name, metavar=metavar, action="append", default=[], help=f"{help_}; may be given often"
    )


def _add_dataset(command: Parser, *, version: bool = True) -> None:
    command.add_argument("dataset", metavar="DATASET", help="the data set's name or id")
    if version:
        command.add_argument(
            "--version", metavar="N", type=_whole, help="an earlier version; the newest by default"
        )


def _add_train(command: Parser) -> None:
    _add_choices(command)
    command.add_argument("--name", metavar="N", help="what to call the run")
    _add_wait(command)


def _add_choices(command: Parser) -> None:
    """What a run is made of."""
    command.add_argument("--task", metavar="T", help="the task's name")
    command.add_argument("--dataset", metavar="D", help="the data set's name or id")
    command.add_argument("--model", metavar="M", help="the model's name")
    command.add_argument(
        "--preset", choices=("quick", "balanced", "best"), help="settings that go together"
    )
    _add_set(command)


def _add_settings(command: Parser) -> None:
    _add_set(command)
    _add_wait(command)


def _add_set(command: Parser) -> None:
    command.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="extend",
        nargs="+",
        default=[],
        help="a setting, such as epochs=3; may be given often, and wins over a preset",
    )


def _add_wait(command: Parser) -> None:
    command.add_argument("--wait", action="store_true", help="follow the run to its end")


def _add_run(command: Parser) -> None:
    command.add_argument("run", metavar="RUN", type=_run_number, help="the run's number")


def _add_report(command: Parser) -> None:
    _add_run(command)
    command.add_argument("path", metavar="PATH", help="the new .html file, or a folder for it")


def _add_runs(command: Parser) -> None:
    command.add_argument(
        "run", metavar="RUN", type=_run_number, nargs="+", help="the runs' numbers, two or more"
    )


def _add_mistakes(command: Parser) -> None:
    _add_run(command)
    command.add_argument(
        "--training", action="store_true",
        help="judge the labels that it learned from by the examples that it finds alike",
    )  # fmt: skip


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
    inputs.add_argument("--file", metavar="F", nargs="+", action="extend", help="files")
    command.add_argument(
        "--checkpoint", choices=("best", "last"), default="best", help="which saved state"
    )
    _add_settings(command)


def _add_explain(command: Parser) -> None:
    _add_run(command)
    inputs = command.add_mutually_exclusive_group()
    inputs.add_argument("--text", metavar="S", nargs=1, help="the text")
    inputs.add_argument("--file", metavar="F", nargs=1, help="the file")
    command.add_argument("--about", metavar="A", help="another class, or another box by its place")
    command.add_argument(
        "--checkpoint", choices=("best", "last"), default="best", help="which saved state"
    )


def _add_pins(command: Parser) -> None:
    _add_run(command)
    inputs = command.add_mutually_exclusive_group()
    inputs.add_argument("--text", metavar="S", nargs="+", action="extend", help="texts to pin")
    inputs.add_argument("--file", metavar="F", nargs="+", action="extend", help="files to pin")
    command.add_argument("--truth", metavar="A", help="the right answer to what is pinned")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _run_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no run number; `runs` lists them")
    return int(text)
