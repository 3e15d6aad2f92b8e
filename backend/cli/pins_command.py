"""What the command pins does: a run's own examples and what it said of them; for the commands."""

import dataclasses
from argparse import Namespace
from collections.abc import Callable

from backend import opinions, pins, runs
from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json, as_table
from backend.cli.predict_command import inputs_of
from backend.pins import NewPin
from backend.tasks import get_task


def pinned(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    task = get_task(run.task)
    if arguments.text or arguments.file:
        names, values = inputs_of(task.input_kind, arguments)
        for name, value in zip(names, values, strict=True):
            pins.add_pin(run.id, task, NewPin(value, name, arguments.truth))
    said = opinions.opinions(opinions.moments_of(run))
    found = pins.list_pins(run.id)
    if arguments.json:
        return as_json(
            [
                {
                    "pin": pin.id, "title": pin.title, "truth": pin.truth,
                    "answers": [dataclasses.asdict(one) for one in said.get(pin.id, [])],
                }
                for pin in found
            ]
        ), GOOD  # fmt: skip
    rows = [
        (pin.id, pin.title, pin.truth, said[pin.id][-1].words if pin.id in said else "",
         opinions.turn_words(said.get(pin.id, [])))
        for pin in found
    ]  # fmt: skip
    return as_table(("pin", "example", "right", "answer", "how it changed"), rows), GOOD


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"pins": pinned}
