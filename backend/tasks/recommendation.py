"""Recommendation: what somebody may like, from what they and others liked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.models.spec import ModelSpec, Weights
from backend.scores.naive import Naive
from backend.tasks.base import (
    Batch,
    Example,
    Meter,
    Metric,
    Processor,
    Split,
    SplitName,
    Task,
    register_task,
)
from backend.training.config import Options, TrainingConfig, setting
from storage.records import Dataset

if TYPE_CHECKING:
    import torch
    from torch import nn

PICKED = 20
"""How many likes an example of the playground tells the model, at most."""


@dataclass(frozen=True, kw_only=True)
class RecommendationConfig(TrainingConfig):
    """What can be set for a training on ratings."""

    width: int = setting(32, "Width", "How many numbers describe each thing. More can tell more apart, and learn by heart more easily.", low=2, high=1024, curve="Wider lets the training loss fall further; the validation scores stop gaining at some point.")  # fmt: skip  # noqa: E501
    liked_from: float = setting(0.0, "Liked from", "Ratings from this one on count as liked; 0 finds it: stars above the average, or everything where there are no stars.", low=-1e6, high=1e6, advanced=False, curve="A higher one leaves fewer examples: shorter epochs, and curves that tremble more.")  # fmt: skip  # noqa: E501


@dataclass(frozen=True, kw_only=True)
class RecommendationOptions(Options):
    """What can be set when it is asked."""

    count: int = setting(10, "Suggestions", "How many it gives.", low=1, high=100)


# Parameters are counted for 600 people and 300 things.
DEFAULTS = {"epochs": 15, "batch_size": 256, "learning_rate": 0.01, "weight_decay": 1.0}
MODELS = (
    ModelSpec(
        "matrix-factorisation",
        "Matrix factorisation",
        "Describes every person and every thing by a few numbers and lets them meet. The classic, "
        "and hard to beat; trains in seconds.",
        "trainroom",
        29_100,
        memory_mb=300,
        defaults=DEFAULTS,
    ),
    ModelSpec(
        "two-tower",
        "Two towers",
        "One network reads what somebody liked, another a thing and the words of its name: it can "
        "suggest what hardly anybody has rated yet.",
        "trainroom",
        89_228,
        memory_mb=300,
        defaults={**DEFAULTS, "weight_decay": 0.5},
    ),
)


@register_task
class Recommendation(Task):
    name = "recommendation"
    title = "Recommendation"
    description = "Suggests films, books or products from what people liked before."
    icon = "recommend"
    formats = ("rating",)
    input_kind: ClassVar = "items"
    answer_kind: ClassVar = "items"
    metrics = (
        Metric("recall_10", "Found in ten", "Of what each person liked and it was not told, the "
               "share that is among its ten suggestions."),
        Metric("ndcg_10", "Order of the ten", "The same, where what stands further up counts "
               "more (NDCG).", live=False),
        Metric("popular_recall_10", "Found by fame", "For comparison: suggesting everybody the ten "
               "most popular things.", live=False),
        Metric("popular_ndcg_10", "Order by fame", "For comparison: the order when everybody gets "
               "the ten most popular things.", live=False),
        Metric("neighbours_recall_10", "Found by likeness", "For comparison: suggesting what is "
               "liked by the same people as one's own things, without any training.", live=False),
        Metric("neighbours_ndcg_10", "Order by likeness", "For comparison: the order when what is "
               "liked by the same people is suggested.", live=False),
    )  # fmt: skip
    best_metric = "ndcg_10"
    config = RecommendationConfig
    options = RecommendationOptions
    models = MODELS

    def weights(self, spec: ModelSpec) -> Weights:
        return Weights.SCRATCH

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.ratings import Ratings
        from backend.datasets.store import Store
        from backend.models.rating_processing import build_rating_processor

        return build_rating_processor(Ratings(Store.open(dataset), _options(config).liked_from))

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.rating_processing import RatingProcessor

        return RatingProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.ratings import Ratings
        from backend.datasets.store import Store
        from backend.models import rating_processing

        assert isinstance(processor, rating_processing.RatingProcessor)
        ratings = Ratings(Store.open(dataset), processor.liked_from)
        if split == "train":
            return rating_processing.TrainingRatings(ratings)
        return rating_processing.HeldOutRatings(ratings, split)

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        from backend.models.rating_processing import RatingProcessor
        from backend.models.recommenders import MatrixFactorisation, TwoTower

        assert isinstance(processor, RatingProcessor)
        width = _options(config).width
        if spec.name == "two-tower":
            return TwoTower(processor.items, width)
        return MatrixFactorisation(processor.people, len(processor.items), width)

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        from torch.nn import functional

        from backend.models.rating_processing import measure

        if train:
            scores = model(batch["people"], batch["history"])
            return {"loss": functional.cross_entropy(scores, batch["targets"])}
        scores = model.suggest(batch["history"])  # type: ignore[operator]
        chances, wanted = scores.log_softmax(dim=1), batch["wanted"]
        known = wanted < scores.shape[1]
        found = chances.gather(1, wanted.clamp(max=scores.shape[1] - 1)) * known
        loss = -(found.sum(dim=1) / known.sum(dim=1).clamp(min=1)).mean()
        return {"loss": loss, "output": measure(scores, batch["met"], wanted)}

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.rating_processing import RecommendationMeter

        return RecommendationMeter()

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.rating_processing import HeldOutRatings

        assert isinstance(split, HeldOutRatings)
        return split.most_popular()

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        from torch.nn import functional

        from backend.models.rating_processing import RatingProcessor

        assert isinstance(processor, RatingProcessor)
        assert isinstance(options, RecommendationOptions)
        vectors = functional.normalize(model.vectors(), dim=1)  # type: ignore[operator]
        answers = []
        for names in inputs:
            picked = processor([names], device)["history"]
            scores = model.suggest(picked)[0]  # type: ignore[operator]
            shares = scores.index_fill(0, picked[0], float("-inf")).softmax(dim=0)
            best = shares.topk(min(options.count, len(shares) - picked.shape[1]))
            nearest = (vectors[best.indices] @ vectors[picked[0]].T).argmax(dim=1)
            reasons = picked[0][nearest].tolist()
            answers.append({"items": [
                {"item": processor.items[number], "score": share, "because": processor.items[why]}
                for number, share, why in zip(
                    best.indices.tolist(), best.values.tolist(), reasons, strict=True
                )
            ]})  # fmt: skip
        return answers

    def examples(self, dataset: Dataset, *, limit: int, seed: int) -> list[Example]:
        """People of the test split: some of what they liked, and, a line each, what else."""
        from backend.datasets.ratings import list_people

        found = list_people(dataset, limit=limit, picks=PICKED, seed=seed)
        return [
            Example(liked, ", ".join(liked), "\n".join(later) or None) for liked, later in found
        ]


def _options(config: TrainingConfig) -> RecommendationConfig:
    assert isinstance(config, RecommendationConfig)
    return config
