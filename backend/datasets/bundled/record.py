"""What a bundled data set is: one record per set, in the file that fills it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.datasets.writer import StoreWriter


@dataclass(frozen=True, slots=True)
class Bundled:
    """One bundled data set: how it is described, where its files are, how it is filled."""

    name: str
    title: str
    description: str
    format: str
    task: str
    source: str
    licence: str
    needs: str  # what to install where the files are missing
    find: Callable[[], Path | None]
    fill: Callable[[StoreWriter, Path], None]
    source_note: str = ""
    class_order: tuple[str, ...] = ()
    version: int = 3
    """Raised when fill or the store's files change, so that an older copy is built again."""

    @property
    def id(self) -> str:
        return self.name.replace("-", "")


def package_file(package: str, *parts: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder).joinpath(*parts)
        if path.exists():
            return path
    return None
