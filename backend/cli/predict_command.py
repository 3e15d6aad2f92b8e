"""What the command predict does, with inputs as the task takes them; for backend.cli.commands."""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend import inference, runs
from backend.cli.answers import GOOD, Answer, settings_of
from backend.cli.output import as_json, as_table
from backend.errors import UsageError
from backend.inference.wording import answer_confidence, answer_words
from backend.settings import MAX_UPLOAD_MB
from backend.tasks import get_task


def predict(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    shown, inputs = inputs_of(get_task(run.task).input_kind, arguments)
    answer = inference.predict_here(
        run.id, inputs, checkpoint=arguments.checkpoint, options=settings_of(arguments)
    )
    for note in answer.notes:
        print(note, file=sys.stderr)
    if arguments.json:
        return as_json(answer.predictions), GOOD
    rows = [
        (given, answer_words(found), answer_confidence(found))
        for given, found in zip(shown, answer.predictions, strict=True)
    ]
    return as_table(("input", "answer", "probability"), rows), GOOD


def inputs_of(kind: str, arguments: Namespace) -> tuple[list[str], list[Any]]:
    """What to call each input, and the inputs as a task of this kind takes them."""
    texts, names = arguments.text or [], arguments.file or []
    if not texts and not names:
        raise UsageError("There is nothing to predict: give --text or --file.")
    if kind == "items":  # all together are one question
        return [", ".join(texts)], [list(texts)]
    contents = [_read_input(name) for name in names]
    if kind == "two-images":
        if len(contents) % 2 or texts:
            raise UsageError("This model compares two pictures: give --file twice.")
        pairs = [contents[place : place + 2] for place in range(0, len(contents), 2)]
        return [" and ".join(names[2 * i : 2 * i + 2]) for i in range(len(pairs))], pairs
    return [*texts, *names], [*texts, *contents]


def _read_input(name: str) -> bytes:
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"There is no file {name}.")
    if path.stat().st_size > MAX_UPLOAD_MB.value() * 1e6:
        raise UsageError(f"{name} is larger than {MAX_UPLOAD_MB.value():,.0f} MB.")
    return path.read_bytes()


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"predict": predict}
