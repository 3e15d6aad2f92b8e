"""Questions to vectors: what is near, also of sums and differences, as answers of a task."""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.errors import UsageError
from backend.models.vector_maps import map_vectors, points

# A sign counts with a space on both sides, or at the very beginning: well-known is one word.
_SIGN = re.compile(r"(?:^\s*|(?<=\s))([+−–-])(?:\s+|$)")
ASKED, NEAR, OTHER = "asked", "near", "other"


class VectorModel(Protocol):
    """What the task asks of a network of vectors, of words or of texts."""

    map_method: str

    def learn(self, batch: Any) -> dict[str, Tensor]:
        """The loss of a batch, and what scores are made of."""
        ...

    def ask(
        self, processor: Any, question: str, device: torch.device, count: int
    ) -> dict[str, Any]:
        """The answer to one question."""
        ...

    def draw_map(self, processor: Any, device: torch.device) -> dict[str, Any]:
        """Points and groups of a map, turned to lie as at the last evaluation."""
        ...


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a sum: its sign, and the words."""

    sign: float
    words: str


def parse_sum(question: str) -> list[Term]:
    """The parts of "king - man + woman"; a text without signs is one part.

    Raises UsageError where a sign has nothing behind it.
    """
    parts = _SIGN.split(question.strip())
    terms = [Term(1.0, parts[0].strip())] if parts[0].strip() else []
    for sign, words in zip(parts[1::2], parts[2::2], strict=True):
        if not words.strip():
            raise UsageError(f"There is nothing behind the {sign}. Write it as: king - man + woman")
        terms.append(Term(1.0 if sign == "+" else -1.0, words.strip()))
    if not terms:
        raise UsageError("There is no word in this. Type one, such as: king")
    return terms


def similar_words(word: str, known: Sequence[str]) -> list[str]:
    """Known words that are written nearly alike."""
    return difflib.get_close_matches(word, known, 3, 0.7)


def unknown_word(word: str, known: Sequence[str]) -> UsageError:
    """What to say of a word that did not occur often enough to have a vector."""
    similar = similar_words(word, known)
    advice = f"Did you mean {' or '.join(similar)}?" if similar else "Try another word."
    return UsageError(
        f"The model does not know the word {word!r}: its texts hardly have it. {advice}"
    )


def sum_up(terms: Sequence[Term], vectors: Sequence[Tensor]) -> Tensor:
    """The direction [width] of the sum of the terms' directions."""
    parts = [
        term.sign * F.normalize(vector, dim=0) for term, vector in zip(terms, vectors, strict=True)
    ]
    return F.normalize(torch.stack(parts).sum(0), dim=0)


def nearest(
    asked: Tensor, units: Tensor, *, count: int, without: Collection[int] = ()
) -> list[tuple[int, float]]:
    """The places of the nearest of units [n, width], and how near they are (cosine), in order."""
    scores = (units @ asked).cpu()
    for place in without:
        scores[place] = -2.0
    found = scores.topk(min(count, max(1, len(units) - len(without))))
    return list(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def neighbours_answer(
    asked: Tensor,
    title: str,
    units: Tensor,
    texts: Sequence[str],
    found: Sequence[tuple[int, float]],
    others: Sequence[int],
) -> dict[str, Any]:
    """{"neighbours": [{"text", "score"}], "map": {"points"}}: what is near, and where it lies.

    others: places of units that are drawn as well, to see where that is.
    """
    near = [place for place, _ in found]
    rest = [place for place in others if place not in set(near)]
    vectors = torch.cat([asked.unsqueeze(0), units[near], units[rest]]).cpu()
    places = map_vectors(vectors, torch.zeros(len(vectors), 2))
    names = [title, *(texts[place] for place in [*near, *rest])]
    groups = [ASKED, *[NEAR] * len(near), *[OTHER] * len(rest)]
    return {
        "neighbours": [{"text": texts[place], "score": round(score, 4)} for place, score in found],
        "map": {"points": points(places, names, groups)},
    }
