"""Image classification: which of the classes a picture shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.errors import ConfigError
from backend.models import hub, torchvision
from backend.models.more_classifiers import more_classifiers
from backend.models.spec import ModelSpec, Weights
from backend.tasks.base import (
    CLASSIFICATION_METRICS,
    Batch,
    Processor,
    Split,
    SplitName,
    register_task,
)
from backend.tasks.classification import Classification
from backend.training.config import Options, TrainingConfig, setting
from storage.records import Dataset

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class ImageClassificationConfig(TrainingConfig):
    """What can be set for a training on pictures."""

    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already seen a million pictures, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    freeze_backbone: bool = setting(False, "Train the last layer only", "Keep the pretrained part as it is: much faster, and good for very small data.", curve="Falls quickly and flattens early; the two losses stay close together.")  # fmt: skip  # noqa: E501
    image_size: int = setting(0, "Image size", "Pictures are resized to this many pixels on each side; 0 takes what suits the model. Larger sees more and takes longer.", low=0, high=1024, curve="Larger pictures can end lower, with each step taking longer.")  # fmt: skip  # noqa: E501
    augmentation: str = setting("none", "Augmentation", "Small random changes, so that it cannot learn pictures by heart. Light moves and turns a little (digits); standard crops and mirrors (photos); strong also turns, changes the colours and covers a part (long trainings).", choices=("none", "light", "standard", "strong"), curve="The training loss falls slower, the validation loss ends lower; the stronger, the more so.")  # fmt: skip  # noqa: E501
    mirror: str = setting("auto", "Mirror images", "Whether standard and strong augmentation mirror pictures. Automatic mirrors photos, but no grey pictures such as digits and letters, which would mean something else.", choices=("auto", "yes", "no"), costs=False, curve="Where left and right mean nothing, mirroring lets the validation loss end lower; where they do, higher.")  # fmt: skip  # noqa: E501
    class_balance: str = setting("none", "Uneven classes", "For classes with far fewer examples than others: nothing, let their mistakes count more, or show their examples more often.", choices=("none", "weights", "sampling"), curve="The losses rise a little; the rare classes are met more often.")  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.image_size < 8:
            raise ConfigError(f"Image size is {self.image_size}; it must be 0, or from 8 to 1024.")
        if self.freeze_backbone and not self.pretrained:
            raise ConfigError(
                "Train the last layer only makes sense with pretrained weights: switch them on, or "
                "let all layers train."
            )


SMALL_PICTURE = 32
HUB_KINDS = (
    "beit", "bit", "convnext", "convnextv2", "cvt", "data2vec-vision", "deit", "dinov2",
    "dinov2_with_registers", "efficientnet", "focalnet", "hiera", "ijepa", "levit", "mobilenet_v1",
    "mobilenet_v2", "mobilevit", "mobilevitv2", "poolformer", "pvt", "pvt_v2", "regnet", "resnet",
    "siglip", "swiftformer", "swin", "swinv2", "vit", "vit_msn",
)  # fmt: skip
"""Kinds of transformers' models that look at pictures, as their config.json names them."""
# Parameters are counted for ten classes, and 28 x 28 grey pixels where that matters.
FINE_TUNING = {"epochs": 5, "batch_size": 32, "learning_rate": 5e-4, "augmentation": "standard"}
HUB_TUNING = {**FINE_TUNING, "batch_size": 16, "learning_rate": 5e-5, "pretrained": True}
MODELS = (
    ModelSpec(
        "mlp",
        "MLP",
        "Two layers of numbers, the classic first network. Trains in seconds; good for small "
        "pictures such as digits.",
        "trainroom",
        101_770,
        memory_mb=300,
        # The plain recipe of the textbooks: nothing but SGD and a falling rate.
        defaults={
            "optimizer": "sgd",
            "learning_rate": 0.05,
            "epochs": 15,
            "weight_decay": 0.0,
            "max_grad_norm": 0.0,
        },
    ),
    ModelSpec(
        "cnn",
        "Small CNN",
        "Looks for edges and shapes wherever they are. The best choice for digits and other small "
        "pictures; about a minute.",
        "trainroom",
        72_666,
        memory_mb=400,
        defaults={"learning_rate": 3e-3, "epochs": 10, "augmentation": "light"},
    ),
    ModelSpec(
        "mobilenet_v2",
        "MobileNet V2",
        "A compact network for photos. Its pretrained weights are here, so it learns from a few "
        "dozen pictures per class.",
        "torchvision",
        2_236_682,
        checkpoint="mobilenet_v2-b0353104.pth",
        download_mb=14,
        memory_mb=1500,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "mobilenet_v3_small",
        "MobileNet V3 small",
        "The fastest network for photos here; a little less exact than MobileNet V2.",
        "torchvision",
        1_528_106,
        checkpoint="mobilenet_v3_small-047dcff4.pth",
        download_mb=10,
        memory_mb=1200,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "resnet18",
        "ResNet-18",
        "The well-known all-rounder for photos; robust and easy to train.",
        "torchvision",
        11_181_642,
        checkpoint="resnet18-f37072fd.pth",
        download_mb=47,
        memory_mb=1500,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "efficientnet_b0",
        "EfficientNet B0",
        "More exact on photos than the MobileNets for about twice the time.",
        "torchvision",
        4_020_358,
        checkpoint="efficientnet_b0_rwightman-7f5810bc.pth",
        download_mb=21,
        memory_mb=2500,
        licence="BSD-3-Clause",
        defaults=FINE_TUNING,
    ),
    ModelSpec(
        "convnext_tiny",
        "ConvNeXt tiny",
        "A modern, exact network for photos. Wants a graphics card.",
        "torchvision",
        27_827_818,
        checkpoint="convnext_tiny-983f1562.pth",
        download_mb=114,
        memory_mb=4000,
        licence="BSD-3-Clause",
        defaults={**FINE_TUNING, "learning_rate": 1e-4},
    ),
    ModelSpec(
        "vit_b_16",
        "Vision Transformer B/16",
        "A large Transformer for photos. Only with pretrained weights and a graphics card.",
        "torchvision",
        85_806_346,
        checkpoint="vit_b_16-c867db91.pth",
        download_mb=346,
        memory_mb=6000,
        licence="BSD-3-Clause",
        defaults={**FINE_TUNING, "learning_rate": 5e-5},
    ),
)


@register_task
class ImageClassification(Classification):
    name = "image-classification"
    title = "Image classification"
    description = "Sorts pictures into classes, such as digits, animals or good and faulty parts."
    icon = "image"
    formats = ("image-class",)
    input_kind: ClassVar = "image"
    metrics = CLASSIFICATION_METRICS
    config = ImageClassificationConfig
    models = MODELS
    hub_tags = ("image-feature-extraction",)
    hub_kinds = HUB_KINDS
    more_models = more_classifiers(FINE_TUNING)
    place = 10

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if hub.is_outside_name(name):
            return hub.describe(name, HUB_TUNING)
        return super().get_model(name)

    def suitable_models(self, dataset: Dataset) -> list[ModelSpec]:
        """Pictures that are larger than digits want a network that has seen photos."""
        shape = dataset.details.get("image_shape")
        photos = not shape or max(shape[:2]) > SMALL_PICTURE
        return sorted(
            super().suitable_models(dataset),
            key=lambda spec: photos and self.weights(spec) is not Weights.HERE,
        )

    def weights(self, spec: ModelSpec) -> Weights:
        if spec.library != "transformers":
            return torchvision.where(spec) if spec.checkpoint else Weights.SCRATCH
        found = hub.where(spec)
        hub.check_kind(spec, HUB_KINDS, "sort pictures")
        return found

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models import hub_classifiers
        from backend.models.image_processing import build_image_processor

        if spec.library == "transformers":
            size = _options(config).image_size
            return hub_classifiers.build_processor(spec, Store.open(dataset), dataset.classes, size)
        pretrained = _options(config).pretrained
        if pretrained and not spec.checkpoint:
            raise ConfigError(
                f"{spec.title} has no pretrained weights. Switch them off, or choose another model."
            )
        ours = spec.library == "trainroom"
        channels = (dataset.details.get("channels") or 3) if ours else 3
        return build_image_processor(
            Store.open(dataset),
            dataset.classes,
            _image_size(dataset, spec, _options(config)),
            channels,
            colours=torchvision.colours(spec) if pretrained else None,
        )

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.image_processing import ImageProcessor

        return ImageProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.image_processing import ImageProcessor, ImageSplit

        assert isinstance(processor, ImageProcessor)
        options, train = _options(config), split == "train"
        augmentation = options.augmentation if train else "none"
        balance = options.class_balance if train else "none"
        return ImageSplit(
            Store.open(dataset), processor, split, augmentation, balance,
            mirror=_mirrors(dataset, options),
        )  # fmt: skip

    def augmented(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig, *, count: int, views: int
    ) -> list[bytes]:
        from backend.datasets.store import Store
        from backend.models.augmented_views import strips
        from backend.models.image_processing import ImageProcessor

        options = _options(config)
        processor = self.build_processor(dataset, spec, config)
        assert isinstance(processor, ImageProcessor)
        return strips(
            Store.open(dataset), processor, options.augmentation, count, views,
            mirror=_mirrors(dataset, options), seed=options.seed,
        )  # fmt: skip

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        import torch

        from backend.models.image_processing import ImageProcessor
        from backend.models.networks import CNN, MLP

        assert isinstance(processor, ImageProcessor)
        frozen = _options(config).freeze_backbone
        classes, size, channels = len(processor.classes), processor.size, processor.channels
        model: nn.Module
        if spec.name == "mlp":
            model = MLP(channels, size, classes)
        elif spec.name == "cnn":
            model = CNN(channels, classes)
        elif spec.library == "transformers":
            from backend.models import hub_classifiers

            model = hub_classifiers.build_network(
                spec, processor, load=pretrained, freeze_backbone=frozen
            )
        else:
            model = torchvision.build_network(
                spec, classes, size, pretrained=pretrained, freeze_backbone=frozen
            )
        # Colours last in memory: what convolutions run over; docs/decisions.md has the figures.
        return model.to(memory_format=torch.channels_last)

    def logits(self, model: "nn.Module", batch: Batch) -> "Tensor":
        logits: Tensor = model(batch["images"])
        return logits

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        # Batch norm cannot take the mean of a single picture: the last batch may be one.
        alone = train and len(batch["labels"]) == 1
        if alone:
            model.eval()
        result = super().compute(model, batch, train=train)
        if alone:
            model.train()
        return result

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        import torch

        from backend.models.classification import answers
        from backend.models.image_processing import ImageProcessor, as_png

        assert isinstance(processor, ImageProcessor)
        read = [processor.read(data) for data in inputs]
        pixels = torch.stack([picture for picture, _ in read])
        found = answers(model(processor.normalize(pixels).to(device)), processor.classes)
        for answer, (picture, hints) in zip(found, read, strict=True):
            answer["seen"] = as_png(picture)
            answer["hints"] = hints
        return found

    def explain(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        about: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from backend.models.explaining_gradients import heat_of
        from backend.models.explaining_pictures import explain_picture
        from backend.models.image_processing import ImageProcessor, as_png

        assert isinstance(processor, ImageProcessor)
        pixels, _ = processor.read(value)
        image = processor.normalize(pixels).to(device)
        heat = heat_of(model, model, image)
        yield from explain_picture(model, image, as_png(pixels), processor.classes, heat, about)


def _options(config: TrainingConfig) -> ImageClassificationConfig:
    assert isinstance(config, ImageClassificationConfig)
    return config


def _mirrors(dataset: Dataset, config: ImageClassificationConfig) -> bool:
    """Whether pictures may be mirrored: as set, else not where all are grey."""
    if config.mirror == "auto":
        return dataset.details.get("channels") != 1
    return config.mirror == "yes"


def _image_size(dataset: Dataset, spec: ModelSpec, config: ImageClassificationConfig) -> int:
    """Pixels per side: as set, or what suits the pictures and the model."""
    from backend.models.image_processing import usual_size

    return config.image_size or torchvision.fitting_size(spec.name, usual_size(dataset, spec))
