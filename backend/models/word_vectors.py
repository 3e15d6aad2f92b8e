"""Word vectors from scratch: which words there are, who stands near whom, skip-gram and CBOW.

Method: Mikolov et al., 2013 (both papers): a dynamic window, frequent words left out by chance, and
negative sampling from the unigram distribution to the power of 3/4.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.datasets.store import Store
from backend.errors import CheckpointError, DataError
from backend.models.text_processing import keep_tokenizer
from backend.models.vector_maps import MOST_SHOWN, add_map, moved_map
from backend.models.vector_questions import (
    nearest,
    neighbours_answer,
    parse_sum,
    sum_up,
    unknown_word,
)

UNKNOWN = "[UNK]"
# Letters with their marks and inner apostrophes; signs of scripts without spaces stand alone.
WIDE = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
WORD = rf"{WIDE}|(?:(?!{WIDE})[\p{{L}}\p{{M}}])+(?:['’](?!{WIDE})[\p{{L}}\p{{M}}]+)*"
FEWEST_WORDS = 12
NOISE_POWER = 0.75
NEGATIVES_DRAWN = 256
"""Negative words drawn per batch and weighed as if each pair had its own: one matrix product."""
HELD_OUT = 4000
"""Places of a split where nothing is learnt that are looked at."""
DECOYS = 9
FREQUENT = 100
"""The most frequent words say little about those beside them: the probe leaves them out."""
FILE, TOKENIZER = "processor.json", "tokenizer.json"


def train_words(texts: Sequence[str], most: int, min_count: int) -> Tokenizer:
    """A tokenizer that knows the words of the texts, the most frequent first; 0 is any other."""
    tokenizer = Tokenizer(models.WordLevel({UNKNOWN: 0}, UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    trainer = trainers.WordLevelTrainer(
        vocab_size=most + 1,
        min_frequency=min_count,
        special_tokens=[UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    return tokenizer


@dataclass
class WordProcessor:
    """The words that have a vector, and how often each occurred; number 0 is any other word."""

    tokenizer: Tokenizer
    counts: list[int]
    classes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        numbers = self.tokenizer.get_vocab()
        self.words = sorted(numbers, key=numbers.__getitem__)
        self.numbers = numbers

    @classmethod
    def fit(cls, dataset_id: str, store: Store, most: int, min_count: int) -> "WordProcessor":
        """The words of a data set's training split; raises DataError where there are too few."""
        texts = [store.text(index) for index in store.indices("train").tolist()]
        settings = f"words {most} {min_count}"
        tokenizer = keep_tokenizer(
            dataset_id, store, settings, lambda: train_words(texts, most, min_count)
        )
        found = tokenizer.encode_batch_fast(texts)
        ids = torch.tensor([number for one in found for number in one.ids])
        counts = torch.bincount(ids, minlength=tokenizer.get_vocab_size())
        if len(counts) - 1 < FEWEST_WORDS:
            raise DataError(
                f"Only {len(counts) - 1} different words occur at least {min_count} times in the "
                "texts, too few to compare. Bring more text, or lower the setting."
            )
        return cls(tokenizer, [0, *counts[1:].tolist()])

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps({"counts": self.counts}), encoding="utf-8")
        (folder / TOKENIZER).write_text(self.tokenizer.to_str(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "WordProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            record = json.loads((folder / FILE).read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_str((folder / TOKENIZER).read_text(encoding="utf-8"))
            return cls(tokenizer, **record)
        except Exception as error:  # the tokenizers library raises plain Exception
            raise CheckpointError(
                "The saved model's list of words is missing or damaged. Train the model again."
            ) from error

    def split_words(self, text: str) -> list[str]:
        """The words of a text as this processor writes them, known or not."""
        normal = self.tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self.tokenizer.pre_tokenizer.pre_tokenize_str(normal)]

    def mapped(self, most: int) -> list[int]:
        """The numbers of the words that a map shows: frequent ones, but not those in each text."""
        first = 1 + min(FREQUENT, len(self.words) // 4)
        return list(range(first, min(first + most, len(self.words))))

    def __call__(
        self, inputs: Sequence[str], device: "torch.device | str" = "cpu"
    ) -> dict[str, Any]:
        """{"ids": the numbers of the known words of each text, int64 [n]}."""
        encoded = self.tokenizer.encode_batch_fast(list(inputs))
        known = [[number for number in one.ids if number] for one in encoded]
        return {"ids": [torch.tensor(ids, dtype=torch.int64, device=device) for ids in known]}


class WordPlaces:
    """The known words of one split in a row, and the places that are looked at.

    While training, the places of an epoch are drawn (with torch's own generator, which a resume
    restores), elsewhere they are always the same.
    """

    lengths: Tensor | None = None

    def __init__(
        self,
        store: Store,
        processor: WordProcessor,
        split: str,
        *,
        window: int,
        subsample: float,
        per_epoch: int,
    ) -> None:
        texts = [store.text(index) for index in store.indices(split).tolist()]
        rows = processor(texts)["ids"]
        self.ids = torch.cat(rows)
        if len(self.ids) < 2:
            raise DataError(f"The {split} texts hold no two words that are known.")
        self.texts = torch.repeat_interleave(
            torch.arange(len(rows)), torch.tensor([len(row) for row in rows])
        )
        counts = torch.tensor(processor.counts).double()
        shares = counts / counts.sum()
        # As in word2vec's code: of a word's occurrences so many are kept.
        ratio = subsample / shares.clamp(min=1e-12)
        self.kept = (ratio.sqrt() + ratio).clamp(max=1.0).float() if subsample else counts.sign()
        self.likely = self.kept[self.ids].double().cumsum(0)
        self.noise = (counts**NOISE_POWER).cumsum(0)
        self.window, self.is_training = window, split == "train"
        self.size = per_epoch if self.is_training else min(HELD_OUT, len(self.ids))
        self.rarest = len(counts)

    def __len__(self) -> int:
        return self.size

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor]:
        """ "centres" [b], "contexts" and "mask" [b, 2 window], "negatives" [n], on the device.

        Elsewhere than in training also "candidates" [b, 1 + DECOYS]: a word beside the centre, then
        words about as frequent that are not; all 0 where there is none to ask about.
        """
        generator = None
        if not self.is_training:
            generator = torch.Generator().manual_seed(int(indices[0]))
        places = _draw(self.likely, len(indices), generator)
        offsets = torch.cat([torch.arange(-self.window, 0), torch.arange(1, self.window + 1)])
        beside = places.unsqueeze(1) + offsets
        inside = (beside >= 0) & (beside < len(self.ids))
        beside = beside.clamp(0, len(self.ids) - 1)
        # A nearer word counts more often: the window is as wide as chance says.
        reach = torch.randint(1, self.window + 1, (len(places), 1), generator=generator)
        mask = inside & (self.texts[beside] == self.texts[places].unsqueeze(1))
        mask &= offsets.abs() <= reach
        contexts = self.ids[beside]
        mask &= torch.rand(contexts.shape, generator=generator) < self.kept[contexts]
        batch = {
            "centres": self.ids[places],
            "contexts": contexts,
            "mask": mask.float(),
            "negatives": _draw(self.noise, NEGATIVES_DRAWN, generator),
        }
        if generator is not None:
            batch["candidates"] = self._candidates(batch["centres"], contexts, mask, generator)
        return {name: values.to(device) for name, values in batch.items()}

    def _candidates(
        self, centres: Tensor, contexts: Tensor, mask: Tensor, generator: torch.Generator
    ) -> Tensor:
        """A true companion of each centre and its decoys, [b, 1 + DECOYS]; rows of 0 where none."""
        frequent = min(FREQUENT, self.rarest // 4)
        fit = mask & (contexts > frequent) & (contexts != centres.unsqueeze(1))
        fit &= (centres > frequent).unsqueeze(1)
        chosen = torch.where(fit, torch.rand(fit.shape, generator=generator), -1.0).argmax(1)
        true = contexts.gather(1, chosen.unsqueeze(1))
        # Words are numbered by how often they occur: a number nearby is about as frequent.
        first = frequent + 1
        count = self.rarest - first
        spread = (true // 4).clamp(min=DECOYS).clamp(max=count - 1)
        steps = 1 + (torch.rand(len(true), DECOYS, generator=generator) * spread).long()
        signs = torch.randint(0, 2, steps.shape, generator=generator) * 2 - 1
        decoys = first + (true - first + signs * steps) % count
        return torch.cat([true, decoys], 1) * fit.any(1, keepdim=True)


def _draw(cumulated: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Numbers drawn in proportion to weights, given their running sums, int64 [count]."""
    points = torch.rand(count, dtype=torch.float64, generator=generator) * cumulated[-1]
    return torch.searchsorted(cumulated, points, right=True).clamp(max=len(cumulated) - 1)


class WordVectors(nn.Module):
    """A vector per word as it is asked about, and one as a companion of others.

    skip_gram: from the word to each companion; else from all companions together to the word
    (CBOW).
    """

    layout: Tensor

    def __init__(
        self, vocabulary: int, width: int, *, skip_gram: bool, negatives: int, mapped: int
    ) -> None:
        super().__init__()
        self.skip_gram, self.negatives = skip_gram, negatives
        self.words = nn.Embedding(vocabulary, width)
        self.companions = nn.Embedding(vocabulary, width)
        nn.init.uniform_(self.words.weight, -0.5 / width, 0.5 / width)
        nn.init.zeros_(self.companions.weight)
        add_map(self, mapped, width)

    def forward(self, centres: Tensor, contexts: Tensor, mask: Tensor, negatives: Tensor) -> Tensor:
        """The mean cost of a pair with its negatives, in nats; shapes as WordPlaces.batch()."""
        pairs = mask.sum(1)
        if self.skip_gram:
            asked, weights = self.words(centres), pairs
            true = (self.companions(contexts) @ asked.unsqueeze(2)).squeeze(2)
            costs = (F.softplus(-true) * mask).sum()
        else:
            vectors = self.words(contexts)
            asked = (mask.unsqueeze(1) @ vectors).squeeze(1) / pairs.clamp(min=1).unsqueeze(1)
            weights = (pairs > 0).to(mask.dtype)
            true = (asked * self.companions(centres)).sum(1)
            costs = (F.softplus(-true) * weights).sum()
        false = asked @ self.companions(negatives).T
        share = self.negatives / len(negatives)
        costs = costs + share * (F.softplus(false).sum(1) * weights).sum()
        return costs / weights.sum().clamp(min=1)

    def learn(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The loss of a batch of WordPlaces, and the hits where it brings candidates."""
        names = ("centres", "contexts", "mask", "negatives")
        result = {"loss": self(*(batch[name] for name in names))}
        if "candidates" in batch:
            result["hits"] = companion_hits(self, batch["centres"], batch["candidates"])
        return result

    def ask(
        self, processor: WordProcessor, question: str, device: torch.device, count: int
    ) -> dict[str, Any]:
        """The words nearest to a word or a sum of words; raises UsageError."""
        terms = parse_sum(question)
        units = F.normalize(self.words.weight, dim=1)
        ids = [_known(processor, term.words) for term in terms]
        vectors = [self.words.weight[one.to(device)].mean(0) for one in ids]
        asked = sum_up(terms, vectors)
        without = {0, *(number for one in ids for number in one.tolist())}
        found = nearest(asked, units, count=count, without=without)
        others = [number for number in processor.mapped(MOST_SHOWN) if number not in without]
        return neighbours_answer(asked, question.strip(), units, processor.words, found, others)

    def draw_map(self, processor: WordProcessor, device: torch.device) -> dict[str, Any]:
        """Points and groups of the map of frequent words, lying as at the last evaluation."""
        shown = processor.mapped(len(self.layout))
        vectors = F.normalize(self.words.weight[shown], dim=1)
        texts = [processor.words[number] for number in shown]
        return moved_map(self, vectors, texts)


def _known(processor: WordProcessor, text: str) -> Tensor:
    """The numbers of the words of a text that are known; raises UsageError where none is."""
    ids = processor([text])["ids"][0]
    if not len(ids):
        words = processor.split_words(text)
        raise unknown_word(words[0] if words else text, processor.words[1:])
    return ids


def companion_hits(model: WordVectors, centres: Tensor, candidates: Tensor) -> Tensor:
    """Whether the true companion is the nearest of all candidates, [b]; nan where none is asked."""
    asked = F.normalize(model.words(centres), dim=1).unsqueeze(2)
    near = (F.normalize(model.words(candidates), dim=2) @ asked).squeeze(2)
    near = near.masked_fill(
        candidates == centres.unsqueeze(1), -1.0
    )  # a word is no decoy of its own
    # Equal is not nearer: vectors that are all alike must not score.
    hits = (near[:, 0] > near[:, 1:].max(dim=1).values).float()
    return torch.where(candidates[:, 0] > 0, hits, torch.nan)
