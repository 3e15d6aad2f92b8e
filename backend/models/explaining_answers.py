"""Why a text was turned into another one: which of its words the answer came from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from backend.models import explaining, text_answers
from backend.models.explaining_texts import WordReader, Words, per_word, without
from backend.models.networks import masked_mean
from backend.models.text_pairs import TextPairProcessor

Inputs = Mapping[str, Tensor]


class AnswerScore:
    """How likely one answer is for other texts, by the tokens that it has: teacher forcing."""

    def __init__(
        self, model: Any, processor: TextPairProcessor, text: str, device: torch.device
    ) -> None:
        self.model, self.processor, self.device = model, processor, device
        with torch.inference_mode():
            self.inputs = processor(texts := [text], device)
            self.found = text_answers.generate(model, self.inputs)
            (self.answer,) = processor.decode(self.found)
        self.text = texts[0]
        # Counted up to its end, that included.
        self.length = min(len(processor.upto_end(self.found[0].tolist())) + 1, self.found.shape[1])

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """The logarithm of the answer's probability per token, [n]."""
        inputs = self.processor([text or " " for text in texts], self.device)
        answer = self.found[:, : self.length].expand(len(texts), -1)
        begin = torch.full_like(answer[:, :1], self.processor.start_id)
        scores = self.model(**inputs, decoder_input_ids=torch.cat([begin, answer[:, :-1]], dim=1))
        scores = getattr(scores, "logits", scores).float().log_softmax(dim=-1)
        return scores.gather(2, answer.unsqueeze(2)).squeeze(2).mean(dim=1)

    def attention(self, words: Words) -> Tensor | None:
        """How much the answer looked at each word, [words]; None without attention."""
        with torch.inference_mode():
            watched = text_answers.attention(self.model, self.processor, self.inputs, self.found)
        if watched is None:
            return None
        shares = watched[0, : self.length].mean(dim=0)
        pieces, _ = self.processor.source_pieces(self.text)
        offsets = [(piece.start, piece.start + len(piece.text)) for piece in pieces]
        values = [float(shares[piece.first : piece.last + 1].sum()) for piece in pieces]
        return per_word(words.spans, offsets, torch.tensor(values))


def explain_answer(
    model: Any, processor: TextPairProcessor, text: str, device: torch.device
) -> Iterator[dict[str, Any]]:
    """The parts of an explanation of the answer to a text."""
    score = AnswerScore(model, processor, text, device)
    with torch.inference_mode():
        _, seconds = explaining.measure(lambda: score([text]))
    words = Words.of(text, seconds)
    if not words.spans:
        return
    reader = WordReader(words, score, score.answer, torch.exp)
    looked = score.attention(words)
    if looked is not None:
        yield reader.part("attention", looked)
    weights = reader.leaving_out()
    yield reader.part("leaving out", weights)
    if len(words.spans) > 1:
        yield _without_strongest(score, words, weights)


def _without_strongest(score: AnswerScore, words: Words, weights: Tensor) -> dict[str, Any]:
    """What comes out without the word that mattered most."""
    start, end = words.spans[int(weights.argmax())]
    shorter = without(words.text, [(start, end)])
    with torch.inference_mode():
        found = text_answers.generate(score.model, score.processor([shorter], score.device))
    (after,) = score.processor.decode(found)
    return {
        "kind": "changes", "of": "answer", "found": after != score.answer, "tried": 1,
        "before": score.answer, "after": after, "text": words.text,
        "removed": [{"start": start, "end": end}],
    }  # fmt: skip


def source_vectors(model: nn.Module, batch: Inputs) -> Tensor | None:
    """What the network makes of each text before it writes, the mean over its tokens, [b, width].

    None for networks whose reading part is not known.
    """
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    states = _states(model, inputs)
    return None if states is None else masked_mean(states.float(), inputs["attention_mask"])


def _states(model: Any, inputs: Inputs) -> Tensor | None:
    """The reading part's states [b, length, width]."""
    from backend.models.huggingface_seq2seq import HubSeq2Seq
    from backend.models.seq2seq import RecurrentSeq2Seq, TransformerSeq2Seq

    if isinstance(model, RecurrentSeq2Seq):
        return model.encode(**inputs)["memory"]
    if isinstance(model, HubSeq2Seq):
        encoder = model.model.get_encoder()
        states: Tensor = encoder(**inputs).last_hidden_state
        return states
    if isinstance(model, TransformerSeq2Seq):
        return model.read(**inputs)
    return None
