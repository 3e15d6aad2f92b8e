"""A look at what was given, before anything is stored: what it is, how much, and some examples."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.formats import DataFormat
from backend.datasets.images import encode_png
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import Source
from backend.datasets.preview import encode_wav
from backend.datasets.readers.reading import Box, Progress, Understood
from backend.datasets.readers.recognise import possible_forms, recognise
from backend.datasets.skips import Skips
from backend.datasets.splits import SPLITS, UNASSIGNED
from backend.errors import DataError

ROWS, FILES = 50_000, 24
"""How much of a table is read, and how many files are decoded."""
SHOWN, SHOWN_OF_EACH = 24, 3
MAX_TEXT = 600
BOX_COLOURS = ((220, 38, 38), (2, 132, 199), (22, 163, 74), (217, 119, 6), (147, 51, 234))


@dataclass(frozen=True, slots=True)
class LookExample:
    """One example as a form shows it; file: of the look's folder, a picture or a sound."""

    label: str = ""
    split: str = ""
    text: str = ""
    target: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What was understood. count: examples that there will be; exact: whether it is no estimate.

    forms: those between which there is a choice.
    problem: the sentence why it cannot be brought in like this, "" where it can. The rest is as in
    readers.reading.Understood; splits go by their names, "" for examples that have none yet.
    """

    form: str
    forms: list[str]
    sentence: str
    count: int
    exact: bool
    problem: str = ""
    classes: dict[str, int] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    split_by: str = ""
    table: dict[str, Any] = field(default_factory=dict)
    levels: list[dict[str, Any]] = field(default_factory=list)
    level: int | None = None
    cut: str = ""
    notes: list[str] = field(default_factory=list)
    examples: list[LookExample] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    skipped_kinds: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Look":
        examples = [LookExample(**one) for one in record["examples"]]
        return cls(**{**record, "examples": examples})


def look_at(
    source: Source,
    data_format: DataFormat,
    choices: Choices,
    skips: Skips,
    folder: Path,
    progress: Progress | None = None,
) -> Look:
    """Read some of a source; pictures and sounds of examples are written into the folder.

    Raises UsageError or DataError where nothing is understood at all.
    """
    sink = LookSink(folder)
    with recognise(source, data_format, choices, skips) as reading:
        limit = FILES if data_format.is_files else ROWS
        problem, share = "", 1.0
        try:
            share = reading.read(sink, skips, progress, limit)
        except DataError as error:
            problem = str(error)
        found = reading.understood()
        forms = possible_forms(source, data_format)
        return _sum_up(found, forms, sink, share, problem, skips)


def _sum_up(
    found: Understood,
    forms: list[str],
    sink: "LookSink",
    share: float,
    problem: str,
    skips: Skips,
) -> Look:
    known = found.count is not None
    count = found.count if found.count is not None else round(len(sink) / max(share, 1e-6))
    table: dict[str, Any] = {}
    if found.facts is not None:
        table = {
            **asdict(found.facts),
            "columns": found.columns,
            "roles": found.roles,
            "rows": found.first_rows,
        }
    skips.close()
    return Look(
        form=found.form,
        forms=forms,
        sentence=found.sentence,
        count=count,
        exact=known or share >= 1.0,
        problem=problem,
        classes=found.classes or dict(sink.classes.most_common()),
        splits=_named(found.splits or sink.splits),
        split_by=found.split_by,
        table=table,
        levels=[asdict(level) for level in found.levels],
        level=found.level,
        cut=found.cut,
        notes=found.notes,
        examples=sink.examples,
        skipped=skips.listed,
        skipped_kinds=dict(skips.kinds),
    )


def _named(splits: Mapping[int, int]) -> dict[str, int]:
    names = {**dict(enumerate(SPLITS)), UNASSIGNED: ""}
    return {names[split]: count for split, count in sorted(splits.items())}


class LookSink:
    """Counts examples and keeps some: the first ones, and of each class or split a few."""

    def __init__(self, folder: Path) -> None:
        self.examples: list[LookExample] = []
        self.classes: Counter[str] = Counter()
        self.splits: Counter[int] = Counter()
        self._folder = folder
        self._count = 0
        self._shown: Counter[tuple[str, int]] = Counter()

    def __len__(self) -> int:
        return self._count

    @property
    def class_count(self) -> int:
        return len(self.classes)

    @property
    def class_names(self) -> list[str]:
        return list(self.classes)

    def add_text(self, text: str, label: str = "", split: int = UNASSIGNED) -> None:
        if self._is_shown(label, split):
            self._keep(label, split, text=text[:MAX_TEXT])

    def add_pair(self, source: str, target: str, split: int = UNASSIGNED) -> None:
        if self._is_shown("", split):
            self._keep("", split, text=source[:MAX_TEXT], target=target[:MAX_TEXT])

    def add_rating(self, user: str, item: str, value: float, split: int = UNASSIGNED) -> None:
        if self._is_shown("", split):
            self._keep("", split, text=f"{user}: {item}", target=f"{value:g}")

    def add_image(self, image: NDArray[np.uint8], label: str, split: int = UNASSIGNED) -> None:
        if self._is_shown(label, split):
            self._keep(label, split, file=self._write("png", encode_png(image)))

    def add_sound(self, sound: NDArray[np.int16], label: str, split: int = UNASSIGNED) -> None:
        if self._is_shown(label, split):
            self._keep(label, split, file=self._write("wav", encode_wav(sound)))

    def add_boxes(
        self, image: NDArray[np.uint8], boxes: Sequence[Box], split: int = UNASSIGNED
    ) -> None:
        names = Counter(name for name, *_ in boxes)
        self.classes.update(names)
        if self._is_shown("", split):
            label = ", ".join(f"{name} ({n})" if n > 1 else name for name, n in names.items())
            file = self._write("png", encode_png(draw_boxes(image, boxes)))
            self._keep(label, split, file=file)

    def _is_shown(self, label: str, split: int) -> bool:
        """Count an example; whether it is to be kept."""
        self._count += 1
        self.splits[split] += 1
        if label:
            self.classes[label] += 1
        most = SHOWN_OF_EACH if label else SHOWN // 2
        if len(self.examples) >= SHOWN or self._shown[label, split] >= most:
            return False
        self._shown[label, split] += 1
        return True

    def _keep(self, label: str, split: int, **shown: str) -> None:
        name = "" if split == UNASSIGNED else SPLITS[split]
        self.examples.append(LookExample(label=label, split=name, **shown))

    def _write(self, ending: str, data: bytes) -> str:
        name = f"example-{len(self.examples)}.{ending}"
        (self._folder / name).write_bytes(data)
        return name


def draw_boxes(image: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.uint8]:
    """A copy of a picture with a frame for each box, each class in a colour of its own."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image)
    pen = ImageDraw.Draw(picture)
    names = sorted({name for name, *_ in boxes})
    width = max(1, round(min(picture.size) / 100))
    for name, x1, y1, x2, y2 in boxes:
        colour = BOX_COLOURS[names.index(name) % len(BOX_COLOURS)]
        pen.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=width)
    return np.asarray(picture)
