"""Which class and split each file belongs to, told by the folders it lies in, or by its name."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import MAX_DEPTH, Entry, Source
from backend.datasets.readers.columns import SPLIT_WORDS
from backend.datasets.skips import Skips, cleaned, shown
from backend.datasets.splits import TRAIN, UNASSIGNED
from backend.errors import DataError

MAX_CLASSES = 1000
BY_NAME = -1
"""The level at which not a folder but the beginning of each file's name is the class."""
MIN_PER_NAME = 3
"""A beginning of names counts as a class where so many files have it."""
NAMES_SHOWN = 8
MAX_NAME = 200
_COUNTED = re.compile(r"^(.*?[^\W\d_])[\W_]*\d[\d\W_]*$", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A file with its class and, where its folder or a table names one, its split."""

    entry: Entry
    label: str
    split: int


@dataclass(frozen=True, slots=True)
class Level:
    """Folders that may be the classes: how many lie above them, and what they are called."""

    depth: int
    names: list[str]
    count: int


def wanted_entries(source: Source, endings: Sequence[str], kind: str, skips: Skips) -> list[Entry]:
    """The files with one of the endings; the others are skipped with a reason."""
    wanted = []
    for entry in source.entries:
        if entry.is_system_file:
            skips.add(shown(entry.path), "It is a file of the system, not data.", "system file")
        elif entry.suffix not in endings:
            skips.add(shown(entry.path), f"It is not a {kind}.", f"not a {kind}")
        else:
            wanted.append(entry)
    if not wanted:
        raise DataError(
            f"{source.name} holds no {kind}s ({', '.join(endings)}). Put them into one folder per "
            f"class.{skips.summary()}"
        )
    return wanted


class Places:
    """The files of a source, and the level of folders that names their classes.

    A folder around everything is passed over; folders named train, validation or test above the
    classes (or below them) give the splits; deeper folders belong to the class above them.
    """

    def __init__(self, source: Source, entries: list[Entry], kind: str, choices: Choices) -> None:
        self._name, self._entries, self._kind = source.name, entries, kind
        folders = [entry.parts[:-1] for entry in entries]
        depth, above = _class_level(folders)
        self.levels = _levels(folders, depth - 1 if above else None)
        by_name = _classes_by_name(entries)
        if by_name:
            self.levels.append(Level(BY_NAME, list(by_name)[:NAMES_SHOWN], len(by_name)))
        if choices.level is not None:
            depth = choices.level
        elif by_name and len({parts[depth] for parts in folders if len(parts) > depth}) < 2:
            depth = BY_NAME
        self.depth = depth
        near = (depth - 1, depth + 1) if depth != BY_NAME else range(MAX_DEPTH)
        self._split_depth = next((each for each in near if _has_splits(folders, each)), None)
        if not choices.keep_splits:
            self._split_depth = None

    @property
    def has_splits(self) -> bool:
        """Whether folders name the splits."""
        return self._split_depth is not None

    def place(self, skips: Skips) -> list[Placed]:
        """Every file with its class, by path; raises DataError where there are too few classes."""
        placed = []
        for entry in self._entries:
            label = self._label(entry)
            if label:
                placed.append(Placed(entry, label, self._split(entry)))
            else:
                skips.add(
                    shown(entry.path), "It does not lie in the folder of a class.", "no class"
                )
        self._check([item.label for item in placed])
        return sorted(placed, key=lambda item: item.entry.path)

    def _label(self, entry: Entry) -> str:
        if self.depth == BY_NAME:
            return _beginning(entry.stem)
        return class_name(entry.parts[self.depth]) if len(entry.parts) > self.depth + 1 else ""

    def _split(self, entry: Entry) -> int:
        depth = self._split_depth
        if depth is None or len(entry.parts) < depth + 2:
            return UNASSIGNED
        return SPLIT_WORDS.get(entry.parts[depth].lower(), UNASSIGNED)

    def _check(self, labels: list[str]) -> None:
        name, kind, classes = self._name, self._kind, sorted(set(labels))
        if not classes:
            raise DataError(
                f"{name} holds {kind}s but no folders. Put them into one folder per class."
            )
        if len(classes) == 1:
            raise DataError(
                f"{name} has only one class, {classes[0]!r}. A classifier needs at least two: one "
                "folder for each."
            )
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"{name} has {len(classes):,} folders; at most {MAX_CLASSES:,} classes are "
                "possible."
            )


def class_name(text: str) -> str:
    """A class as it is stored: one line, an accented letter as one sign."""
    # macOS stores an umlaut as two signs, Windows as one: the same name to everybody.
    return unicodedata.normalize("NFC", cleaned(text).strip()) or "(blank)"


Folders = Sequence[tuple[str, ...]]


def _class_level(folders: Folders) -> tuple[int, bool]:
    """How many folders lie above the classes, and whether the last of them names the splits."""
    depth = 0
    while True:
        names = {parts[depth] for parts in folders if len(parts) > depth}
        deeper = [parts for parts in folders if len(parts) > depth + 1]
        if deeper and _has_splits(folders, depth):
            return depth + 1, True
        if len(names) != 1 or not deeper:
            return depth, False
        depth += 1


def _has_splits(folders: Folders, depth: int) -> bool:
    """Whether all folders at a depth are called train, validation or test."""
    if depth < 0:
        return False
    splits = {SPLIT_WORDS.get(parts[depth].lower()) for parts in folders if len(parts) > depth}
    return TRAIN in splits and None not in splits


def _levels(folders: Folders, splits: int | None) -> list[Level]:
    """Every depth at which there are folders that could be the classes."""
    found = []
    for depth in range(max(map(len, folders), default=0)):
        names = Counter(class_name(parts[depth]) for parts in folders if len(parts) > depth)
        if 1 < len(names) <= MAX_CLASSES and depth != splits:
            often = [name for name, _ in names.most_common(NAMES_SHOWN)]
            found.append(Level(depth, sorted(often), len(names)))
    return found


def _classes_by_name(entries: Iterable[Entry]) -> dict[str, int]:
    """Classes in names such as cat.12.jpg and dog (3).jpg; empty where the names are no pattern."""
    counts = Counter(_beginning(entry.stem) for entry in entries)
    unnamed = counts.pop("", 0)
    rare = sum(count for count in counts.values() if count < MIN_PER_NAME)
    common = {name: count for name, count in counts.items() if count >= MIN_PER_NAME}
    is_pattern = 2 <= len(common) <= MAX_CLASSES and unnamed + rare <= sum(common.values()) / 10
    return common if is_pattern else {}


def _beginning(stem: str) -> str:
    """What stands before a file's number: cat in cat.12, "" where there is no number."""
    match = _COUNTED.match(stem) if len(stem) <= MAX_NAME else None
    return class_name(match.group(1)) if match else ""
