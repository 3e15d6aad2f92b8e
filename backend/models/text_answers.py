"""What every task that answers a text with a text computes: loss, scores, answers, attention.

Used by the task files, for networks of our own (seq2seq.py) and of transformers alike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.models.sentences import sentence_spans
from backend.models.text_pairs import NOT_COUNTED, Piece, TextPairProcessor, TextPairSplit
from backend.scores.outcomes import Outcomes

Scores = Callable[[Sequence[str], Sequence[str]], dict[str, float]]
"""Answers and truths in, scores by name out."""
SHOWN = 6
"""Examples whose answers are kept at each evaluation."""
DIGITS = 3


def compute(model: nn.Module, batch: Mapping[str, Any], *, train: bool) -> dict[str, Any]:
    """Mean loss per token; output: the likeliest tokens [b, t]; when not training also answers."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    scores = model(**inputs, decoder_input_ids=batch["decoder_input_ids"])
    scores = getattr(scores, "logits", scores)
    loss = F.cross_entropy(
        scores.flatten(0, 1), batch["labels"].flatten(), ignore_index=NOT_COUNTED
    )
    result = {"loss": loss, "output": scores.detach().argmax(dim=2)}
    if not train:
        result["answers"] = generate(model, inputs)
    return result


def generate(
    model: Any, inputs: Mapping[str, Tensor], *, beams: int = 1, longest: int = 0
) -> Tensor:
    """Token ids of the answers [b, length], without the token that all begin with.

    longest: the most tokens of an answer; 0 leaves it at what the model was trained with.
    """
    more = {"max_new_tokens": longest} if longest else {}
    return model.generate(**inputs, num_beams=beams, **more)


def token_accuracy(output: Tensor, labels: Tensor) -> Tensor:
    """The share of each answer's tokens that are right given those before, [b]."""
    counted = labels != NOT_COUNTED
    right = ((output == labels) & counted).sum(dim=1)
    return right / counted.sum(dim=1).clamp(min=1)


class TextMeter:
    """Token accuracy of a split, and scores of the answers as texts (backend.tasks.base.Meter)."""

    def __init__(self, processor: TextPairProcessor, scores: Scores) -> None:
        self.processor, self.scores = processor, scores
        self.right: list[float] = []
        self.answers: list[str] = []
        self.truths: list[str] = []

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.right += token_accuracy(result["output"], batch["labels"]).tolist()
        self.answers += self.processor.decode(result["answers"])
        self.truths += batch["truths"]

    def compute(self) -> dict[str, float]:
        found = self.scores(self.answers, self.truths)
        return {**found, "token_accuracy": sum(self.right) / len(self.truths)}

    def outcomes(self) -> Outcomes:
        """What each answer scores by itself; BLEU and chrF of a split are no means of these."""
        pairs = zip(self.answers, self.truths, strict=True)
        scored = [self.scores([answer], [truth]) for answer, truth in pairs]
        names = set.intersection(*(set(one) for one in scored)) if scored else set()
        values = {name: np.array([one[name] for one in scored], np.float32) for name in names}
        return Outcomes({**values, "token_accuracy": np.array(self.right, np.float32)})


def answers(
    model: nn.Module,
    processor: TextPairProcessor,
    texts: Sequence[str],
    device: torch.device,
    *,
    beams: int,
    longest: int,
) -> list[dict[str, Any]]:
    """{"text", "attention": {"source", "target", "weights"}, "sentences", "hints"} for each text.

    attention holds what the tokens stand for, and per token of the answer (row) how much it
    looked at each of the text's (column). sentences: {"text", "share"} of each of the text's, its
    part of all attention. Both are left out where the model has no attention.
    """
    inputs = processor(texts, device)
    found = generate(model, inputs, beams=beams, longest=longest)
    watched = attention(model, processor, inputs, found)
    results: list[dict[str, Any]] = []
    for number, (text, answer) in enumerate(zip(texts, processor.decode(found), strict=True)):
        pieces, whole = processor.source_pieces(text)
        one: dict[str, Any] = {"text": answer, "hints": []}
        if not whole:
            one["hints"].append(
                f"The text is longer than what this model reads: only the first "
                f"{processor.max_length} tokens (pieces of words) of it counted."
            )
        if watched is not None:
            targets = processor.answer_pieces(found[number].tolist())
            one["attention"] = _named(watched[number], pieces, targets)
            one["sentences"] = _by_sentence(text, pieces, one["attention"]["weights"])
        results.append(one)
    return results


def attention(
    model: Any, processor: TextPairProcessor, inputs: Mapping[str, Tensor], found: Tensor
) -> Tensor | None:
    """How much each token of the answers looked at each of the inputs', [b, t, s], on the CPU."""
    begin = torch.full_like(found[:, :1], processor.start_id)
    read = torch.cat([begin, found[:, :-1]], dim=1)
    weights = model.attend(**inputs, decoder_input_ids=read)
    return None if weights is None else weights.float().cpu()


def _named(weights: Tensor, sources: list[Piece], targets: list[Piece]) -> dict[str, Any]:
    """Attention [t, s] by pieces: their columns summed up, their rows averaged."""
    rows = []
    for target in targets:
        row = weights[target.first : target.last + 1].mean(dim=0)
        parts = [float(row[piece.first : piece.last + 1].sum()) for piece in sources]
        rows.append([round(part, DIGITS) for part in parts])
    return {
        "source": [piece.text for piece in sources],
        "target": [piece.text for piece in targets],
        "weights": rows,
    }


def _by_sentence(
    text: str, pieces: list[Piece], weights: list[list[float]]
) -> list[dict[str, Any]]:
    """What part of all attention each sentence of the text got."""
    spans = sentence_spans(text)
    sums = [0.0] * len(spans)
    number = 0
    for column, piece in enumerate(pieces):
        while number < len(spans) - 1 and piece.start >= spans[number][1]:
            number += 1
        sums[number] += sum(row[column] for row in weights)
    whole = sum(sums) or 1.0
    return [
        {"text": text[first:last], "share": round(part / whole, DIGITS)}
        for (first, last), part in zip(spans, sums, strict=True)
    ]


def snapshot(
    model: nn.Module, processor: TextPairProcessor, split: TextPairSplit, device: torch.device
) -> dict[str, Any]:
    """A few texts of the split, always the same, with the answers of now and the right ones."""
    chosen = sorted({round(place) for place in torch.linspace(0, len(split) - 1, SHOWN).tolist()})
    texts = [split.texts[place] for place in chosen]
    found = processor.decode(generate(model, processor(texts, device)))
    items = [
        {"given": text, "answer": answer, "truth": split.truths[place]}
        for place, text, answer in zip(chosen, texts, found, strict=True)
    ]
    return {"kind": "texts", "items": items}
