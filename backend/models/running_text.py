"""Running text as a network takes it that guesses the next token: tokenizers, windows, scores."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.datasets.store import Store
from backend.errors import CheckpointError, DataError
from backend.models.text_processing import keep_tokenizer
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes

END = "<|end|>"
"""Stands before each text and after the last: the sign to begin, and that a text is over."""
RARE = 2
"""A character that occurs less often is written in its bytes."""
NOT_SCORED = -100
FILE, TOKENIZER, MODEL_CONFIG = "processor.json", "tokenizer.json", "config.json"


def train_pieces(texts: Sequence[str], vocabulary_size: int) -> Tokenizer:
    """A byte-level BPE tokenizer that keeps every character as it is (Radford et al., 2019)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    return tokenizer


def train_characters(texts: Sequence[str]) -> Tokenizer:
    """One token per character of the texts; any other is written in its UTF-8 bytes."""
    counts = Counter[str]()
    for text in texts:
        counts.update(text)
    tokens = [END, *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += sorted(sign for sign, count in counts.items() if count >= RARE)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def load_or_train(dataset_id: str, store: Store, tokens: str, vocabulary_size: int) -> Tokenizer:
    """The tokenizer of a data set's training split, kept beside the data.

    tokens: characters or pieces (of words), as the task's setting calls them.
    """

    def train() -> Tokenizer:
        texts = [store.text(index) for index in store.indices("train").tolist()]
        return train_characters(texts) if by_characters else train_pieces(texts, vocabulary_size)

    by_characters = tokens == "characters"
    settings = "characters" if by_characters else f"pieces {vocabulary_size}"
    return keep_tokenizer(dataset_id, store, settings, train)


@dataclass
class WritingProcessor:
    """A tokenizer, how many tokens a window holds, and which token ends a text.

    model_config describes a transformers model, where it is one.
    """

    tokenizer: Tokenizer
    context: int
    end_id: int = 0
    model_config: Mapping[str, Any] | None = None
    classes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        # A text that contains the words "<|end|>" does not end there.
        self.tokenizer.encode_special_tokens = True

    @property
    def vocabulary_size(self) -> int:
        return self.tokenizer.get_vocab_size()

    def save(self, folder: Path) -> None:
        record = {"context": self.context, "end_id": self.end_id}
        (folder / FILE).write_text(json.dumps(record), encoding="utf-8")
        (folder / TOKENIZER).write_text(self.tokenizer.to_str(), encoding="utf-8")
        if self.model_config is not None:
            (folder / MODEL_CONFIG).write_text(json.dumps(self.model_config), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "WritingProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            record = json.loads((folder / FILE).read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_str((folder / TOKENIZER).read_text(encoding="utf-8"))
            described = folder / MODEL_CONFIG
            config = json.loads(described.read_text("utf-8")) if described.exists() else None
            return cls(tokenizer, **record, model_config=config)
        except Exception as error:  # the tokenizers library raises plain Exception
            raise CheckpointError(
                "The saved model's tokenizer is missing or damaged. Train the model again."
            ) from error

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, the sign to begin first: the one way into the model."""
        plain = [text.replace("\r\n", "\n") for text in texts]
        encoded = self.tokenizer.encode_batch_fast(plain, add_special_tokens=False)
        return [[self.end_id, *encoding.ids] for encoding in encoded]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids; a character whose last bytes are still to come is left out."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False).rstrip("\ufffd")

    def __call__(
        self, inputs: Sequence[str], device: "torch.device | str" = "cpu"
    ) -> dict[str, Any]:
        """{"prompts": token ids of each input, int64 [n]} of texts that are to go on.

        A space at the end is left out: the next word brings its own.
        """
        ids = self.encode([text.rstrip(" ") for text in inputs])
        return {"prompts": [torch.tensor(one, device=device) for one in ids]}


class Windows:
    """The texts of one split as one long stream of tokens, read a window at a time.

    While training, a window begins anywhere (drawn with torch's own generator, which a resume
    restores), and an epoch is so many windows. Elsewhere windows lie side by side; where there are
    more than `most`, some, evenly spread.
    """

    lengths: Tensor | None = None

    def __init__(
        self, store: Store, processor: WritingProcessor, split: str, *, most: int | None
    ) -> None:
        texts = [store.text(index) for index in store.indices(split).tolist()]
        if not any(text.strip() for text in texts):
            raise DataError("There is nothing but blank texts in this data set.")
        self.texts, self.end_id = texts, processor.end_id
        ids = [number for one in processor.encode(texts) for number in one]
        self.ids = torch.tensor([*ids, processor.end_id], dtype=torch.int32)
        self.context, self.is_random = processor.context, split == "train"
        # The cost of a whole text is that of its tokens and its end; bytes are those of UTF-8.
        size = sum(len(text.replace("\r\n", "\n").encode()) for text in texts)
        self.bytes_per_token = size / (len(self.ids) - 1)
        every = torch.arange(0, len(self.ids) - 1, self.context)
        if most is not None and len(every) > most:
            every = every[torch.linspace(0, len(every) - 1, most).round().long()]
        self.starts = every

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor]:
        """{"ids", "targets": int64 [b, context], "bytes": [b]} on the device.

        Places after the end of the stream have the target NOT_SCORED.
        """
        if self.is_random:
            last = max(1, len(self.ids) - self.context)
            starts = torch.randint(last, (len(indices),))
        else:
            starts = self.starts[indices]
        places = starts.unsqueeze(1) + torch.arange(self.context + 1)
        ids = self.ids[places.clamp(max=len(self.ids) - 1)].long()
        missing = places[:, 1:] >= len(self.ids)
        targets = ids[:, 1:].masked_fill(missing, NOT_SCORED)
        sizes = (~missing).sum(1) * self.bytes_per_token
        return {
            "ids": ids[:, :-1].to(device),
            "targets": targets.to(device),
            "bytes": sizes.float().to(device),
        }


def next_token_loss(scores: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The mean cost per token in nats, and each window's sum and number of tokens.

    scores: [b, t, vocabulary]; targets: int64 [b, t], NOT_SCORED where there is none.
    """
    costs = F.cross_entropy(
        scores.flatten(0, 1).float(), targets.flatten(), ignore_index=NOT_SCORED, reduction="none"
    ).view_as(targets)
    counts = (targets != NOT_SCORED).sum(dim=1)
    return {
        "loss": costs.sum() / counts.sum().clamp(min=1),
        "cost": costs.detach().sum(dim=1),
        "tokens": counts,
    }


def bits_per_byte(cost: Tensor, sizes: Tensor) -> Tensor:
    """Costs in nats and sizes in bytes, [b], as bits per byte: the same whatever the tokens are."""
    return cost / math.log(2) / sizes.clamp(min=1e-6)


class WritingMeter:
    """Bits per byte and perplexity of a split (backend.tasks.base.Meter)."""

    def __init__(self) -> None:
        self.costs: list[Tensor] = []
        self.sizes: list[Tensor] = []
        self.tokens = 0

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.costs.append(result["cost"].double().cpu())
        self.sizes.append(batch["bytes"].double().cpu())
        self.tokens += int(result["tokens"].sum())

    def compute(self) -> dict[str, float]:
        cost = float(torch.cat(self.costs).sum())
        return writing_scores(cost, self.tokens, float(torch.cat(self.sizes).sum()))

    def outcomes(self) -> Outcomes:
        """Windows: the whole's bits per byte are their mean, weighted by their bytes."""
        sizes = torch.cat(self.sizes)
        bits = bits_per_byte(torch.cat(self.costs), sizes)
        return Outcomes(
            values={"bits_per_byte": bits.float().numpy()}, weights=sizes.float().numpy()
        )


def writing_scores(cost: float, tokens: int, size: float) -> dict[str, float]:
    """The scores of so many tokens, `size` bytes, that cost so many nats in all."""
    return {
        "bits_per_byte": cost / math.log(2) / size,
        # Of a model that knows nothing the exponential may be too large for a number.
        "perplexity": math.exp(min(700.0, cost / tokens)),
    }


def counted_tokens(train: Windows, split: Windows, vocabulary: int) -> Naive:
    """What a writer gets that knows how frequent each token is and nothing of those before it.

    A unigram model with add-one smoothing (Laplace).
    """
    counts = torch.bincount(train.ids[1:].long(), minlength=vocabulary).double() + 1
    costs = -(counts / counts.sum()).log()
    batch = split.batch(torch.arange(len(split)), torch.device("cpu"))
    targets = batch["targets"][batch["targets"] != NOT_SCORED]
    cost, size = float(costs[targets].sum()), float(batch["bytes"].double().sum())
    metrics = writing_scores(cost, len(targets), size)
    words = "knowing only how frequent each token is"
    return Naive(words, {**metrics, "loss": cost / len(targets)})
