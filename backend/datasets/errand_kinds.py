"""What is done with a user's data in a process of its own; called by jobs/errand_worker.py."""

from pathlib import Path
from typing import Any

from backend.datasets.formats import get_format
from backend.datasets.incoming import imports
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.given import find_given, forget_given, open_given
from backend.datasets.incoming.look import look_at
from backend.datasets.readers.reading import Progress
from backend.datasets.skips import Skips


def look(arguments: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """What was understood of something given, as Look.to_json(); examples lie in the folder."""
    skips = Skips()
    with open_given(find_given(arguments["given"]), skips) as source:
        return look_at(
            source, get_format(arguments["format"]), Choices.from_json(arguments["choices"]),
            skips, folder, progress,
        ).to_json()  # fmt: skip


def bring_in(arguments: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Store something given as a data set; its id, as {"dataset": id}."""
    given = find_given(arguments["given"])

    def keep(words: str, share: float) -> None:
        find_given(given.id)  # a long import must not outlive what it reads
        progress(words, share)

    skips = Skips()
    with open_given(given, skips) as source:
        dataset = imports.bring_in(
            source, get_format(arguments["format"]), Choices.from_json(arguments["choices"]),
            skips, name=arguments["name"], task=arguments["task"], origin=given.origin,
            progress=keep,
        )  # fmt: skip
    forget_given(given.id)
    return {"dataset": dataset.id}
