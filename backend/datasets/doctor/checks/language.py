"""Texts in another language than the rest, told by py3langid (after Lui and Baldwin, 2012)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.checks.text_sizes import sides
from backend.datasets.doctor.finding import Cure, Finding, counted
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.doctor.texts import Texts

SAMPLE = 20_000
LEAST_BYTES = 20
SURE = 0.9
"""On the bundled texts in 18 languages 62 % are told so surely, 2 of 10,000 of them wrongly."""
READ_BYTES = 600
MAIN = 0.8
"""Where no language has so large a share, the data are in several languages, and meant to be."""
LEAST, LEAST_SHARE = 3, 0.003
MANY = 0.05
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish",
    "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip
SAME = {"yue": "zh", "wuu": "zh", "nb": "no", "nn": "no", "uzs": "fa", "bs": "hr", "ms": "id"}
"""Codes that are taken for another: their short texts cannot be told apart."""


@check("language", "Telling the languages", items=("text",), first=6)
def language(subject: Subject) -> Iterable[Finding]:
    for texts, what in sides(subject):
        yield from _foreign(subject, texts, what)


def _foreign(subject: Subject, texts: Texts, what: str) -> Iterable[Finding]:
    places = subject.sample(SAMPLE)
    codes = tell_languages(subject, texts, places)
    told = codes != ""
    counts = Counter(codes[told].tolist())
    if not counts:
        return
    main, often = counts.most_common(1)[0]
    if often < MAIN * told.sum():
        return
    other = told & (codes != main)
    if subject.has_classes:
        other &= ~_own_language(subject.labels[places], codes, main)
    found = np.flatnonzero(other)
    if len(found) < max(LEAST, LEAST_SHARE * len(places)):
        return
    which = Counter(codes[found].tolist()).most_common(3)
    listed = ", ".join(f"{language_name(code)} ({number:,})" for code, number in which)
    looked = "" if len(places) == len(subject) else f" of {len(places):,} that were looked at"
    indices = subject.present[places[found]]
    yield Finding(
        "texts-foreign",
        "warning" if len(found) > MANY * len(places) else "hint",
        f"{counted(len(found), subject.unit)}{f' ({what})' if what else ''}{looked} are in another "
        f"language than the rest, which is {language_name(main)}: {listed}.",
        len(found),
        flagged=indices,
        cure=Cure(
            "drop",
            "Leave them out",
            f"{counted(len(found), subject.unit)} are left out.",
            indices=indices,
        ),
    )


def tell_languages(subject: Subject, texts: Texts, places: NDArray[np.int64]) -> NDArray[Any]:
    """The code of each text's language where it is sure, else "", [k]."""
    identifier = _identifier()
    found = np.full(len(places), "", object)
    for number, place in enumerate(places.tolist()):
        if number % 500 == 0:
            subject.tick(number / len(places))
        start, end = texts.starts[place], texts.ends[place]
        if end - start < LEAST_BYTES:
            continue
        text = texts.blob[start : min(end, start + READ_BYTES)].decode("utf-8", "ignore")
        code, sureness = identifier.classify(text)
        if sureness >= SURE:
            found[number] = SAME.get(code, code)
    return found


def _own_language(labels: NDArray[np.int64], codes: NDArray[Any], main: str) -> NDArray[np.bool_]:
    """Whose class is mostly in their language: then the language is what is to be told."""
    by_class: dict[int, Counter[str]] = defaultdict(Counter)
    for label, code in zip(labels.tolist(), codes.tolist(), strict=True):
        if code:
            by_class[label][code] += 1
    usual = {label: found.most_common(1)[0][0] for label, found in by_class.items()}
    return np.array(
        [
            usual.get(label, main) == code and code != main
            for label, code in zip(labels.tolist(), codes.tolist(), strict=True)
        ],
        bool,
    )


def language_name(code: str) -> str:
    return NAMES.get(code, f"the language {code}")


@cache
def _identifier() -> Any:
    """The model, which takes a second to load."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
