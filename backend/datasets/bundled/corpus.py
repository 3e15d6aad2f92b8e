"""Texts of the package chatterbot-corpus, cleaned: `languages`, `topics` and `small-talk`."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from backend.datasets.bundled import record
from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

MIN_SENTENCES = 90
"""A language with fewer different sentences is left out."""
TOPICS = {
    "ai": "artificial intelligence",
    "coding": "programming",
    "emotion": "feelings",
    "literature": "books",
    "money": "money",
    "movies": "movies",
    "psychology": "psychology",
    "science": "science",
    "sports": "sports",
    "trivia": "general knowledge",
}
NO_TALK = ("coding.yml", "tech_support.yml")
"""Mostly program code, and ten exchanges repeated a thousand times."""
LANGUAGE_NAMES = {"traditionalchinese": "Chinese"}
MAX_TEXT = 300


def _conversations(path: Path) -> list[list[str]]:
    """The conversations of one file of the corpus, each a list of sentences."""
    import yaml

    data = path.read_bytes()
    # The C parser is 15 times as fast as the one in Python, but not everywhere.
    fast = hasattr(yaml, "CSafeLoader")
    parsed = yaml.load(data, yaml.CSafeLoader) if fast else yaml.load(data, yaml.SafeLoader)
    found = parsed["conversations"] or []
    lists = (item if isinstance(item, list) else [item] for item in found)
    return [[" ".join(x.split()) for x in item if isinstance(x, str)] for item in lists]


def _unambiguous(labelled: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Class -> its different texts, without those that stand in several classes."""
    owners: dict[str, dict[str, str]] = defaultdict(dict)
    for text, label in labelled:
        owners[text.casefold()].setdefault(label, text)
    classes: dict[str, list[str]] = defaultdict(list)
    for owner in owners.values():
        if len(owner) == 1:
            (label, text), *_ = owner.items()
            classes[label].append(text)
    return classes


def _is_sentence(text: str) -> bool:
    """Two words at least, or four signs of a script that puts no spaces between words."""
    letters = [sign for sign in text if sign.isalpha()]
    wide = any(unicodedata.east_asian_width(sign) == "W" for sign in letters)
    return len(letters) >= 4 and (wide or " " in text) and len(text) <= MAX_TEXT


def fill_languages(writer: StoreWriter, folder: Path) -> None:
    def sentences() -> Iterable[tuple[str, str]]:
        for path in sorted(folder.glob("*/*.yml")):
            language = path.parent.name
            name = LANGUAGE_NAMES.get(language, language.capitalize())
            for conversation in _conversations(path):
                yield from ((text, name) for text in conversation if _is_sentence(text))

    classes = _unambiguous(sentences())
    for language, texts in classes.items():
        # Sentences that the translators left in English; all these scripts are their own.
        own = [text for text in texts if not text.isascii()]
        texts = own if len(own) > 0.9 * len(texts) else texts
        if len(texts) >= MIN_SENTENCES:
            for text in texts:
                writer.add_text(text, language)


def fill_topics(writer: StoreWriter, folder: Path) -> None:
    def exchanges() -> Iterable[tuple[str, str]]:
        for category, topic in TOPICS.items():
            for conversation in _conversations(folder / "english" / f"{category}.yml"):
                yield from ((text[:MAX_TEXT], topic) for text in conversation if " " in text)

    for topic, texts in _unambiguous(exchanges()).items():
        for text in texts:
            writer.add_text(text, topic)


def fill_small_talk(writer: StoreWriter, folder: Path) -> None:
    known: set[str] = set()
    for path in sorted((folder / "english").glob("*.yml")):
        for conversation in _conversations(path) if path.name not in NO_TALK else []:
            text = "\n".join(f"- {line}" for line in conversation if line)
            if text and text not in known:
                known.add(text)
                writer.add_text(text)


SETS = (
    Bundled(
        name="languages",
        title="Which language is it?",
        description="Short sentences, each in one of 18 languages, from Bengali to Ukrainian.",
        format="text-class",
        task="text-classification",
        source="chatterbot-corpus by Gunther Cox and contributors",
        licence="BSD-3-Clause",
        needs="the package chatterbot-corpus (pip install chatterbot-corpus)",
        source_note=f"Languages with at least {MIN_SENTENCES} different sentences; those "
        "that stand in two languages are left out.",
        find=lambda: record.package_file("chatterbot_corpus", "data"),
        fill=fill_languages,
    ),
    Bundled(
        name="topics",
        title="What is it about?",
        description="Short English sentences from small talk, each about one of ten topics.",
        format="text-class",
        task="text-classification",
        source="chatterbot-corpus by Gunther Cox and contributors",
        licence="BSD-3-Clause",
        needs="the package chatterbot-corpus (pip install chatterbot-corpus)",
        source_note="Questions and answers of the English part; sentences that stand in two "
        "topics are left out.",
        find=lambda: record.package_file("chatterbot_corpus", "data"),
        fill=fill_topics,
    ),
    Bundled(
        name="small-talk",
        title="Small talk",
        description="800 short English conversations, a line for each turn: tiny, for first tries "
        "in seconds.",
        format="text",
        task="text-generation",
        source="chatterbot-corpus by Gunther Cox and contributors",
        licence="BSD-3-Clause",
        needs="the package chatterbot-corpus (pip install chatterbot-corpus)",
        source_note="The English part without program code and technical support; a conversation "
        "that occurs twice is there once.",
        find=lambda: record.package_file("chatterbot_corpus", "data"),
        fill=fill_small_talk,
    ),
)
