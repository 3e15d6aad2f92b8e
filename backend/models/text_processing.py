"""Texts as a network takes them: tokenizers, padded batches; one path for training and use."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from backend.datasets.store import Store
from backend.errors import CheckpointError
from backend.models.balance import balance
from storage import files

PAD, UNKNOWN = "[PAD]", "[UNK]"
# Scripts without spaces are one long word: without a limit whole sentences become tokens.
LONGEST_TOKEN = 16
FILE, TOKENIZER, MODEL_CONFIG = "processor.json", "tokenizer.json", "config.json"


def train_tokenizer(
    texts: Sequence[str],
    vocabulary_size: int,
    *,
    special: Sequence[str] = (PAD, UNKNOWN),
    exact: bool = False,
) -> Tokenizer:
    """A byte-level BPE tokenizer (Sennrich et al., 2016; Radford et al., 2019) for any script.

    Every text can be written in bytes, so no character is unknown. Digits stand alone. special:
    tokens that are no text, with the numbers 0, 1, ... exact: capitals and signs stay as they
    are, for texts that are to be written and not only to be read.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = (
        normalizers.NFC()
        if exact
        else normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # A word with the space before it, a number's digits, or a run of other signs. Marks
            # (\p{M}) belong to words: Indian scripts and Thai write their vowels with them.
            pre_tokenizers.Split(
                Regex(r" ?[\p{L}\p{M}]+| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s+"), "isolated"
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=LONGEST_TOKEN,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    return tokenizer


def load_or_train_tokenizer(dataset_id: str, store: Store, vocabulary_size: int) -> Tokenizer:
    """The tokenizer of a data set's training split; trained once, then kept beside the data."""

    def train() -> Tokenizer:
        texts = [store.text(index) for index in store.indices("train").tolist()]
        return train_tokenizer(texts, vocabulary_size)

    return keep_tokenizer(dataset_id, store, f"{vocabulary_size}", train)


def keep_tokenizer(
    dataset_id: str, store: Store, settings: str, train: Callable[[], Tokenizer]
) -> Tokenizer:
    """What train() gives, kept beside the data for the next run with the same settings."""
    hasher = hashlib.sha256(f"{settings} {LONGEST_TOKEN} ".encode())
    hasher.update(store.splits.tobytes())
    for edits in (store.item_edits, store.target_edits):
        hasher.update(edits.indices.tobytes())
        hasher.update(edits.data)
    key = hasher.hexdigest()[:12]
    cached = files.dataset_dir(dataset_id) / "cache" / f"tokenizer-{key}.json"
    if cached.exists():
        try:
            return Tokenizer.from_str(cached.read_text(encoding="utf-8"))
        except Exception:  # the library's own type for a damaged file is Exception
            cached.unlink(missing_ok=True)
    tokenizer = train()
    cached.parent.mkdir(exist_ok=True)
    part = files.temporary_dir() / cached.name
    part.write_text(tokenizer.to_str(), encoding="utf-8")
    part.replace(cached)
    files.remove_folder(part.parent)
    return tokenizer


@dataclass
class TextProcessor:
    """A tokenizer with what belongs to it.

    model_config describes a transformers model; mean_pooling says that it is one whose text
    vector is the mean over its tokens.
    """

    classes: list[str]
    max_length: int
    tokenizer: Tokenizer
    pad_id: int = 0
    model_config: Mapping[str, Any] | None = None
    tokenizer_config: Mapping[str, Any] = field(default_factory=dict)
    mean_pooling: bool = False

    def __post_init__(self) -> None:
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.max_length)

    @property
    def vocabulary_size(self) -> int:
        return self.tokenizer.get_vocab_size()

    def save(self, folder: Path) -> None:
        record = {
            "classes": self.classes,
            "max_length": self.max_length,
            "pad_id": self.pad_id,
            "tokenizer_config": dict(self.tokenizer_config),
            "mean_pooling": self.mean_pooling,
        }
        (folder / FILE).write_text(json.dumps(record), encoding="utf-8")
        (folder / TOKENIZER).write_text(self.tokenizer.to_str(), encoding="utf-8")
        if self.model_config is not None:
            (folder / MODEL_CONFIG).write_text(json.dumps(self.model_config), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TextProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            record = json.loads((folder / FILE).read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_str((folder / TOKENIZER).read_text(encoding="utf-8"))
            described = folder / MODEL_CONFIG
            config = json.loads(described.read_text("utf-8")) if described.exists() else None
            return cls(**record, tokenizer=tokenizer, model_config=config)
        except Exception as error:  # the tokenizers library raises plain Exception
            raise CheckpointError(
                "The saved model's tokenizer is missing or damaged. Train the model again."
            ) from error

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at most max_length and at least one."""
        encoded = self.tokenizer.encode_batch_fast(list(texts))
        # A blank text still needs something to look at: one padding token stands for it.
        return [encoding.ids or [self.pad_id] for encoding in encoded]

    def __call__(
        self, inputs: Sequence[str], device: "torch.device | str" = "cpu"
    ) -> dict[str, Tensor]:
        """A padded batch without labels from texts."""
        tokens = Tokens.pack(self.encode(inputs))
        return tokens.padded(torch.arange(len(inputs)), self.pad_id, device)


@dataclass
class Tokens:
    """Many token sequences, one after the other: ids [total], starts and lengths [n]."""

    ids: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def pack(cls, sequences: Sequence[Sequence[int]]) -> "Tokens":
        lengths = torch.tensor([len(ids) for ids in sequences])
        flat = torch.tensor([number for ids in sequences for number in ids])
        return cls(flat, lengths.cumsum(0) - lengths, lengths)

    def padded(
        self, indices: Tensor, pad_id: int, device: "torch.device | str"
    ) -> dict[str, Tensor]:
        """input_ids and attention_mask [b, length of the longest], int64, on the device."""
        lengths = self.lengths[indices].unsqueeze(1)
        positions = torch.arange(int(lengths.max()))
        mask = positions < lengths
        places = torch.where(mask, self.starts[indices].unsqueeze(1) + positions, 0)
        input_ids = self.ids[places].masked_fill_(~mask, pad_id)
        return {"input_ids": input_ids.to(device), "attention_mask": mask.long().to(device)}


class TextSplit:
    """The texts of one split, tokenized once; lengths let the loop make batches of equal length."""

    def __init__(
        self, store: Store, processor: TextProcessor, split: str, class_balance: str = "none"
    ) -> None:
        indices = self.indices = store.indices(split)
        self.labels = torch.from_numpy(store.labels[indices])
        evened = balance(self.labels, class_balance)
        self.weights, self.draw = evened.weights, evened.draw
        self.tokens = Tokens.pack(processor.encode([store.text(i) for i in indices.tolist()]))
        self.lengths: Tensor | None = self.tokens.lengths
        self.pad_id = processor.pad_id

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor]:
        """{"input_ids", "attention_mask": [b, length], "labels": [b]}, int64, on the device.

        Where classes are to count alike also "weights", float [b].
        """
        batch = self.tokens.padded(indices, self.pad_id, device)
        if self.weights is not None:
            batch["weights"] = self.weights[indices].to(device)
        return {**batch, "labels": self.labels[indices].to(device)}
