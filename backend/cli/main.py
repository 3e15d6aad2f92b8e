"""Runs one command of the command line and turns what happens into an exit status."""

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from backend.cli.parser import build_parser
from backend.errors import TrainroomError, explain

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 good, 1 the run failed, 2 bad usage with one line on stderr."""
    try:
        parsed = build_parser().parse_args(arguments)
        # Only now: the commands import what they need, and --help should be quick.
        from backend.cli.commands import COMMANDS

        with _quiet_stdout() as answers:
            text, status = COMMANDS[parsed.command](parsed)
            if text:
                print(text, file=answers, flush=True)
        return status
    except TrainroomError as error:
        print(_one_line(str(error)), file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as head, has seen enough; python must not complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        _write_down()
        print(_one_line(explain(error)[1]), file=sys.stderr)
        return FAILED


def _one_line(text: str) -> str:
    return " ".join(text.split())


@contextmanager
def _quiet_stdout() -> Iterator[TextIO]:
    """Yield the real stdout; meanwhile whatever libraries print goes to stderr."""
    try:
        saved = os.dup(1)
    except OSError:
        yield sys.stdout
        return
    sys.stdout.flush()
    os.dup2(2, 1)
    answers = os.fdopen(os.dup(saved), "w", encoding="utf-8", errors="replace")
    try:
        with redirect_stdout(sys.stderr):
            yield answers
        answers.close()
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def _write_down() -> None:
    """Keep the traceback for whoever looks into it; the terminal gets a sentence."""
    from storage import files

    try:
        with (files.logs_dir() / "command-line.log").open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
    except OSError:
        pass
