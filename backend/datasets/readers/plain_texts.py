"""Plain text files cut into examples: whole files, paragraphs, lines or passages of a book."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from backend.datasets.encodings import chosen_encoding, name_encoding
from backend.datasets.formats import TEXTS
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.sources import Entry, Source
from backend.datasets.readers.delimited import open_text
from backend.datasets.readers.placing import wanted_entries
from backend.datasets.readers.reading import Progress, Sink, Understood
from backend.datasets.readers.table_parts import split_in_path
from backend.datasets.skips import Skips, shown
from backend.datasets.splits import TRAIN, UNASSIGNED
from backend.errors import ArchiveError, DataError, UsageError

CUTS = {
    "passages": "Passages of about 1,000 characters",
    "paragraphs": "Paragraphs, between blank lines",
    "lines": "Lines",
    "files": "Whole files",
}
"""What an example can be, and how a form says it."""
PASSAGE = 1000
"""Characters at which a passage ends, with the sentence or paragraph it is in."""
LONGEST = 4000
"""Characters of the longest paragraph or sentence that is kept in one piece."""
WHOLE = 20_000
"""Characters of the longest file that is an example as it is."""
SHORT_FILE, BOOK = 5_000, 30_000
"""Bytes: several files shorter than the one are examples as they are; the other is a book."""
SAMPLE_LINES = 2000
MIN_SIGNS = 2
MAX_SOURCES = 1000
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’»)\]]*\s+")


@dataclass(frozen=True, slots=True)
class _File:
    entry: Entry
    encoding: str
    split: int


class TextReading:
    """Text files that are cut the same way."""

    def __init__(self, source: Source, choices: Choices, skips: Skips) -> None:
        """Find out how they are encoded and cut; raises DataError where there are none."""
        self._source = source
        self._files = []
        for entry in wanted_entries(source, TEXTS, "text file", skips):
            try:
                path = source.on_disk(entry)
                if entry.size == 0:
                    raise DataError("It is empty (0 bytes).")
                encoding = chosen_encoding(choices, path, "It")
            except ArchiveError:
                raise
            except DataError as error:
                skips.add(shown(entry.path), str(error), "not a text")
                continue
            self._files.append(_File(entry, encoding, UNASSIGNED))
        if not self._files:
            raise DataError(f"{source.name} holds no text that can be read.{skips.summary()}")
        if choices.keep_splits:
            self._files = _with_splits(self._files)
        if choices.cut and choices.cut not in CUTS:
            raise UsageError(f"Texts are cut into {', '.join(CUTS)}, not {shown(choices.cut)!r}.")
        self._cut = choices.cut or self._guess()
        self._sources: Counter[str] = Counter()

    def understood(self) -> Understood:
        count, first = len(self._files), self._files[0]
        named = shown(first.entry.path) if count == 1 else f"{count:,} text files"
        encodings = sorted({name_encoding(one.encoding) for one in self._files})
        splits = Counter(one.split for one in self._files)
        return Understood(
            form="texts",
            sentence=f"{named}, in {' and '.join(encodings[:3])}.",
            count=count if self._cut == "files" else None,
            splits=dict(splits) if self._cut == "files" else {},
            split_by="" if set(splits) == {UNASSIGNED} else "the folders and files",
            cut=self._cut,
        )

    def details(self) -> dict[str, Any]:
        """How the texts were cut, and which file gave how many, in their order."""
        sources = [{"name": name, "examples": count} for name, count in self._sources.items()]
        return {"cut": self._cut, "sources": sources[:MAX_SOURCES]}

    def read(
        self, sink: Sink, skips: Skips, progress: Progress | None = None, limit: int | None = None
    ) -> float:
        total, done = sum(one.entry.size for one in self._files), 0
        for number, one in enumerate(self._files):
            name = shown(one.entry.path)
            with open_text(self._source.on_disk(one.entry), one.encoding) as file:
                for text in CUTTERS[self._cut](file):
                    if progress and len(sink) % 500 == 0:
                        here = min(file.buffer.tell(), one.entry.size)  # type: ignore[attr-defined]
                        words = f"Reading text file {number + 1:,} of {len(self._files):,}"
                        progress(words, (done + here) / max(1, total))
                    if len(text) < MIN_SIGNS:
                        skips.add(name, f"“{text}” is too short to be an example.", "short text")
                        continue
                    sink.add_text(text, "", one.split)
                    self._sources[name] += 1
                    if limit is not None and len(sink) >= limit:
                        here = min(file.buffer.tell(), one.entry.size)  # type: ignore[attr-defined]
                        return (done + here) / max(1, total)
            if not self._sources[name]:
                skips.add(name, "It holds no text.", "empty text")
            done += one.entry.size
        if len(sink) == 0:
            raise DataError(
                f"{self._source.name} holds no text, only blank lines.{skips.summary()}"
            )
        return 1.0

    def _guess(self) -> str:
        """Whole files where there are many short ones; else what the first long one looks like."""
        sizes = sorted(one.entry.size for one in self._files)
        if len(sizes) >= 10 and sizes[len(sizes) // 2] <= SHORT_FILE:
            return "files"
        longest = max(self._files, key=lambda one: one.entry.size)
        with open_text(self._source.on_disk(longest.entry), longest.encoding) as file:
            lines = [one for one in islice(_lines(file), SAMPLE_LINES) if one.endswith("\n")]
        blank = sum(not line.strip() for line in lines)
        if longest.entry.size > BOOK and blank:
            return "passages"
        if blank > 0.1 * len(lines):
            return "paragraphs"
        # Without blank lines: each line is an example, unless it is one that goes on and on.
        return "lines" if len(lines) > 5 else "passages"


def _with_splits(files: list[_File]) -> list[_File]:
    """The splits that folders or files are named for, where all of them are."""
    splits = [split_in_path(one.entry.path) for one in files]
    if None in splits or TRAIN not in splits or len(set(splits)) < 2:
        return files
    return [
        _File(one.entry, one.encoding, UNASSIGNED if split is None else split)
        for one, split in zip(files, splits, strict=True)
    ]


def _lines(file: IO[str]) -> Iterator[str]:
    """The lines of a file; one that goes on for long is cut."""
    while line := file.readline(LONGEST):
        yield line


def cut_lines(file: IO[str]) -> Iterator[str]:
    """Each line that is not blank."""
    rest = ""
    for line in _lines(file):
        rest += line
        if line.endswith("\n") or len(rest) >= WHOLE:
            if rest.strip():
                yield rest.strip()
            rest = ""
    if rest.strip():
        yield rest.strip()


def cut_paragraphs(file: IO[str]) -> Iterator[str]:
    """What stands between blank lines, its lines joined; longer ones than LONGEST in pieces."""
    text = ""
    for line in _lines(file):
        if line.strip():
            text += line
            if len(text) > 2 * LONGEST:
                *done, text = _pieces(text, LONGEST)
                yield from map(_joined, done)
        elif text:
            yield from map(_joined, _pieces(text, LONGEST))
            text = ""
    if text.strip():
        yield from map(_joined, _pieces(text, LONGEST))


def _joined(text: str) -> str:
    return " ".join(text.split())


def cut_passages(file: IO[str]) -> Iterator[str]:
    """Paragraphs together until they have PASSAGE characters; long ones end with a sentence."""
    waiting: list[str] = []
    size = 0
    for paragraph in cut_paragraphs(file):
        for sentence in _sentences(paragraph) if len(paragraph) > PASSAGE else [paragraph]:
            waiting.append(sentence)
            size += len(sentence)
            if size >= PASSAGE:
                yield "\n".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield "\n".join(waiting)


def cut_files(file: IO[str]) -> Iterator[str]:
    """All of it in one piece; of longer files than WHOLE characters several."""
    text = ""
    while more := file.read(WHOLE):
        text += more
        if len(text) > WHOLE:
            *done, text = _pieces(text, WHOLE)
            yield from map(str.strip, done)
    if text.strip():
        yield text.strip()


def _pieces(text: str, longest: int) -> list[str]:
    """A text in pieces of at most so many characters, cut where a word ends."""
    pieces = []
    while len(text) > longest:
        end = max(text.rfind(" ", 1, longest), text.rfind("\n", 1, longest))
        end = end if end > 0 else longest
        pieces.append(text[:end])
        text = text[end:]
    return [*pieces, text] if text.strip() or not pieces else pieces


def _sentences(paragraph: str) -> Iterator[str]:
    """Parts of a paragraph of about PASSAGE characters that end with a sentence."""
    begin = 0
    for match in _SENTENCE_END.finditer(paragraph):
        if match.end() - begin >= PASSAGE:
            yield paragraph[begin : match.end()].strip()
            begin = match.end()
    if paragraph[begin:].strip():
        yield paragraph[begin:].strip()


CUTTERS: dict[str, Callable[[IO[str]], Iterator[str]]] = {
    "passages": cut_passages,
    "paragraphs": cut_paragraphs,
    "lines": cut_lines,
    "files": cut_files,
}
