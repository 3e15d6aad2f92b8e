"""Why a text got its answer: the words that mattered, by gradients and by leaving words out.

Tokens are summed up to words; what is left out is left out of the text itself, so that the model
reads it as it reads any other text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from backend.models import explaining
from backend.models.explaining import affordable

Score = Callable[[Sequence[str]], Tensor]
"""Texts in, how sure the answer is for each of them out, [n]: log-odds or log-probabilities."""

LONGEST_WORD = 16
"""Scripts without spaces are one long word: longer ones are cut into single characters."""
FEWEST, MOST = 12, 400
"""So many times at least and at most a part of the text is left out."""
SINGLES = 4
"""So many of the strongest words are left out alone."""
LONGEST_CHANGE = 6
"""More words than this are no small change."""
BATCH = 64
_WORD = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]+")

Span = tuple[int, int]


def word_spans(text: str) -> list[Span]:
    """Where the words of a text begin and end; runs of other signs count as words."""
    found: list[Span] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        if end - start > LONGEST_WORD:
            found += [(place, place + 1) for place in range(start, end)]
        else:
            found.append((start, end))
    return found


def without(text: str, spans: Sequence[Span]) -> str:
    """A text without some of its words, and without the double spaces that they leave."""
    kept, end = [], 0
    for first, last in sorted(spans):
        kept.append(text[end:first])
        end = last
    return " ".join("".join([*kept, text[end:]]).split())


def token_offsets(tokenizer: Tokenizer, text: str, count: int) -> list[Span]:
    """Where each of a text's tokens stands; (0, 0) for those that stand for nothing in it."""
    offsets = [(first, last) for first, last in tokenizer.encode(text).offsets]
    return [*offsets, *[(0, 0)] * count][:count]


def per_word(spans: Sequence[Span], offsets: Sequence[Span], values: Tensor) -> Tensor:
    """Values of tokens [n] as sums over words [words]; offsets: where each token stands.

    A token that reaches into two words counts for the one in which most of it lies.
    """
    sums = torch.zeros(len(spans))
    for (first, last), value in zip(offsets, values.tolist(), strict=True):
        shared = [min(last, end) - max(first, start) for start, end in spans]
        if shared and max(shared) > 0:
            sums[shared.index(max(shared))] += value
    return sums


@dataclass(frozen=True)
class Words:
    """A text and its words, taken apart into as many groups as may be left out one by one."""

    text: str
    spans: list[Span]
    groups: list[list[int]]

    @classmethod
    def of(cls, text: str, seconds: float) -> "Words":
        """seconds: of one answer. Long texts are left out several words at a time."""
        spans = word_spans(text)
        most = affordable(seconds, FEWEST, MOST)
        size = -(-len(spans) // most) if spans else 1
        groups = [
            list(range(start, min(start + size, len(spans))))
            for start in range(0, len(spans), size)
        ]
        return cls(text, spans, groups)

    def without(self, numbers: Sequence[int]) -> str:
        """The text without the words of these numbers."""
        return without(self.text, [self.spans[number] for number in numbers])

    def part(self, method: str, about: str, weights: Tensor, checked: Any) -> dict[str, Any]:
        """The part of an explanation that says how much each word mattered."""
        strengths = explaining.rounded(explaining.relative(weights))
        return {
            "kind": "words", "method": method, "about": about, "text": self.text,
            "words": [
                {"start": start, "end": end, "weight": weight}
                for (start, end), weight in zip(self.spans, strengths, strict=True)
            ],
            "check": checked,
        }  # fmt: skip


def ask_all(score: Score, texts: Sequence[str]) -> Tensor:
    """Scores of any number of texts, [n] on the processor; of an empty text too."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            parts.append(score(texts[start : start + BATCH]).float().cpu())
    return torch.cat(parts) if parts else torch.empty(0)


class WordReader:
    """Asks about one text without some of its words, and checks what was marked."""

    def __init__(
        self, words: Words, score: Score, about: str, probability: Callable[[Tensor], Tensor]
    ) -> None:
        """probability: of scores, as people are told it."""
        self.words, self.score, self.about = words, score, about
        self._probability = probability
        self.before = float(ask_all(score, [words.text])[0])
        count = len(words.spans)
        choices = explaining.random_choices(count, explaining.marked_count(count))
        self._random = ask_all(score, [words.without(chosen.tolist()) for chosen in choices])

    def check(self, weights: Tensor) -> dict[str, Any]:
        """What leaving out the tenth of the words that spoke most for the answer does."""
        top = weights.argsort(descending=True, stable=True)
        chosen = top[: explaining.marked_count(len(weights))].tolist()
        marked = float(ask_all(self.score, [self.words.without(chosen)])[0])
        values = torch.tensor([self.before, marked])
        before, after = self._probability(values).tolist()
        told = {
            "before": before, "marked": after,
            "random": float(self._probability(self._random).mean()),
        }  # fmt: skip
        found: dict[str, Any] = explaining.check(self.before, marked, self._random.tolist(), told)
        return found

    def part(self, method: str, weights: Tensor) -> dict[str, Any]:
        return self.words.part(method, self.about, weights, self.check(weights))

    def leaving_out(self) -> Tensor:
        """How much less sure the answer is without each word, [words]."""
        groups = self.words.groups
        scores = ask_all(self.score, [self.words.without(group) for group in groups])
        weights = torch.zeros(len(self.words.spans))
        for group, value in zip(groups, (self.before - scores).tolist(), strict=True):
            weights[group] = value / len(group)
        return weights


def smallest_change(
    words: Words,
    weights: Tensor,
    answers: Callable[[Sequence[str]], list[tuple[str, float]]],
    before: str,
) -> dict[str, Any]:
    """The fewest words found without which the answer is another.

    First each of them alone, then the strongest one after the other; what turns out not to be
    needed is put back. answers: the label and its probability for each text.
    """
    found: dict[str, Any] = {
        "kind": "changes", "of": "text", "found": False, "before": before, "text": words.text,
        "tried": min(LONGEST_CHANGE, len(words.spans)),
    }  # fmt: skip
    order = weights.argsort(descending=True, stable=True).tolist()
    if len(order) < 2:  # without its only word nothing would be left to answer
        return found
    steps = [order[: size + 1] for size in range(min(LONGEST_CHANGE, len(order) - 1))]
    singles = [[number] for number in order[:SINGLES]]
    tried = [*singles, *steps[1:]]
    texts = [words.without(chosen) for chosen in tried]
    replies = [
        reply for start in range(0, len(texts), BATCH)
        for reply in answers(texts[start : start + BATCH])
    ]  # fmt: skip
    for chosen, (label, share) in zip(tried, replies, strict=True):
        if label == before:
            continue
        chosen, label, share = _without_needless(words, chosen, answers, before, (label, share))
        return {
            **found, "found": True, "after": label,
            "probability": round(share, explaining.DIGITS),
            "removed": [
                {"start": words.spans[number][0], "end": words.spans[number][1]}
                for number in sorted(chosen)
            ],
        }  # fmt: skip
    return found


def _without_needless(
    words: Words,
    chosen: list[int],
    answers: Callable[[Sequence[str]], list[tuple[str, float]]],
    before: str,
    reply: tuple[str, float],
) -> tuple[list[int], str, float]:
    """The same choice without words that need not be left out for the answer to change."""
    for number in list(chosen):
        fewer = [one for one in chosen if one != number]
        if not fewer:
            break
        (again,) = answers([words.without(fewer)])
        if again[0] != before:
            chosen, reply = fewer, again
    return chosen, *reply


def explain_class(
    text: str,
    logits: Callable[[Sequence[str]], Tensor],
    classes: list[str],
    tokens: Callable[[int], tuple[list[Span], Tensor] | None],
    about: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The parts of an explanation of a text's class, the quickest first.

    logits: scores [n, classes] of texts. tokens: by the number of a class where each token stands
    and what it added, [n], by gradients; None where the network has no vectors of single tokens.
    about: the class to explain, if it is not the answer itself.
    """
    with torch.inference_mode():
        scores, seconds = explaining.measure(lambda: logits([text]))
    answer = int(scores[0].argmax())
    index = classes.index(about) if about in classes else answer
    words = Words.of(text, seconds)
    if not words.spans:
        return
    reader = WordReader(
        words, lambda texts: explaining.log_odds(logits(texts), index), classes[index],
        torch.sigmoid,
    )  # fmt: skip
    added = tokens(index)
    if added is not None:
        yield reader.part("gradients", per_word(words.spans, *added))
    weights = reader.leaving_out()
    yield reader.part("leaving out", weights)
    if index == answer:

        def answers(texts: Sequence[str]) -> list[tuple[str, float]]:
            with torch.inference_mode():
                shares, labels = logits(texts).float().softmax(dim=1).max(dim=1)
            return [
                (classes[label], share)
                for label, share in zip(labels.tolist(), shares.tolist(), strict=True)
            ]

        yield smallest_change(words, weights, answers, classes[index])
