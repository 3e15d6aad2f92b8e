"""Folders of this computer that the operator allows to be brought in; never anything outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.datasets.incoming.given import Given, give_path
from backend.datasets.skips import shown
from backend.errors import UsageError
from backend.settings import DATA_FOLDERS

MOST = 2000
"""Entries of a folder that are listed."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder in an allowed folder."""

    name: str
    is_folder: bool
    size: int


def allowed_folders() -> list[str]:
    """What to call each of the allowed folders, in the order in which they are set."""
    return [path.name or str(path) for path in DATA_FOLDERS.value()]


def list_items(folder: int, parts: Sequence[str], endings: Sequence[str]) -> list[Item]:
    """What lies in a folder below an allowed one: folders first, then files with these endings.

    Links are listed where they stay inside. Raises UsageError where the folder is not allowed.
    """
    place = inside(folder, parts)
    if not place.is_dir():
        raise UsageError(f"{shown(place.name)} is not a folder.")
    found = []
    for path in sorted(place.iterdir(), key=lambda path: path.name.casefold())[:MOST]:
        if path.name.startswith(".") or not _stays(folder, path):
            continue
        if path.is_dir():
            found.append(Item(path.name, is_folder=True, size=0))
        elif path.is_file() and path.suffix.lower().removeprefix(".") in endings:
            found.append(Item(path.name, is_folder=False, size=path.stat().st_size))
    return sorted(found, key=lambda item: not item.is_folder)


def give_from_server(folder: int, parts: Sequence[str]) -> Given:
    """A file or folder below an allowed one, to be looked at; raises UsageError."""
    place = inside(folder, parts)
    title = parts[-1] if parts else allowed_folders()[folder]
    return give_path(place, title, DATA_FOLDERS.value()[folder])


def inside(folder: int, parts: Sequence[str]) -> Path:
    """The path with all links followed; raises UsageError where it is not below the folder."""
    roots = DATA_FOLDERS.value()
    if not 0 <= folder < len(roots):
        raise UsageError("That folder is not one of those that may be brought in.")
    root = roots[folder]
    try:
        place = root.joinpath(*parts).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        place = Path("/")
    if place != root and root not in place.parents:
        raise UsageError(
            "That is not there, or lies outside of the folders that may be brought in."
        )
    return place


def _stays(folder: int, path: Path) -> bool:
    root = DATA_FOLDERS.value()[folder]
    try:
        place = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return root in place.parents
