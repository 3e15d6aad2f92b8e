"""Taking contents away for good, out of the files and out of every version; for privacy.

Everything else only leaves examples out. Here the bytes themselves go: items of the same length
take their place, so nothing else has to move, and whatever cuts this off leaves a sound data set
that can be erased again.
"""

import json
import mmap
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.datasets import catalog, versions
from backend.datasets.edits import Indices, check_editable
from backend.datasets.splits import DROPPED, SPLITS
from backend.datasets.state import (
    NO_CLASS,
    State,
    count_classes,
    hash_items,
    relabelled,
    sha256_of,
    write_state,
)  # fmt: skip
from backend.datasets.store import NAMES, Store
from backend.errors import UsageError
from storage import files
from storage import versions as stored
from storage.records import Dataset, DatasetVersion

ERASED = "(erased)"


def erase(dataset: Dataset, indices: Indices) -> Dataset:
    """Erase examples from the disk and from all versions; they cannot be brought back.

    Raises BusyError while an unfinished run uses the data set, UsageError where nothing that can
    be trained on would be left.
    """
    chosen = np.unique(np.asarray(indices, np.int64))

    def change(state: State) -> State:
        splits, labels = state.splits.copy(), state.labels.copy()
        splits[chosen], labels[chosen] = DROPPED, NO_CLASS
        gone: dict[int, bytes | None] = dict.fromkeys(chosen.tolist())
        return replace(
            state, splits=splits, labels=labels,
            items=state.items.changed(gone), targets=state.targets.changed(gone),
        )  # fmt: skip

    return _rewrite(dataset, chosen, change, f"Erased {_examples(len(chosen))} for good.")


def erase_masked(dataset: Dataset) -> Dataset:
    """Make the current texts the only ones: what they replaced is erased from all versions."""
    store = Store.open(dataset)
    edits, targets = store.item_edits, store.target_edits
    if store.kind != "text" or not (len(edits) or len(targets)):
        raise UsageError("No text of this data set was changed, so there is nothing to erase.")
    texts, words = dict(edits.items()), dict(targets.items())

    def change(state: State) -> State:
        return replace(
            state, items=state.items.changed(texts), targets=state.targets.changed(words)
        )

    chosen = np.union1d(edits.indices, targets.indices)
    summary = f"Erased for good what had stood in {_examples(len(chosen))} before."
    return _rewrite(dataset, chosen, change, summary)


def _rewrite(
    dataset: Dataset,
    chosen: NDArray[np.int64],
    change: Callable[[State], State],
    summary: str,
) -> Dataset:
    """Change every version, then overwrite the items, then write all rows anew."""
    check_editable(dataset)
    with catalog.writing():
        current = catalog.find(dataset.id)
        catalog.check_unused(current)
        folder = files.dataset_dir(current.id)
        base = Store(folder)
        if not len(chosen) or chosen[0] < 0 or chosen[-1] >= len(base):
            raise UsageError("There is no such example.")
        history = versions.list_versions(current)
        states = {one.number: _state(current, one) for one in history}
        changed = {number: change(state) for number, state in states.items()}
        versions.check_trainable(current, changed[current.version])
        # Left out first: whoever reads meanwhile meets no blank.
        for number, state in changed.items():
            write_state(files.dataset_version_file(current.id, number), state, base)
        _overwrite(folder, base, chosen)
        emptied = Store(folder)
        for name in ("cache", "doctor"):  # made from what is gone
            files.remove_folder(folder / name)
        details = {**current.details, "content_sha256": hash_items(emptied)}
        current = replace(current, details=details)
        records = [_counted(current, one, changed[one.number], emptied) for one in history]
        newest = next(one for one in records if one.number == current.version)
        stored.replace(versions.as_of(current, newest), records)
    return versions.note(current.id, summary)


def _state(dataset: Dataset, version: DatasetVersion) -> State:
    as_it_was = versions.as_of(dataset, version)
    return State.of(as_it_was, Store.open(as_it_was))


def _overwrite(folder: Path, base: Store, chosen: NDArray[np.int64]) -> None:
    """Put blanks of the same length in place of items and targets, file by file."""
    blank = b" " if base.kind == "text" else b"\0"
    items, starts = base.raw()
    _blank_out(folder / "items.bin", items, starts, chosen, blank)
    targets, target_starts = base.raw_targets()
    if len(targets):
        _blank_out(
            folder / "targets.bin", targets, target_starts, chosen,
            b" " if base.target == "text" else b"\0",
        )  # fmt: skip
    hashes = base.contents()
    if hashes is not None:
        hashes = hashes.copy()
        hashes[chosen] = 0
        _replace(folder / "contents.npy", lambda path: _save(path, hashes))
    if base.kind == "rating":
        _forget_names(folder, base, chosen)


def _blank_out(
    path: Path,
    data: mmap.mmap | bytes,
    starts: NDArray[np.int64],
    chosen: NDArray[np.int64],
    blank: bytes,
) -> None:
    def write(part: Path) -> None:
        view = memoryview(data)
        place = 0
        with part.open("wb") as file:
            for index in chosen.tolist():
                start, end = int(starts[index]), int(starts[index + 1])
                file.write(view[place:start])
                file.write(blank * (end - start))
                place = end
            file.write(view[place:])
            file.flush()
            os.fsync(file.fileno())
        view.release()

    _replace(path, write)


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a new file beside the old one and let it take its place; copies keep the old one."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    write(part)
    part.replace(path)


def _save(path: Path, values: NDArray[np.uint64]) -> None:
    np.save(path, values, allow_pickle=False)


def _forget_names(folder: Path, base: Store, chosen: NDArray[np.int64]) -> None:
    """Names of people and things that no rating tells of any more go as well."""
    names = base.names()
    kept = np.delete(base.ratings(), chosen)
    for role, field in (("users", "user"), ("items", "item")):
        known = set(kept[field].tolist())
        names[role] = [
            name if number in known else ERASED for number, name in enumerate(names[role])
        ]

    def write(part: Path) -> None:
        part.write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")

    _replace(folder / NAMES, write)


def _counted(
    dataset: Dataset, version: DatasetVersion, state: State, base: Store
) -> DatasetVersion:
    """A version's record after the fact."""
    left = np.bincount(state.splits, minlength=DROPPED + 1).tolist()
    return replace(
        version,
        sha256=sha256_of(dataset, state),
        rows=sum(left[: len(SPLITS)]),
        splits=dict(zip(SPLITS, left, strict=False)),
        details={
            **version.details,
            "counts": count_classes(state.classes, base, state),
            "dropped": left[DROPPED],
            "edited": len(np.union1d(state.items.indices, state.targets.indices)),
            "relabelled": int(relabelled(base, state).sum()),
        },
    )


def _examples(count: int) -> str:
    return f"{count:,} example{'' if count == 1 else 's'}"
