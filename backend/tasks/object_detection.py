"""Object detection: what is where in a picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backend.errors import ConfigError
from backend.models import hub, torchvision
from backend.models.spec import ModelSpec, Weights
from backend.scores.naive import Naive
from backend.tasks.base import (
    Batch,
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
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class ObjectDetectionConfig(TrainingConfig):
    """What can be set for a training on pictures with boxes."""

    batch_size: int = setting(8, "Batch size", "How many pictures it looks at before each small correction. Larger needs more memory.", low=1, high=512, advanced=False, curve="A small batch makes the training loss jagged, a large one makes it smooth but slower to fall per epoch.")  # fmt: skip  # noqa: E501
    pretrained: bool = setting(False, "Pretrained weights", "Start from a network that has already seen many pictures, instead of from zero.", advanced=False, curve="The loss starts lower and falls much faster.")  # fmt: skip  # noqa: E501
    image_size: int = setting(0, "Image size", "The longer side of each picture, in pixels; 0 takes what suits the model. Larger finds smaller things and takes longer.", low=0, high=2048, advanced=False, curve="Larger pictures end lower where things are small, with each step taking longer.")  # fmt: skip  # noqa: E501
    pretrained_on: str = setting("objects", "Pretrained on", "Objects: the whole detector was trained to find 90 kinds of everyday things. Classes: only its first part was, by sorting pictures.", choices=("objects", "classes"), curve="From objects the loss starts lower than from classes.")  # fmt: skip  # noqa: E501
    freeze_backbone: str = setting("none", "Keep as it is", "With pretrained weights: how much of that part does not learn: nothing, its early half, or all of it. More is faster and good for little data.", choices=("none", "early", "all"), curve="Falls quickly and flattens early; the two losses stay close together.")  # fmt: skip  # noqa: E501
    augmentation: str = setting("none", "Augmentation", "Small random changes, boxes included, so that it cannot learn pictures by heart. Light moves, scales and recolours; standard mirrors as well (photos).", choices=("none", "light", "standard"), curve="The training loss falls slower, the validation loss ends lower.")  # fmt: skip  # noqa: E501
    regions: int = setting(64, "Regions per picture", "For Faster R-CNN: how many places of a picture its second stage learns from. 512 is the published number, for graphics cards.", low=8, high=2048, curve="More regions make the loss smoother, with each step taking longer.")  # fmt: skip  # noqa: E501
    head_width: int = setting(256, "Width of the second stage", "For Faster R-CNN: neurons in each of its last two layers. 1024 is the published number, for graphics cards.", low=16, high=4096, curve="Wider lets the training loss fall further, with each step taking longer.")  # fmt: skip  # noqa: E501
    score_threshold: float = setting(0.05, "Least score", "What it is less sure of than this does not count as found, in the evaluation and after it.", low=0.001, high=0.9, curve="Changes no loss; a high one lowers the scores, since what is found with doubt is lost.")  # fmt: skip  # noqa: E501
    most_boxes: int = setting(100, "Most boxes", "How many things it may find in one picture.", low=1, high=1000, curve="Changes no loss; too few lower the scores on crowded pictures.")  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.image_size < 32:
            raise ConfigError(f"Image size is {self.image_size}; it must be 0, or from 32 to 2048.")

    @property
    def evaluation_batch_size(self) -> int:
        """No more than in training: a large picture's features take hundreds of megabytes."""
        return self.batch_size


@dataclass(frozen=True, kw_only=True)
class DetectionOptions(Options):
    """What can be set when a trained detector is asked."""

    threshold: float = setting(0.5, "Sure at least", "Boxes that it is less sure of are not shown.", low=0.0, high=1.0)  # fmt: skip  # noqa: E501
    most_boxes: int = setting(50, "Most boxes", "No more boxes than this are shown, the surest first.", low=1, high=1000)  # fmt: skip  # noqa: E501


MODELS = (
    ModelSpec(
        "fasterrcnn_mobilenet_v2_fpn",
        "Faster R-CNN with MobileNet V2",
        "Looks for places first, then at each of them. Its first part is pretrained and here, so "
        "it learns in minutes without internet: the one to begin with.",
        "torchvision",
        4_682_566,
        checkpoint="mobilenet_v2-b0353104.pth",
        download_mb=14,
        memory_mb=1500,
        licence="BSD-3-Clause",
        defaults={
            "epochs": 8,
            "batch_size": 4,
            "learning_rate": 1e-3,
            "freeze_backbone": "early",
        },
    ),
    ModelSpec(
        "ssdlite320_mobilenet_v3_large",
        "SSDlite with MobileNet V3",
        "Made for phones: one look at the picture and no second. The fastest to answer.",
        "torchvision",
        2_331_260,
        checkpoint="ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
        download_mb=14,
        memory_mb=2500,
        licence="BSD-3-Clause",
        defaults={"epochs": 20, "learning_rate": 2e-3},
    ),
    ModelSpec(
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "Faster R-CNN with MobileNet V3, small pictures",
        "Two stages on a coarse view: quick, for things that are not small.",
        "torchvision",
        8_340_146,
        checkpoint="fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth",
        download_mb=78,
        memory_mb=2500,
        licence="BSD-3-Clause",
        defaults={"epochs": 15, "learning_rate": 1e-3},
    ),
    ModelSpec(
        "fasterrcnn_mobilenet_v3_large_fpn",
        "Faster R-CNN with MobileNet V3",
        "The same network meant for larger pictures: finds smaller things.",
        "torchvision",
        8_340_146,
        checkpoint="fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth",
        download_mb=78,
        memory_mb=3000,
        licence="BSD-3-Clause",
        defaults={"epochs": 15, "learning_rate": 1e-3},
    ),
    ModelSpec(
        "fcos_resnet50_fpn",
        "FCOS with ResNet-50",
        "Needs no prepared boxes: every point says how far the edges around it are. Exact; wants "
        "a graphics card.",
        "torchvision",
        32_138_320,
        checkpoint="fcos_resnet50_fpn_coco-99b0c9b7.pth",
        download_mb=130,
        memory_mb=4000,
        licence="BSD-3-Clause",
        defaults={"epochs": 6, "learning_rate": 3e-4, "batch_size": 4},
    ),
    ModelSpec(
        "retinanet_resnet50_fpn",
        "RetinaNet with ResNet-50",
        "One stage that minds the rare and difficult places. Exact; wants a graphics card.",
        "torchvision",
        32_408_519,
        checkpoint="retinanet_resnet50_fpn_coco-eeacb38b.pth",
        download_mb=136,
        memory_mb=4000,
        licence="BSD-3-Clause",
        defaults={"epochs": 6, "learning_rate": 3e-4, "batch_size": 4},
    ),
    ModelSpec(
        "fasterrcnn_resnet50_fpn",
        "Faster R-CNN with ResNet-50",
        "The well-known two-stage detector. Exact; wants a graphics card.",
        "torchvision",
        30_737_798,
        checkpoint="fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
        download_mb=167,
        memory_mb=4000,
        licence="BSD-3-Clause",
        defaults={"epochs": 6, "learning_rate": 3e-4, "batch_size": 4},
    ),
    ModelSpec(
        "ssd300_vgg16",
        "SSD300 with VGG-16",
        "The classic of the one-stage detectors, on a network without short cuts.",
        "torchvision",
        24_482_502,
        checkpoint="ssd300_vgg16_coco-b556d3b4.pth",
        download_mb=136,
        memory_mb=4000,
        licence="BSD-3-Clause",
        defaults={"epochs": 6, "learning_rate": 1e-4},
    ),
)
SIZES = {
    "fasterrcnn_mobilenet_v2_fpn": (128, 320),
    "ssdlite320_mobilenet_v3_large": (256, 320),
    "fasterrcnn_mobilenet_v3_large_320_fpn": (256, 320),
    "fasterrcnn_mobilenet_v3_large_fpn": (256, 800),
    "ssd300_vgg16": (160, 300),
    "fcos_resnet50_fpn": (128, 800),
    "retinanet_resnet50_fpn": (128, 800),
    "fasterrcnn_resnet50_fpn": (128, 800),
}
"""The canvas of each model: from zero, in minutes on a processor; and with pretrained weights."""

HUB_TUNING = {"epochs": 20, "batch_size": 4, "learning_rate": 5e-5, "pretrained": True}
HUB_KINDS = (
    "conditional_detr", "d_fine", "dab-detr", "deformable_detr", "detr", "lw_detr", "rt_detr",
    "rt_detr_v2", "table-transformer", "yolos",
)  # fmt: skip
"""Kinds of transformers' models that find things, as their config.json names them."""


@register_task
class ObjectDetection(Task):
    name = "object-detection"
    title = "Object detection"
    description = "Finds things in a picture and says what each is and where, with a box around it."
    icon = "frame_inspect"
    formats = ("image-boxes",)
    input_kind: ClassVar = "image"
    answer_kind: ClassVar = "boxes"
    metrics = (
        Metric("map", "mAP", "Mean average precision: how well boxes and classes agree with the "
               "truth, over several demands on the overlap, from half to nearly all (as COCO)."),
        Metric("map50", "mAP50", "The same where a box counts as right from half an "
               "overlap on."),
        Metric("picture_ms", "Time per picture (ms)", "The mean time to find everything in a "
               "picture of the validation part.", percent=False, higher_is_better=False,
               live=False),
    )  # fmt: skip
    best_metric = "map"
    place = 30
    config = ObjectDetectionConfig
    options = DetectionOptions
    models = MODELS
    hub_kinds = HUB_KINDS

    def get_model(self, name: str) -> ModelSpec:
        """A model by name, Hub id (organisation/model) or folder; raises NotFoundError."""
        if hub.is_outside_name(name):
            return hub.describe(name, HUB_TUNING)
        return super().get_model(name)

    def weights(self, spec: ModelSpec) -> Weights:
        if spec.library != "transformers":
            return torchvision.where(spec)
        found = hub.where(spec)
        hub.check_kind(spec, HUB_KINDS, "find things in pictures")
        return found

    def build_processor(
        self, dataset: Dataset, spec: ModelSpec, config: TrainingConfig
    ) -> Processor:
        from backend.datasets.store import Store
        from backend.models import detectors, hub_detectors
        from backend.models.box_processing import build_box_processor

        chosen, store = _options(config), Store.open(dataset)
        if spec.library == "transformers":
            return hub_detectors.build_processor(spec, store, dataset.classes, chosen.image_size)
        mean, std = detectors.colours(spec.name, pretrained=chosen.pretrained)
        size = chosen.image_size or SIZES[spec.name][0]
        return build_box_processor(store, dataset.classes, size, mean, std)

    def load_processor(self, folder: Path) -> Processor:
        from backend.models.box_processing import BoxProcessor

        return BoxProcessor.load(folder)

    def load_split(
        self, dataset: Dataset, processor: Processor, config: TrainingConfig, split: SplitName
    ) -> Split:
        from backend.datasets.store import Store
        from backend.models.box_processing import BoxProcessor, BoxSplit

        assert isinstance(processor, BoxProcessor)
        augmentation = _options(config).augmentation if split == "train" else "none"
        return BoxSplit(Store.open(dataset), processor, split, augmentation)

    def build_model(
        self, spec: ModelSpec, processor: Processor, config: TrainingConfig, *, pretrained: bool
    ) -> "nn.Module":
        from backend.models import detectors, hub_detectors
        from backend.models.box_processing import BoxProcessor

        assert isinstance(processor, BoxProcessor)
        chosen = _options(config)
        if spec.library == "transformers":
            return hub_detectors.build_detector(
                spec,
                processor,
                load=pretrained,
                freeze_backbone=chosen.freeze_backbone != "none",
                least_score=chosen.score_threshold,
                most_boxes=chosen.most_boxes,
            )
        settings = detectors.DetectorSettings(
            regions=chosen.regions,
            head_width=chosen.head_width,
            frozen=chosen.freeze_backbone,
            whole=chosen.pretrained_on == "objects",
            least_score=chosen.score_threshold,
            most_boxes=chosen.most_boxes,
        )
        return detectors.build_detector(
            spec.name,
            spec.checkpoint,
            len(processor.classes),
            processor.size,
            processor.smallest,
            settings,
            pretrained=chosen.pretrained,
            load=pretrained,
        )

    def compute(self, model: "nn.Module", batch: Batch, *, train: bool) -> Mapping[str, Any]:
        from backend.models.detection import compute_detection

        return compute_detection(model, batch, train=train)

    def build_meter(self, processor: Processor) -> Meter:
        from backend.models.detection import DetectionMeter

        return DetectionMeter(len(processor.classes))

    def naive_baseline(self, processor: Processor, train: Split, split: Split) -> Naive:
        from backend.models.box_processing import BoxSplit
        from backend.models.detection import mean_boxes

        assert isinstance(train, BoxSplit)
        assert isinstance(split, BoxSplit)
        return mean_boxes(train.targets, split.targets, processor.classes)

    def predict(
        self,
        model: "nn.Module",
        processor: Processor,
        inputs: Sequence[Any],
        device: "torch.device",
        options: Options,
    ) -> list[dict[str, Any]]:
        from backend.models.box_processing import BoxProcessor
        from backend.models.detection import answers

        assert isinstance(processor, BoxProcessor)
        assert isinstance(options, DetectionOptions)
        return answers(model, processor, inputs, device, options.threshold, options.most_boxes)

    def snapshot(
        self, model: "nn.Module", processor: Processor, validation: Split, device: "torch.device"
    ) -> dict[str, Any] | None:
        from backend.models.box_processing import BoxProcessor, BoxSplit
        from backend.models.detection import boxes_snapshot

        assert isinstance(processor, BoxProcessor)
        assert isinstance(validation, BoxSplit)
        return boxes_snapshot(model, processor, validation, device)

    def explain(
        self,
        model: "nn.Module",
        processor: Processor,
        value: Any,
        device: "torch.device",
        about: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from backend.models.box_processing import BoxProcessor
        from backend.models.explaining_boxes import explain_boxes

        assert isinstance(processor, BoxProcessor)
        yield from explain_boxes(model, processor, value, device, about)

    def features(self, model: "nn.Module", batch: Batch) -> "Tensor | None":
        from backend.models.detectors import TorchvisionDetector
        from backend.models.features import of_maps

        if not isinstance(model, TorchvisionDetector):
            return None
        return of_maps(model.net.backbone(batch["images"]))


def _options(config: TrainingConfig) -> ObjectDetectionConfig:
    assert isinstance(config, ObjectDetectionConfig)
    return config
