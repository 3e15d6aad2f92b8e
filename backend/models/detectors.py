"""Networks of torchvision that find things in pictures, from zero or pretrained; with their losses.

All take canvases of one size (box_processing.py), so torchvision's own resizing is left out.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.ssd import SSD
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from backend.errors import ModelError
from backend.models import torchvision
from backend.models.freezing import hold

MOBILENET_V2 = "fasterrcnn_mobilenet_v2_fpn"
CLASSIFIERS = {
    MOBILENET_V2: "mobilenet_v2-b0353104.pth",
    "fasterrcnn_resnet50_fpn": "resnet50-0676ba61.pth",
    "fasterrcnn_mobilenet_v3_large_fpn": "mobilenet_v3_large-8738ca79.pth",
    "fasterrcnn_mobilenet_v3_large_320_fpn": "mobilenet_v3_large-8738ca79.pth",
    "ssd300_vgg16": "vgg16_features-amdegroot-88682ab5.pth",
    "ssdlite320_mobilenet_v3_large": "mobilenet_v3_large-8738ca79.pth",
    "retinanet_resnet50_fpn": "resnet50-0676ba61.pth",
    "fcos_resnet50_fpn": "resnet50-0676ba61.pth",
}
"""The weights of each detector's backbone, learnt by sorting ImageNet's pictures into classes."""
COLOURS = {
    "ssd300_vgg16": ([0.48235, 0.45882, 0.40784], [1 / 255] * 3),
    "ssdlite320_mobilenet_v3_large": ([0.5] * 3, [0.5] * 3),
}
"""Mean and deviation that pretrained weights expect, where they are not ImageNet's usual ones."""
PUBLISHED_WIDTH = 1024
FPN_WIDTH = 128
# Of a pretrained backbone this share of its blocks counts as early.
EARLY = 0.6
# Regions that a narrow second stage looks at, of those that the first one proposes.
PROPOSALS = 300
# The largest default box of an SSD, as a share of the canvas.
LARGEST_SHARE = 0.95
_LEARNING = (GeneralizedRCNN, RegionProposalNetwork, RoIHeads, SSD, RetinaNet, FCOS)

Found = dict[str, Tensor]
"""Of one picture, best first: "boxes" [k, 4] on the canvas, "scores" [k], "labels" int64 [k]."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What can be set of a detector beside its size.

    regions: how many regions of a picture the second stage learns from. head_width: neurons of
    its two layers. frozen: what of a pretrained backbone stays as it is, "none", "early" or
    "all". whole: whether the weights are those of the whole detector, not only of its backbone.
    least_score, most_boxes: what is kept of what it finds.
    """

    regions: int
    head_width: int
    frozen: str
    whole: bool
    least_score: float
    most_boxes: int


def colours(name: str, *, pretrained: bool) -> tuple[list[float], list[float]]:
    """Mean and deviation of each colour that a detector expects."""
    return COLOURS.get(name, torchvision.IMAGENET) if pretrained else torchvision.IMAGENET


def build_detector(
    name: str,
    checkpoint: str,
    classes: int,
    size: int,
    smallest: float,
    settings: DetectorSettings,
    *,
    pretrained: bool,
    load: bool,
) -> "TorchvisionDetector":
    """A detector for canvases [b, 3, size, size].

    smallest: the side of the smallest things, in pixels. pretrained says how it is made, load
    whether the weights are read too (a checkpoint may follow instead). Raises ModelError or
    DownloadError.
    """
    net = _network(name, classes + 1, settings)
    whole = pretrained and settings.whole and checkpoint != CLASSIFIERS[name]
    if isinstance(net, SSD):
        _fit_levels(net, name, size, None if whole else smallest)
    elif not whole:
        _fit_anchors(net, smallest)
    if load and whole:
        _load_whole(net, torchvision.read_weights(checkpoint), name)
    elif load and pretrained:
        _load_backbone(net, torchvision.read_weights(CLASSIFIERS[name]), name)
    if pretrained:
        _freeze(net, settings.frozen)
    return TorchvisionDetector(net)


def _network(name: str, classes: int, settings: DetectorSettings) -> Any:
    """The bare network with its thresholds; classes counts the background."""
    if name == MOBILENET_V2:
        anchors = AnchorGenerator(((32,), (64,), (128,), (256,)), ((0.5, 1.0, 2.0),) * 4)
        net: Any = FasterRCNN(_mobilenet_v2(), classes, rpn_anchor_generator=anchors)
    else:
        net = get_model(name, weights=None, weights_backbone=None, num_classes=classes)
    if isinstance(net, FasterRCNN):
        heads, pool = net.roi_heads, net.roi_heads.box_roi_pool
        inputs = net.backbone.out_channels * pool.output_size[0] ** 2
        heads.box_head = TwoMLPHead(inputs, settings.head_width)
        heads.box_predictor = FastRCNNPredictor(settings.head_width, classes)
        heads.fg_bg_sampler.batch_size_per_image = settings.regions
        heads.score_thresh, heads.detections_per_img = settings.least_score, settings.most_boxes
        if settings.head_width < PUBLISHED_WIDTH:  # the small setting: fewer candidates as well
            net.rpn._post_nms_top_n = {"training": PROPOSALS, "testing": PROPOSALS}
    else:
        net.score_thresh, net.detections_per_img = settings.least_score, settings.most_boxes
    return net


def _mobilenet_v2() -> BackboneWithFPN:
    """Features of MobileNet V2 at an eighth, a sixteenth and a 32nd of the size, and a 64th."""
    features = get_model("mobilenet_v2", weights=None).features
    levels = {"6": "0", "13": "1", "18": "2"}
    channels = [features[int(place)].out_channels for place in levels]
    return BackboneWithFPN(features, levels, channels, FPN_WIDTH, LastLevelMaxPool())


def _fit_anchors(net: Any, smallest: float) -> None:
    """Scale the boxes that guesses start from, so that the smallest ones fit the smallest things.

    Their number stays. FCOS starts from points: its sizes say which level looks for what.
    """
    if isinstance(net, FCOS):
        return
    owner = net.rpn if isinstance(net, FasterRCNN) else net
    generator = owner.anchor_generator
    factor = smallest / min(side for sides in generator.sizes for side in sides)
    sizes = tuple(tuple(side * factor for side in sides) for sides in generator.sizes)
    owner.anchor_generator = AnchorGenerator(sizes, generator.aspect_ratios)


def _fit_levels(net: Any, name: str, size: int, smallest: float | None) -> None:
    """Leave out levels that a small canvas has no room for; fit the boxes guesses start from.

    smallest: the side of the smallest things; None keeps the published boxes.
    """
    generator = net.anchor_generator
    levels = len(generator.aspect_ratios)
    if name == "ssd300_vgg16":
        levels = _vgg_levels(size)
        del net.backbone.extra[levels - 1 :]
        del net.head.classification_head.module_list[levels:]
        del net.head.regression_head.module_list[levels:]
    scales, steps = generator.scales[: levels + 1], generator.steps
    if smallest is not None:
        first = min(smallest / size, LARGEST_SHARE / 2)
        step = (LARGEST_SHARE - first) / (levels - 1)
        scales, steps = [*(first + step * level for level in range(levels)), 1.0], None
    net.anchor_generator = DefaultBoxGenerator(
        generator.aspect_ratios[:levels], scales=scales, steps=steps and steps[:levels]
    )


def _vgg_levels(size: int) -> int:
    """How many of SSD300's six levels of features are not empty on a canvas of this size."""
    side = -(-(size // 4) // 2) // 2  # after four halvings, the third of them rounded up
    side = (side + 3) // 4  # two more
    return 4 + (side > 2) + (side > 4)


def _load_whole(net: Any, state: dict[str, Tensor], name: str) -> None:
    """Fill all but what depends on the classes or on other settings; raises ModelError."""
    own = net.state_dict()
    fitting = {key: v for key, v in state.items() if key in own and own[key].shape == v.shape}
    wanted = [key for key in own if key.startswith("backbone.") and _is_weight(key)]
    if not all(key in fitting for key in wanted):
        raise ModelError(f"The downloaded weights do not fit {name}. Download them again.")
    net.load_state_dict(fitting, strict=False)


def _load_backbone(net: Any, state: dict[str, Tensor], name: str) -> None:
    """Fill the backbone from the network that it was cut out of; raises ModelError.

    Both hold the same tensors in the same order under other names. Where the detector goes on
    differently (SSDlite has a narrower end, SSD300 its own last layers) the rest starts from zero.
    """
    own = [(key, v) for key, v in _body(net).state_dict().items() if _is_weight(key)]
    given = [(key, v) for key, v in state.items() if _is_weight(key)]
    fitting: dict[str, Tensor] = {}
    for (key, value), (_, tensor) in zip(own, given, strict=False):
        if value.shape != tensor.shape:
            break
        fitting[key] = tensor
    if len(fitting) < len(own) // 2:
        raise ModelError(f"The downloaded weights do not fit {name}. Download them again.")
    _body(net).load_state_dict(fitting, strict=False)


def _is_weight(key: str) -> bool:
    return not key.endswith("num_batches_tracked")


def _body(net: Any) -> nn.Module:
    """The part that comes from a network that classifies, its blocks in order."""
    backbone = net.backbone
    if isinstance(backbone, BackboneWithFPN):
        return backbone.body
    if isinstance(net, SSD) and hasattr(backbone, "scale_weight"):  # VGG's last blocks are apart
        return nn.ModuleList([backbone.features, backbone.extra[0]])
    return backbone.features


def _freeze(net: Any, frozen: str) -> None:
    """Keep the statistics of a pretrained backbone, and as many of its blocks as asked."""
    body = _body(net)
    blocks = [block for part in body.children() for block in _blocks(part)]
    count = {"none": 0, "early": math.ceil(EARLY * len(blocks)), "all": len(blocks)}[frozen]
    for block in blocks[:count]:
        block.requires_grad_(False)
    # Batches are small: their own means would be worse than those of a million pictures.
    for part in body.modules():
        if isinstance(part, nn.BatchNorm2d):
            hold(part)


def _blocks(part: nn.Module) -> list[nn.Module]:
    """SSD's bodies come in two halves; every other part is a block of its own."""
    return [*part.children()] if type(part) is nn.Sequential else [part]


class _Canvases(nn.Module):
    """In the place of torchvision's resizing: the pictures are canvases already."""

    sizes: Tensor

    def forward(self, images: Tensor, targets: Any = None) -> tuple[ImageList, Any]:
        return ImageList(images, [tuple(size) for size in self.sizes.tolist()]), targets

    def postprocess(self, result: Any, shapes: Any, originals: Any) -> Any:
        return result


class _Given(nn.Module):
    """In the place of a backbone: what it gave before."""

    def __init__(self, features: Any) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Any:
        return self.features


class TorchvisionDetector(nn.Module):
    """A detector of torchvision behind three questions: learn, find, and both at once."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        # Colours last in memory: what convolutions run over; docs/decisions.md has the figures.
        self.net = net.to(memory_format=torch.channels_last)
        net.transform = _Canvases()

    def forward(self, images: Tensor, sizes: Tensor, targets: list[Found]) -> Tensor:
        """The loss of a batch of canvases [b, 3, s, s] with used sizes [b, 2]; a scalar.

        targets: "boxes" [k, 4] and "labels" int64 [k] of each picture.
        """
        self.net.transform.sizes = sizes
        # Class 0 is the background.
        shifted = [{"boxes": one["boxes"], "labels": one["labels"] + 1} for one in targets]
        losses: dict[str, Tensor] = self.net(images, shifted)
        return torch.stack([*losses.values()]).sum()

    def find(self, images: Tensor, sizes: Tensor) -> list[Found]:
        """What is in each picture, best first; in evaluation mode."""
        self.net.transform.sizes = sizes
        found: list[Found] = self.net(images)
        return [{**one, "labels": one["labels"] - 1} for one in found]

    def measure(
        self, images: Tensor, sizes: Tensor, targets: list[Found]
    ) -> tuple[Tensor, list[Found], float]:
        """The loss, what is found, and the seconds that finding took; in evaluation mode.

        torchvision computes losses in training mode only, which would change the statistics of
        batch norms: only the parts that compute losses are told to. The regions that a second
        stage is asked about are drawn by chance: always the same ones, and the run's own random
        numbers go on as if nothing had been drawn.
        """
        start = _clock(images)
        backbone = self.net.backbone
        features = backbone(images)
        try:
            self.net.backbone = _Given(features)
            found = self.find(images, sizes)
            seconds = _clock(images) - start
            with torch.random.fork_rng(_cards(images)), _computing_losses(self.net):
                torch.manual_seed(0)
                loss = self(images, sizes, targets)
        finally:
            self.net.backbone = backbone
        return loss, found, seconds


def _clock(images: Tensor) -> float:
    """Seconds, once the device has done what it was asked."""
    if images.is_cuda:
        torch.cuda.synchronize(images.device)
    return time.perf_counter()


def _cards(images: Tensor) -> list[torch.device]:
    return [images.device] if images.is_cuda else []


@contextmanager
def _computing_losses(net: nn.Module) -> Iterator[None]:
    parts = [part for part in net.modules() if isinstance(part, _LEARNING)]
    for part in parts:
        part.training = True
    try:
        yield
    finally:
        for part in parts:
            part.training = False
