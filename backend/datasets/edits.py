"""Changes to a data set, each of which makes a new version: labels, parts, classes, texts, boxes.

All take the record of the version that was looked at, and return the record of the new one. They
raise UsageError where a change cannot be made, BusyError where somebody else was faster.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets import versions
from backend.datasets.overlay import Overlay
from backend.datasets.skips import cleaned, shown
from backend.datasets.splits import DROPPED, SPLITS
from backend.datasets.state import NO_CLASS, State
from backend.datasets.store import BOX, Store
from backend.errors import UsageError
from storage.records import Dataset

Indices = Sequence[int] | NDArray[np.int64]
MAX_LABEL = 200
NAMED = 4
"""So many classes are named in a sentence; the rest is counted."""


def set_label(dataset: Dataset, indices: Indices, label: str) -> Dataset:
    """Give examples another class; one that is not known yet is added."""
    state, chosen = _begin(dataset, indices)
    _need_classes(dataset)
    label = check_label(label)
    classes = state.classes if label in state.classes else [*state.classes, label]
    labels = state.labels.copy()
    labels[chosen] = classes.index(label)
    changed = _without_empty(replace(state, labels=labels, classes=classes))
    words = f"Gave {_examples(len(chosen))} the class {shown(label)}."
    return versions.add_version(dataset, changed, words)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different about one example; None stays as it is."""

    label: str | None = None
    split: str | None = None
    text: str | None = None
    target: str | None = None


def change(dataset: Dataset, changes: Mapping[int, Change]) -> Dataset:
    """Change several examples, each in its own way, in one version."""
    state, _ = _begin(dataset, list(changes))
    labels, splits, classes = state.labels.copy(), state.splits.copy(), list(state.classes)
    texts: dict[int, bytes | None] = {}
    targets: dict[int, bytes | None] = {}
    for index, one in changes.items():
        if one.label is not None:
            label = check_label(one.label)
            if label not in classes:
                classes.append(label)
            labels[index] = classes.index(label)
        if one.split is not None:
            splits[index] = _split_number(one.split)
        for edits, text in ((texts, one.text), (targets, one.target)):
            if text is not None:
                edits[index] = _checked_text(text)
    changed = State(
        labels, splits, classes, state.items.changed(texts), state.targets.changed(targets)
    )
    if dataset.classes and Store.open(dataset).target == "class":
        changed = _without_empty(changed)
    return versions.add_version(dataset, changed, f"Changed {_examples(len(changes))}.")


def drop(dataset: Dataset, indices: Indices, why: str = "") -> Dataset:
    """Leave examples out; they keep their numbers and can be brought back."""
    state, chosen = _begin(dataset, indices)
    splits = state.splits.copy()
    splits[chosen] = DROPPED
    words = f"Left out {_examples(len(chosen))}{f': {why}' if why else ''}."
    changed = replace(state, splits=splits)
    if dataset.classes and Store.open(dataset).target == "class":
        changed = _without_empty(changed)
    return versions.add_version(dataset, changed, words)


def move(dataset: Dataset, indices: Indices, split: str) -> Dataset:
    """Put examples into train, validation or test; what was left out comes back so."""
    number = _split_number(split)
    state, chosen = _begin(dataset, indices)
    if (state.labels[chosen] == NO_CLASS).any():
        raise UsageError("The class of some of these is gone. Give them a class first.")
    splits = state.splits.copy()
    splits[chosen] = number
    words = f"Moved {_examples(len(chosen))} into the {split} part."
    return versions.add_version(dataset, replace(state, splits=splits), words)


def move_each(dataset: Dataset, indices: Indices, splits: NDArray[np.uint8], why: str) -> Dataset:
    """Put each example into a part of its own (numbers of SPLITS, or DROPPED)."""
    state, chosen = _begin(dataset, indices)
    moved = state.splits.copy()
    moved[chosen] = splits
    return versions.add_version(dataset, replace(state, splits=moved), why)


def merge_classes(dataset: Dataset, names: Iterable[str], into: str) -> Dataset:
    """Make several classes one; with a single name it is renamed."""
    return merge_groups(dataset, {into: list(names)})


def merge_groups(dataset: Dataset, groups: Mapping[str, Sequence[str]]) -> Dataset:
    """Several merges at once: the name of each new class, and the classes that go into it."""
    _need_classes(dataset)
    store = Store.open(dataset)
    state = State.of(dataset, store)
    target = {name: name for name in state.classes}
    for into, names in groups.items():
        for name in names:
            if name not in target:
                known = ", ".join(shown(one) for one in state.classes[:20])
                raise UsageError(f"There is no class {shown(name)}. Known: {known}.")
            target[name] = check_label(into)
    classes = list(dict.fromkeys(target[name] for name in state.classes))
    numbers = np.array([classes.index(target[name]) for name in state.classes], np.int64)
    if store.target == "boxes":
        changed = replace(state, targets=_renumber_boxes(store, numbers), classes=classes)
    else:
        labels = np.where(state.labels >= 0, numbers[state.labels], NO_CLASS)
        changed = replace(state, labels=labels, classes=classes)
    return versions.add_version(dataset, changed, _merge_words(dataset, groups))


def drop_class(dataset: Dataset, name: str) -> Dataset:
    """Leave out all examples of a class."""
    _need_classes(dataset)
    if name not in dataset.classes:
        raise UsageError(f"There is no class {shown(name)}.")
    store = Store.open(dataset)
    if store.target != "class":
        raise UsageError("Of pictures with boxes, leave out the pictures or merge the classes.")
    mine = np.flatnonzero((store.labels == dataset.classes.index(name)) & (store.splits != DROPPED))
    return drop(dataset, mine, f"the class {shown(name)}")


def replace_texts(
    dataset: Dataset,
    texts: Mapping[int, str],
    summary: str,
    targets: Mapping[int, str] | None = None,
) -> Dataset:
    """Put other texts in place of the stored ones; targets: of pairs, what should come out."""
    store = Store.open(dataset)
    if store.kind != "text":
        raise UsageError("Only texts can be changed.")
    state = State.of(dataset, store)
    check_editable(dataset)
    items = {index: _checked_text(text) for index, text in texts.items()}
    wanted = {index: _checked_text(text) for index, text in (targets or {}).items()}
    changed = replace(
        state, items=state.items.changed(items), targets=state.targets.changed(wanted)
    )
    return versions.add_version(dataset, changed, summary)


def replace_boxes(dataset: Dataset, boxes: Mapping[int, NDArray[Any]], summary: str) -> Dataset:
    """Put other boxes, structured as BOX, in place of a picture's."""
    store = Store.open(dataset)
    check_editable(dataset)
    state = State.of(dataset, store)
    edits = state.targets.changed({index: found.tobytes() for index, found in boxes.items()})
    return versions.add_version(dataset, replace(state, targets=edits), summary)


def check_label(label: str) -> str:
    """A class's name as it is stored; raises UsageError where it cannot be one."""
    line = unicodedata.normalize("NFC", cleaned(" ".join(label.split())))
    if not line:
        raise UsageError("The name of the class is empty.")
    if len(line) > MAX_LABEL:
        raise UsageError(f"The name of the class is longer than {MAX_LABEL} characters.")
    return line


def _split_number(split: str) -> int:
    if split not in SPLITS:
        raise UsageError(f"There is no part called {split!r}. Known: {', '.join(SPLITS)}.")
    return SPLITS.index(split)


def _checked_text(text: str) -> bytes:
    if not text.strip():
        raise UsageError("A text cannot be empty. Leave the example out instead.")
    return text.strip().encode("utf-8", "replace")


def _begin(dataset: Dataset, indices: Indices) -> tuple[State, NDArray[np.int64]]:
    """What there is, and the chosen examples, which must exist."""
    check_editable(dataset)
    store = Store.open(dataset)
    chosen = np.unique(np.asarray(indices, np.int64))
    if not len(chosen):
        raise UsageError("No example is chosen.")
    if chosen[0] < 0 or chosen[-1] >= len(store):
        raise UsageError("There is no such example.")
    return State.of(dataset, store), chosen


def check_editable(dataset: Dataset) -> None:
    """Raise UsageError for a data set that came with Trainroom."""
    if dataset.bundled:
        raise UsageError(
            f"{dataset.name} came with Trainroom and stays as it is. Make a copy of it, and change "
            "that."
        )


def _need_classes(dataset: Dataset) -> None:
    check_editable(dataset)
    if not dataset.classes:
        raise UsageError(f"{dataset.name} has no classes.")


def _without_empty(state: State) -> State:
    """The same without classes that no example has any more."""
    kept = state.splits != DROPPED
    present = np.unique(state.labels[kept & (state.labels >= 0)])
    if len(present) == len(state.classes):
        return state
    numbers = np.full(len(state.classes) + 1, NO_CLASS, np.int64)  # the last one is for NO_CLASS
    numbers[present] = np.arange(len(present))
    classes = [state.classes[number] for number in present.tolist()]
    return replace(state, labels=numbers[state.labels], classes=classes)


def _renumber_boxes(store: Store, numbers: NDArray[np.int64]) -> Overlay:
    """All boxes with other class numbers, as edits: only of pictures where one differs."""
    boxes, owners = store.all_boxes()
    moved = boxes.copy()
    moved["label"] = numbers[boxes["label"]]
    differs = np.unique(owners[moved["label"] != boxes["label"]])
    order = np.argsort(owners, kind="stable")
    owners, moved = owners[order], moved[order]
    starts, ends = owners.searchsorted(differs), owners.searchsorted(differs, "right")
    return store.target_edits.changed(
        {
            int(index): moved[start:end].astype(BOX).tobytes()
            for index, start, end in zip(differs, starts, ends, strict=True)
        }
    )


def _merge_words(dataset: Dataset, groups: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for into, names in list(groups.items())[:NAMED]:
        others = [shown(name) for name in names if name != into]
        if len(names) == 1 and into not in dataset.classes:
            parts.append(f"renamed the class {others[0]} to {shown(into)}")
        else:
            parts.append(f"merged {_listed(others)} into {shown(into)}")
    more = f", and {len(groups) - NAMED} more merges" if len(groups) > NAMED else ""
    words = "; ".join(parts) + more
    return f"{words[0].upper()}{words[1:]}."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _examples(count: int) -> str:
    return f"{count:,} example{'' if count == 1 else 's'}"
