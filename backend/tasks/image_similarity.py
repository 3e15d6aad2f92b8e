"""Image similarity: do two pictures show the same, also of classes that were never learnt?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.errors import ConfigError
from backend.models import torchvision
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

MATCH, NO_MATCH = "the same", "not the same"


@dataclass(frozen=True, kw_only=True)
class ImageSimilarityConfig(TrainingConfig):
    """What can be set for a training on pictures that are to be compared."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already seen a million pictures, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    new_classes: bool = setting(True, "Test on new classes", "Keep every fifth class for validation and every fifth for the test: the scores then tell how it does on what it never learnt. Needs 20 classes.", advanced=False, curve="The validation scores are lower, and honest about classes that it has never met.")  # fmt: skip  # noqa: E501
    crop_faces: bool = setting(False, "Crop to the face", "Find the face in every picture and compare only that. It finds faces; whom they show it learns from your pictures alone. Use it only with people who agreed.", advanced=False, curve="The losses fall faster, since everything but the face is gone.")  # fmt: skip  # noqa: E501
    width: int = setting(64, "Width", "How many numbers describe a picture.", low=2, high=1024, curve="Wider lets the training loss fall further; the validation scores stop gaining at some point.")  # fmt: skip  # noqa: E501
    freeze_backbone: bool = setting(False, "Train the last layer only", "Keep the pretrained part as it is: much faster, and good for very small data.", curve="Falls quickly and flattens early; the two losses stay close together.")  # fmt: skip  # noqa: E501
    image_size: int = setting(0, "Image size", "Pictures are resized to this many pixels on each side; 0 takes what suits the model. Larger sees more and takes longer.", low=0, high=1024, curve="Larger pictures can end lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    augmentation: str = setting("none", "Augmentation", "Small random changes, so that it cannot learn pictures by heart. Light moves and turns a little (signs); standard crops and mirrors (photos).", choices=("none", "light", "standard"), curve="The training loss falls slower, the validation loss ends lower.")  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.image_size < 8:
            raise ConfigError(f"Image size is {self.image_size}; it must be 0, or from 8 to 1024.")
        if self.freeze_backbone and not self.pretrained:
            raise ConfigError(
                "Train the last layer only makes sense with pretrained weights: switch them on, or "
                "let all layers train."
            )


# Parameters are counted for 28 x 28 grey pixels where that matters, and 64 numbers a picture.
FINE_TUNING = {"epochs": 8, "batch_size": 64, "learning_rate": 5e-4, "augmentation": "standard"}
MODELS = (
    ModelSpec(
        "cnn",
        "Small CNN",
        "Looks for edges and shapes wherever they are. The best choice for signs, digits and other "
        "small pictures; a minute or two.",
        "trainroom",
        76_176,
        memory_mb=500,
        defaults={"learning_rate": 3e-3, "epochs": 15, "batch_size": 128, "augmentation": "light"},
    ),
    ModelSpec(
        "mobilenet_v2",
        "MobileNet V2",
        "A compact network for photos. Its pretrained weights are here, so it learns from a few "
        "dozen pictures per class.",
        "torchvision",
        2_305_856,
        checkpoint="mobilenet_v2-b0353104.pth",
        download_mb=14,
        memory_mb=2000,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "resnet18",
        "ResNet-18",
        "The well-known all-rounder for photos; robust and easy to train.",
        "torchvision",
        11_209_344,
        checkpoint="resnet18-f37072fd.pth",
        download_mb=47,
        memory_mb=2000,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
)


@register_task
class ImageSimilarity(Task):
    name = "image-similarity"
    title = "Image similarity"
    description = (
        "Tells whether two pictures show the same, and finds what looks alike: signs, "
        "products, or faces."
    )
    icon = "compare"
    formats = ("image-class",)
    input_kind: ClassVar = "two-images"
    answer_kind: ClassVar = "match"
    metrics = (
        Metric("verification", "Pairs judged right", "Of pairs that show the same and pairs that "
               "do not, the share that it tells rightly; guessing gets half."),
        Metric("recall_1", "Nearest is right", "How often the most alike other picture is of the "
               "same class.", live=False),
        Metric("recall_5", "One of five is right", "How often one of the five most alike is of the "
               "same class.", live=False),
        Metric("roc_auc", "Order of pairs", "How often a pair of the same is nearer than a pair "
               "that is not (area under the ROC curve).", live=False),
    )  # fmt: skip
    best_metric = "roc_auc"
    config = ImageSimilarityConfig
    models = MODELS

    def weights(self, spec: ModelSpec) -> Weights:
        return torchvision.where(spec) if spec.checkpoint else Weights.SCRATCH

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.new_classes import class_parts
        from backend.models.image_processing import build_image_processor
        from backend.models.similarity_processing import (
            PairProcessor,
            choose_gallery,
            store_kind,
        )

        options = _options(config)
        if options.pretrained and not spec.checkpoint:
            raise ConfigError(
                f"{spec.title} has no pretrained weights. Switch them off, or choose another model."
            )
        store = store_kind(crop_faces=options.crop_faces).open(dataset)
        train = class_parts(store, new_classes=options.new_classes)["train"]
        ours = spec.library == "trainroom"
        pictures = build_image_processor(
            store,
            dataset.classes,
            _image_size(dataset, spec, options),
            (dataset.details.get("channels") or 3) if ours else 3,
            colours=torchvision.colours(spec) if options.pretrained else None,
            train=train,
        )
        return PairProcessor(pictures, options.crop_faces, dataset.id, choose_gallery(store, train))

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.similarity_processing import PairProcessor

        return PairProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.new_classes import class_parts
        from backend.models.similarity_processing import (
            ComparedPictures,
            PairProcessor,
            store_kind,
        )

        assert isinstance(processor, PairProcessor)
        options = _options(config)
        store = store_kind(crop_faces=options.crop_faces).open(dataset)
        parts = class_parts(store, new_classes=options.new_classes)
        augmentation = options.augmentation if split == "train" else "none"
        return ComparedPictures(store, processor, augmentation, parts[split])

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        import torch

        from backend.models.networks import CNN
        from backend.models.similarity import Embedder
        from backend.models.similarity_processing import PairProcessor

        assert isinstance(processor, PairProcessor)
        options, pictures = _options(config), processor.pictures
        backbone: nn.Module
        if spec.name == "cnn":
            backbone = CNN(pictures.channels, options.width)
        else:
            backbone = torchvision.build_network(
                spec,
                options.width,
                pictures.size,
                pretrained=pretrained,
                freeze_backbone=options.freeze_backbone,
            )
        model = Embedder(backbone)
        # Colours last in memory: what convolutions run over; docs/decisions.md has the figures.
        return model.to(memory_format=torch.channels_last)

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        from backend.models.similarity import Embedder, contrastive_loss

        assert isinstance(model, Embedder)
        # Batch norm cannot take the mean of a single picture: the last batch may be one.
        alone = train and len(batch["labels"]) == 1
        if alone:
            model.eval()
        vectors = model(batch["images"])
        if alone:
            model.train()
        return {
            "loss": contrastive_loss(vectors, batch["labels"]),
            "output": vectors.detach(),
            "threshold": model.threshold,
        }

    def calibrate(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> None:
        """Choose the distance up to which two pictures count as the same."""
        from backend.models.similarity import Embedder, calibrate

        assert isinstance(model, Embedder)
        calibrate(model, validation, device)

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.similarity import SimilarityMeter

        return SimilarityMeter()

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.image_processing import ImageSplit
        from backend.models.similarity import guessing

        assert isinstance(split, ImageSplit)
        return guessing(split.labels.cpu())

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        from backend.models.similarity import Embedder
        from backend.models.similarity_processing import PairProcessor, compare

        assert isinstance(model, Embedder)
        assert isinstance(processor, PairProcessor)
        return [compare(model, processor, pair, device) for pair in inputs]

    def examples(self, dataset: Dataset, *, limit: int, seed: int) -> list[Example]:
        """Pairs of pictures that no training saw, every other one of the same class."""
        from backend.datasets.new_classes import list_pairs

        return [
            Example(pictures, f"{one} and {other}", MATCH if one == other else NO_MATCH)
            for pictures, (one, other) in list_pairs(dataset, limit=limit, seed=seed)
        ]


def _options(config: TrainingConfig) -> ImageSimilarityConfig:
    assert isinstance(config, ImageSimilarityConfig)
    return config


def _image_size(dataset: Dataset, spec: ModelSpec, config: ImageSimilarityConfig) -> int:
    """Pixels per side: as set, or what suits the pictures and the model."""
    from backend.models.image_processing import usual_size

    return config.image_size or usual_size(dataset, spec)
