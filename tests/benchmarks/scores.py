"""Test scores of three seeds each, with the time they took, beside what costs nothing."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.benchmarks.naive_boxes import mean_box
from tests.benchmarks.report import Table, median, options_parser, publish, spread
from tests.benchmarks.rooms import fresh_home, wait_for_end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.records import Dataset

SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Case:
    """One model on one data set, with the settings that differ from its defaults."""

    dataset: str
    model: str
    goal: str
    config: dict[str, Any] = field(default_factory=dict)
    note: str = ""


CASES = (
    Case("mnist", "mlp", "93 % in 60 s"),
    Case("mnist", "cnn", "97 % in 120 s"),
    Case("shapes", "mobilenet_v2", "", {"pretrained": False}, "from scratch"),
    Case("shapes", "mobilenet_v2", "far above", {"pretrained": True}, "pretrained"),
    Case("languages", "embedding-bag", "90 % in 60 s"),
    Case("topics", "embedding-bag", ""),
    Case("topics", "lstm", ""),
    Case("topics", "gru", ""),
    Case("topics", "transformer", ""),
    Case("topics", "minilm", "above the four"),
    Case("scenes", "fasterrcnn_mobilenet_v2_fpn", "mAP 40"),
    Case("scenes", "ssdlite320_mobilenet_v3_large", "far above the mean box"),
    Case("scenes", "fasterrcnn_mobilenet_v3_large_320_fpn", "far above the mean box"),
    Case("scenes", "fasterrcnn_mobilenet_v3_large_fpn", "far above the mean box"),
    Case("scenes", "fcos_resnet50_fpn", "far above the mean box"),
    Case("scenes", "retinanet_resnet50_fpn", "far above the mean box"),
    Case("scenes", "fasterrcnn_resnet50_fpn", "far above the mean box"),
    Case("scenes", "ssd300_vgg16", "far above the mean box"),
    Case("dates", "gru", "90 % in 120 s"),
    Case("dates", "lstm", ""),
    Case("dates", "transformer", ""),
    Case("dates", "gru", "", {"attention": "none"}, "without attention"),
    Case("number-words", "gru", ""),
    Case("number-words", "transformer", ""),
    Case("reports", "transformer", "far above"),
    Case("reports", "gru", ""),
    Case("reports", "transformer", "", {"copy_words": False}, "without copying"),
    Case("commands", "cnn", "75 %"),
    Case("commands", "gru", "75 %"),
    Case("signs", "cnn", "85 %"),
    Case("films", "matrix-factorisation", "above likeness"),
    Case("films", "two-tower", "above likeness"),
)


def largest_class(dataset: "Dataset") -> float:
    """The accuracy of always answering the most frequent class."""
    from backend.datasets.store import Store

    store = Store.open(dataset.id)
    labels = store.labels[store.indices("test")].tolist()
    return 100 * max(Counter(labels).values()) / len(labels)


def pixel_verification(dataset: "Dataset") -> float:
    """Pairs judged right by the cosine of their pixels, with the threshold of the validation."""
    import numpy as np
    import torch

    from backend.datasets.new_classes import class_parts
    from backend.datasets.store import Store
    from backend.models.similarity import SimilarityMeter, best_threshold, pair_distances

    store = Store.open(dataset)
    pictures = store.stacked()
    assert pictures is not None
    flat = torch.from_numpy(np.asarray(pictures)).flatten(1).float()
    vectors = torch.nn.functional.normalize(flat - flat.mean(dim=0), dim=1)
    labels, parts = torch.from_numpy(store.labels), class_parts(store, new_classes=True)
    chosen = torch.from_numpy(parts["validation"])
    threshold, _ = best_threshold(*pair_distances(vectors[chosen], labels[chosen]))
    chosen, meter = torch.from_numpy(parts["test"]), SimilarityMeter()
    meter.add({"output": vectors[chosen], "threshold": threshold}, {"labels": labels[chosen]})
    return 100 * meter.compute()["verification"]


def nearest_text(dataset: "Dataset") -> float:
    """Exact match of the answer to the training text with the most runs of letters in common."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from backend.models.text_scores import exact_match

    (learnt, known), (texts, truths) = pairs_of(dataset, "train"), pairs_of(dataset, "test")
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    table = vectors.fit_transform(learnt)
    nearest = (vectors.transform(texts) @ table.T).argmax(axis=1).A1
    return 100 * exact_match([known[place] for place in nearest.tolist()], truths)


def lead_sentence(dataset: "Dataset") -> float:
    """ROUGE-L of repeating the first sentence of each text."""
    from backend.models.sentences import first_sentence
    from backend.models.text_scores import rouge

    texts, truths = pairs_of(dataset, "test")
    return rouge([first_sentence(text) for text in texts], truths)["rougeL"]


def pairs_of(dataset: "Dataset", split: str) -> tuple[list[str], list[str]]:
    """What goes in and what should come out, of one split."""
    from backend.datasets.store import Store

    store = Store.open(dataset.id)
    indices = store.indices(split).tolist()
    return [store.text(i) for i in indices], [store.target_text(i) for i in indices]


NAIVE: dict[str, tuple[str, Callable[["Dataset"], float]]] = {
    "image-similarity": ("bare pixels", pixel_verification),
    "object-detection": ("mean box", mean_box),
    "translation": ("nearest text", nearest_text),
    "summarization": ("first sentence", lead_sentence),
}
"""Per task what costs nothing, by name; the largest class for the others."""


def naive_words(dataset: "Dataset", metrics: "Mapping[str, float]") -> str:
    """The naive score and what it is; where a run measures it itself, what the run says."""
    if "test/popular_recall_10" in metrics:
        return f"{100 * metrics['test/popular_recall_10']:.1f} (most popular)"
    name, score = NAIVE.get(dataset.task, ("largest class", largest_class))
    return f"{score(dataset):.1f} ({name})"


def measure(case: Case, seeds: tuple[int, ...]) -> tuple[str, list[float], list[float]]:
    """The naive score, and of each seed the main score of the test and the seconds it took."""
    from backend import datasets, runs
    from backend.tasks import get_task

    dataset = datasets.get_dataset(case.dataset)
    scores, seconds = [], []
    for seed in seeds:
        config = {**case.config, "seed": seed}
        run = runs.start_run(task=dataset.task, dataset=dataset.id, model=case.model, config=config)
        ended = wait_for_end(run.id)
        metric = get_task(dataset.task).headline(ended.metrics, "test")
        assert metric is not None, ended.message
        value = ended.metrics[f"test/{metric.name}"]
        scores.append(100 * value if metric.percent else value)
        seconds.append(runs.run_seconds(ended))
        print(f"  {case.dataset} {case.model} {seed}: {scores[-1]:.1f}", file=sys.stderr)
    return naive_words(dataset, ended.metrics), scores, seconds


def main(arguments: list[str]) -> None:
    parser = options_parser("scores", __doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args(arguments)
    table = Table(
        "scores",
        "Scores on the test split",
        ("data, model", "score, mean", "range", "seconds", "what costs nothing", "goal"),
    )
    with fresh_home():
        from backend import datasets

        datasets.prepare_bundled()
        for case in CASES:
            if options.only and not {case.dataset, case.model} & set(options.only):
                continue
            naive, scores, seconds = measure(case, SEEDS[: options.seeds])
            name = f"{case.dataset}, `{case.model}` {case.note}".strip()
            table.add(
                name,
                f"**{sum(scores) / len(scores):.1f}**",
                f"{min(scores):.1f} to {max(scores):.1f}",
                spread([round(median(seconds), 1)], 0),
                naive,
                case.goal or "–",
            )
        languages = ", ".join(datasets.get_dataset("languages").classes)
    table.notes.append(
        f"{options.seeds} seeds each, with the model's default settings; seconds from the claim "
        "of the run to its end, test included. The score is the share of right answers in %; "
        "for `signs` the pairs that are judged right, for `scenes` mAP, for `films` what was found "
        f"in ten, for `reports` ROUGE-L from 0 to 100. The languages are {languages}."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
