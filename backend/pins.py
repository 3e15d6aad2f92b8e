"""The door to pins: up to eight examples of the user's own that a run answers at each evaluation.

A row names the file below the run's folder that holds what was given; both go when the run goes.
Pages write them, the run's worker looks for them before each evaluation.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import DataError, UsageError
from backend.inference.frames import read_frame, write_frame
from backend.tasks import Task
from backend.tasks.base import INPUT_TYPES, Value
from storage import files
from storage import pins as stored
from storage.records import Pin

__all__ = [
    "MOST", "NewPin", "Pin", "add_pin", "check_pin", "list_pins", "new_pins", "pin_all",
    "read_value", "remove_pin",
]  # fmt: skip

MOST = 8
MOST_BYTES = 20_000_000
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class NewPin:
    """An example that is not stored yet: what is given, what to call it, the right answer."""

    value: Value
    title: str
    truth: str | None = None


def add_pin(run_id: int, task: Task, new: NewPin) -> Pin:
    """Keep an example with a run; raises UsageError or DataError that says what is wrong."""
    check_pin(task, new)
    folder = files.pins_dir(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    # The file first: whoever sees the row finds it.
    path = folder / uuid.uuid4().hex
    with path.open("wb") as file:
        write_frame(file, {}, [new.value])
    title = " ".join(new.title.split())[:LONGEST_TITLE]
    truth = None if new.truth is None else new.truth[:LONGEST_TITLE]
    pin = stored.add_pin(run_id, file=path.name, title=title, truth=truth, most=MOST)
    if pin is None:
        path.unlink(missing_ok=True)
        raise UsageError(f"At most {MOST} examples can be pinned. Remove one of them first.")
    return pin


def pin_all(run_id: int, task: Task, new: Sequence[NewPin]) -> None:
    """Keep several examples with a new run; what cannot be used is left out."""
    for one in new[:MOST]:
        try:
            add_pin(run_id, task, one)
        except (UsageError, DataError):  # a copied run's example that another task cannot take
            continue


def check_pin(task: Task, new: NewPin) -> None:
    """Raise UsageError or DataError where an example is nothing that the task could answer."""
    wanted, words = INPUT_TYPES[task.input_kind]
    if not isinstance(new.value, wanted):
        raise UsageError(f"{task.title} takes {words}.")
    parts: list[Any] = [new.value] if isinstance(new.value, str | bytes) else [*new.value]
    if not parts or not all(parts) or (isinstance(new.value, str) and not new.value.strip()):
        raise UsageError("The example is empty.")
    if sum(len(part) for part in parts) > MOST_BYTES:
        raise UsageError(f"The example is larger than {MOST_BYTES / 1e6:.0f} MB.")
    if "image" in task.input_kind:
        from backend.datasets.images import decode_image

        for part in parts:
            decode_image(part)


def list_pins(run_id: int) -> list[Pin]:
    """A run's examples in the order in which they were pinned."""
    return stored.list_pins(run_id)


def read_value(pin: Pin) -> Value:
    """What was given; raises DataError where its file is gone or damaged."""
    try:
        with (files.pins_dir(pin.run_id) / pin.file).open("rb") as file:
            _, (value,) = read_frame(file)
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise DataError("This example cannot be read any more. Remove it and pin it again.") from (
            error
        )
    return value


def new_pins(run_id: int) -> list[NewPin]:
    """A run's examples as a copy of it would pin them; those that cannot be read are left out."""
    found = []
    for pin in list_pins(run_id):
        try:
            found.append(NewPin(read_value(pin), pin.title, pin.truth))
        except DataError:
            continue
    return found


def remove_pin(pin: Pin) -> None:
    """Take an example off its run, with its file; its answers in earlier evaluations stay."""
    stored.delete_pin(pin.id)
    (files.pins_dir(pin.run_id) / pin.file).unlink(missing_ok=True)
