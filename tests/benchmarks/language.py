"""Scores of the models that learn from running text, beside what counting alone reaches."""

import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.benchmarks.report import Table, median, options_parser, publish
from tests.benchmarks.rooms import fresh_home, wait_for_end

if TYPE_CHECKING:
    from backend.datasets.store import Store

SEEDS = (1, 2, 3)
WRITE, WORDS = "text-generation", "word-embeddings"


@dataclass(frozen=True)
class Case:
    """One model on one data set, with its default settings."""

    task: str
    dataset: str
    model: str
    config: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case(WRITE, "plays", "lstm"),
    Case(WRITE, "plays", "gru"),
    Case(WRITE, "plays", "small-gpt"),
    Case(WORDS, "plays", "skip-gram"),
    Case(WORDS, "plays", "cbow"),
    Case(WORDS, "small-talk", "minilm", {"pretrained": True}),
)


def counted_bits(store: "Store", order: int) -> float:
    """Bits per byte of the test texts by counts of the training texts' bytes.

    order 1: how often each byte occurs; 2: after which other. Smoothed by adding one; the end of a
    text counts as a sign more, as it does for the models.
    """
    signs = 257
    pairs: Counter[tuple[int, ...]] = Counter()
    befores: Counter[tuple[int, ...]] = Counter()
    for text in _signs(store, "train"):
        for place in range(1, len(text)):
            gram = tuple(text[place - order + 1 : place + 1])
            pairs[gram] += 1
            befores[gram[:-1]] += 1
    bits, size = 0.0, 0
    for text in _signs(store, "test"):
        size += len(text) - 2
        for place in range(1, len(text)):
            gram = tuple(text[place - order + 1 : place + 1])
            bits -= math.log2((pairs[gram] + 1) / (befores[gram[:-1]] + signs))
    return bits / size


def _signs(store: "Store", split: str) -> list[list[int]]:
    return [[256, *store.text(i).encode(), 256] for i in store.indices(split).tolist()]


def counted_neighbours(store: "Store") -> float:
    """The score of the one of ten words that stood most often beside the given one in training.

    Weighed by how often both occur (pointwise mutual information); never together is no answer.
    """
    import torch

    from backend.models.word_vectors import WordPlaces, WordProcessor
    from backend.tasks import get_task

    config = get_task(WORDS).config()
    processor = WordProcessor.fit("plays", store, config.vocabulary_size, config.min_count)
    chosen = {"window": config.window, "subsample": config.subsample, "per_epoch": 1}
    train = WordPlaces(store, processor, "train", **chosen)
    test = WordPlaces(store, processor, "test", **chosen)
    size = len(processor.words)
    together: Counter[int] = Counter()
    for offset in range(1, config.window + 1):
        same = train.texts[offset:] == train.texts[:-offset]
        keys = train.ids[:-offset][same] * size + train.ids[offset:][same]
        numbers, counts = keys.unique(return_counts=True)
        for key, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            together[key] += count
            together[key % size * size + key // size] += count
    hits, asked = 0, 0
    for part in torch.arange(len(test)).split(1024):
        batch = test.batch(part, torch.device("cpu"))
        rows = zip(batch["centres"].tolist(), batch["candidates"].tolist(), strict=True)
        for centre, (true, *decoys) in rows:
            if not true:
                continue
            weigh = [
                together[centre * size + one] / processor.counts[one] for one in [true, *decoys]
            ]
            asked += 1
            hits += weigh[0] > max(weigh[1:])
    return hits / asked


def measure(case: Case) -> tuple[list[float], list[float]]:
    """The main score of the test and the seconds, from the claim to the end, of each seed."""
    from backend import datasets, runs
    from backend.tasks import get_task

    task, scores, seconds = get_task(case.task), [], []
    for seed in SEEDS:
        run = runs.start_run(
            task=case.task,
            dataset=datasets.get_dataset(case.dataset).id,
            model=case.model,
            config={**case.config, "seed": seed},
        )
        ended = wait_for_end(run.id)
        scores.append(ended.metrics[f"test/{task.primary_metric}"])
        seconds.append(runs.run_seconds(ended))
        print(f"  {case.dataset} {case.model} {seed}: {scores[-1]:.3f}", file=sys.stderr)
    return scores, seconds


def main(arguments: list[str]) -> None:
    options = options_parser("language", __doc__).parse_args(arguments)
    table = Table(
        "language",
        "Writing and word vectors: scores on the test split",
        ("data, model", "score", "three seeds", "seconds"),
    )
    with fresh_home():
        from backend import datasets
        from backend.datasets.store import Store

        store = Store.open(datasets.get_dataset("plays"))
        for order, words in ((1, "bytes"), (2, "pairs of bytes")):
            table.add(
                f"plays, counts of {words}",
                "bits per byte",
                f"{counted_bits(store, order):.2f}",
                "–",
            )
        counted = 100 * counted_neighbours(store)
        table.add("plays, counts of companions", "right neighbours", f"{counted:.1f} %", "–")
        for case in CASES:
            if options.only and case.model not in options.only:
                continue
            scores, seconds = measure(case)
            write = case.task == WRITE
            shown = [f"{one:.2f}" if write else f"{100 * one:.1f} %" for one in scores]
            name = "bits per byte" if write else "right neighbours"
            table.add(
                f"{case.dataset}, `{case.model}`", name, ", ".join(shown), f"{median(seconds):.0f}"
            )
    table.notes.append(
        "Bits per byte: lower is better, plain text takes 8. Right neighbours: of ten; guessing "
        "gives 10 %. With the models' default settings; seconds from the claim of the "
        "run to its end."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
